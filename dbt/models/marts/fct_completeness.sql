-- Who had to report what, by when, and whether they did: forms with a due day, from the first period of which any
-- submission of the form exists to the last one due by the latest receipt. Townships are expected while they exist,
-- enterprises while they are in the form's scope and not closed, the county where it reports itself; a form of events is
-- due every month, a sheet without any is its zero report.
with form as (
    select *
    from {{ ref('stg_form') }}
    where due_day is not null and expected_scope is not null
),

-- what a workbook says of a unit: its row's status, else that cells of it are there
heard as (
    select
        form_code,
        unit_id,
        period,
        status,
        received_at
    from {{ ref('stg_coverage') }}
    where unit_id is not null
    union all
    select
        form_code,
        unit_id,
        period,
        max(case when value is not null then 'reported' else 'blank' end) as status,
        min(received_at) as received_at
    from {{ ref('int_observation_version') }}
    where status in ('in_force', 'superseded') and not is_carried
    group by form_code, unit_id, period, submission_id
),

answer as (
    select
        form_code,
        unit_id,
        period,
        min(case when status in ('reported', 'zero_report') then received_at end) as received_at,
        max(case when status in ('suspended', 'closed') then 1 else 0 end) as is_at_rest,
        max(case when status = 'zero_report' then 1 else 0 end) as is_zero,
        max(case when status = 'reported' then 1 else 0 end) as is_reported,
        max(case when status in ('not_reported', 'carried') then 1 else 0 end) as is_declared_missing
    from heard
    group by form_code, unit_id, period
),

horizon as (
    select
        max(received_at) as last_receipt,
        max(period) as last_period
    from {{ ref('stg_submission') }}
    where status = 'accepted'
),

seen as (
    select
        form_code,
        min(period) as first_period
    from heard
    group by form_code
),

month_step as (
    select
        tens.n * 12 + ones.n as step
    from (
        {% for n in range(0, 60) %}select {{ n }} as n{% if not loop.last %} union all {% endif %}{% endfor %}
    ) as tens
    cross join (
        {% for n in range(0, 12) %}select {{ n }} as n{% if not loop.last %} union all {% endif %}{% endfor %}
    ) as ones
),

due as (
    select
        form.form_code,
        form.unit_level,
        form.expected_scope,
        form.period_grain,
        {{ add_months('seen.first_period', 'month_step.step') }} as period,
        form.due_day,
        coalesce(form.due_month_offset, 1) as due_month_offset,
        horizon.last_receipt,
        deployment.utc_offset_hours
    from form
    inner join seen on form.form_code = seen.form_code
    cross join horizon
    cross join {{ ref('stg_deployment') }} as deployment
    inner join month_step
        on {{ add_months('seen.first_period', 'month_step.step') }} <= horizon.last_period
    where form.period_grain <> 'year' or mod(month_step.step, 12) = 0
),

dated as (
    select
        due.form_code,
        due.unit_level,
        due.expected_scope,
        due.period,
        due.last_receipt,
        due.utc_offset_hours,
        -- the 31st of a short month is its last day
        least(
            {{ add_days(add_months('due.period', 'due.due_month_offset'), 'due.due_day - 1') }},
            {{ add_days(add_months('due.period', 'due.due_month_offset + 1'), -1) }}
        ) as due_on
    from due
    left join {{ ref('stg_form_calendar') }} as calendar
        on due.form_code = calendar.form_code and month(due.period) = calendar.month
    where coalesce(calendar.is_expected, true)
),

expected as (
    select
        dated.*,
        township.township_code as unit_id,
        township.township_code,
        'active' as unit_status
    from dated
    inner join {{ ref('stg_township') }} as township
        on dated.unit_level = 'township'
        and dated.expected_scope = 'townships'
        and township.valid_from <= {{ add_days(add_months('dated.period', 1), -1) }}
        and (township.valid_to is null or township.valid_to >= dated.period)
    union all
    select
        dated.*,
        member.enterprise_id as unit_id,
        member.township_code,
        member.unit_status
    from dated
    inner join {{ ref('int_enterprise_scope') }} as member
        on dated.unit_level = 'enterprise'
        and dated.expected_scope = member.scope
        and dated.period between member.expected_from and member.valid_to
        and member.unit_status not in ('closed', 'construction')
    union all
    select
        dated.*,
        deployment.county_code as unit_id,
        cast(null as string) as township_code,
        'active' as unit_status
    from dated
    inner join {{ ref('stg_deployment') }} as deployment
        on dated.expected_scope = 'county'
),

judged as (
    select
        expected.form_code,
        case when expected.expected_scope = 'county' then 'county' else expected.unit_level end as level,
        expected.unit_id,
        expected.township_code,
        expected.period,
        expected.due_on,
        expected.last_receipt,
        expected.utc_offset_hours,
        answer.received_at,
        case
            when answer.is_reported = 1 or answer.is_zero = 1
                then case
                    when
                        cast({{ add_hours('answer.received_at', 'expected.utc_offset_hours') }} as date)
                        > expected.due_on then 'late'
                    when answer.is_zero = 1 and answer.is_reported = 0 then 'zero_report'
                    else 'on_time'
                end
            when answer.is_at_rest = 1 or expected.unit_status = 'suspended' then 'suspended'
            else 'missing'
        end as status
    from expected
    left join answer
        on expected.form_code = answer.form_code
        and expected.unit_id = answer.unit_id
        and expected.period = answer.period
)

select
    form_code,
    level,
    unit_id,
    township_code,
    period,
    due_on,
    received_at,
    case
        when received_at is not null
            then {{ days_between('due_on', 'cast(' ~ add_hours('received_at', 'utc_offset_hours') ~ ' as date)') }}
    end as days_after_due,
    status
from judged
where
    status <> 'missing'
    -- not yet due is not missing
    or due_on <= cast({{ add_hours('last_receipt', 'utc_offset_hours') }} as date)
