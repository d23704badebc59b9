-- Every target beside the figure: for townships and the county on the comparable basis, for enterprises on the reported
-- one (domain.md J.2). A target of which no figure is known yet stands at its year's December. Of a task indicator that
-- nobody reports, the ledger of tasks tells (domain.md B.3, TASK): done over the target set, else over what is planned there.
with followed as (
    select *
    from {{ ref('int_target_progress') }}
    where basis = case when level = 'enterprise' then 'reported' else 'comparable' end
),

waiting as (
    select target.*
    from {{ ref('int_target') }} as target
    left join followed
        on target.level = followed.level
        and target.unit_id = followed.unit_id
        and target.indicator_code = followed.indicator_code
        and year(target.period) = year(followed.period)
        and target.tier = followed.tier
        and target.target_form = followed.target_form
    where followed.unit_id is null and month(target.period) = 12
),

-- Ledgers of tasks: of some indicators each row is one (setting task_row_indicators). What is planned by a day that has not
-- come is not due; the county's are those of all its townships and its own.
task as (
    select
        task.level,
        coalesce(task.township_code, deployment.county_code) as unit_id,
        task.indicator_code,
        task.year as year_no,
        least(
            greatest(
                coalesce(task.reported_for, make_date(year(task.judged_on), month(task.judged_on), 1)),
                make_date(task.year, 1, 1)
            ),
            make_date(task.year, 12, 1)
        ) as told_for,
        task.planned_on,
        task.status,
        deployment.county_code
    from {{ ref('fct_task') }} as task
    inner join {{ ref('stg_setting') }} as counted
        on counted.key = 'task_row_indicators'
        and position('|' || task.indicator_code || '|' in '|' || coalesce(counted.value, '') || '|') > 0
    cross join {{ ref('stg_deployment') }} as deployment
    where task.status <> 'cancelled' and task.year is not null
),

placed_task as (
    select
        level,
        unit_id,
        indicator_code,
        year_no,
        told_for,
        planned_on,
        status
    from task
    where level = 'township'
    union all
    select
        'county' as level,
        county_code as unit_id,
        indicator_code,
        year_no,
        told_for,
        planned_on,
        status
    from task
),

ledger as (
    select
        placed_task.level,
        placed_task.unit_id,
        placed_task.indicator_code,
        placed_task.year_no,
        latest.period,
        count(*) as planned,
        sum(case when placed_task.status in ('done', 'done_late') then 1 else 0 end) as done,
        sum(
            case
                when placed_task.status = 'overdue' or placed_task.planned_on < {{ add_months('latest.period', 1) }} then 1
                else 0
            end
        ) as due
    from placed_task
    inner join (
        select
            told.level,
            told.unit_id,
            told.indicator_code,
            told.year_no,
            max(told.told_for) as period
        from placed_task as told
        group by told.level, told.unit_id, told.indicator_code, told.year_no
    ) as latest
        on placed_task.level = latest.level
        and placed_task.unit_id = latest.unit_id
        and placed_task.indicator_code = latest.indicator_code
        and placed_task.year_no = latest.year_no
    group by
        placed_task.level, placed_task.unit_id, placed_task.indicator_code, placed_task.year_no, latest.period
),

-- against a target that was set time runs as the calendar does, against the ledger's own plan as its days do
from_ledger as (
    select
        ledger.level,
        ledger.unit_id,
        ledger.indicator_code,
        ledger.period,
        coalesce(waiting.target_value, cast(ledger.planned as double)) as target_value,
        cast(ledger.done as double) as actual_value,
        case
            when waiting.target_value is not null then month(ledger.period) * cast(100 as double) / 12
            else ledger.due * cast(100 as double) / ledger.planned
        end as time_progress_pct
    from ledger
    left join waiting
        on ledger.level = waiting.level
        and ledger.unit_id = waiting.unit_id
        and ledger.indicator_code = waiting.indicator_code
        and ledger.year_no = year(waiting.period)
        and waiting.tier = 'must'
        and waiting.target_form = 'task'
    left join followed
        on ledger.level = followed.level
        and ledger.unit_id = followed.unit_id
        and ledger.indicator_code = followed.indicator_code
        and ledger.year_no = year(followed.period)
        and followed.tier = 'must'
    where followed.unit_id is null
),

-- a target of no task at all is kept as long as none is to be done
gauged as (
    select
        from_ledger.*,
        {{ quotient('actual_value', 'target_value') }} * 100 as attainment_pct,
        coalesce({{ quotient('actual_value', 'target_value') }} * 100, cast(100 as double)) - time_progress_pct as gap_pp
    from from_ledger
),

lit as (
    select
        gauged.*,
        rule.text_zh as lamp_rule_zh,
        rule.text_en as lamp_rule_en,
        case
            when rule.lamp_rule_id is null then null
            when round(gauged.gap_pp, 9) >= rule.green_min_pp then 'green'
            when round(gauged.gap_pp, 9) >= rule.yellow_min_pp then 'yellow'
            else 'red'
        end as lamp,
        row_number() over (
            partition by gauged.level, gauged.unit_id, gauged.indicator_code, gauged.period
            order by rule.target_form nulls last
        ) as choice
    from gauged
    inner join {{ ref('stg_indicator') }} as indicator on gauged.indicator_code = indicator.indicator_code
    left join {{ ref('stg_lamp_rule') }} as rule
        on indicator.lamp_rule_id = rule.lamp_rule_id
        and coalesce(rule.target_form, 'task') = 'task'
        and {{ in_force_on('rule', 'gauged.period') }}
)

select
    level,
    unit_id,
    indicator_code,
    period,
    target_form,
    tier,
    {{ as_value('target_value') }} as target_value,
    {{ as_value('actual_value') }} as actual_value,
    {{ as_value('start_value') }} as start_value,
    attainment_pct,
    level_ratio_pct,
    time_progress_pct,
    gap_pp,
    lamp,
    lamp_rule_zh,
    lamp_rule_en
from followed
union all
select
    waiting.level,
    waiting.unit_id,
    waiting.indicator_code,
    waiting.period,
    waiting.target_form,
    waiting.tier,
    {{ as_value('waiting.target_value') }} as target_value,
    cast(null as decimal(24, 6)) as actual_value,
    cast(null as decimal(24, 6)) as start_value,
    cast(null as double) as attainment_pct,
    cast(null as double) as level_ratio_pct,
    cast(100 as double) as time_progress_pct,
    cast(null as double) as gap_pp,
    'grey' as lamp,
    cast(null as string) as lamp_rule_zh,
    cast(null as string) as lamp_rule_en
from waiting
left join ledger
    on waiting.level = ledger.level
    and waiting.unit_id = ledger.unit_id
    and waiting.indicator_code = ledger.indicator_code
    and year(waiting.period) = ledger.year_no
    and waiting.tier = 'must'
    and waiting.target_form = 'task'
where ledger.unit_id is null
union all
select
    level,
    unit_id,
    indicator_code,
    period,
    'task' as target_form,
    'must' as tier,
    {{ as_value('target_value') }} as target_value,
    {{ as_value('actual_value') }} as actual_value,
    cast(null as decimal(24, 6)) as start_value,
    attainment_pct,
    attainment_pct as level_ratio_pct,
    time_progress_pct,
    {{ no_negative_zero('gap_pp') }} as gap_pp,
    lamp,
    lamp_rule_zh,
    lamp_rule_en
from lit
where choice = 1
