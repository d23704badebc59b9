{{ config(materialized=by_year(), post_hook="{{ publish_appraisal(this) }}") }}
-- What each township earns by each rule of its scheme, and why (domain.md E). Every argument of the formula stands beside
-- the score, so that anyone can compute it again with marts.appraisal_score.
{%- set arguments = {} -%}
{%- for name in appraisal_arguments() -%}{%- do arguments.update({name: name}) -%}{%- endfor %}
with month_known as (
    select distinct period
    from {{ lately('fct_indicator_progress') }}
    where level = 'county'
),

assigned as (
    select
        scheme.*,
        township.township_code,
        township.class as township_class,
        township.durable_id,
        month_known.period,
        indicator.direction in ('down', 'cap') as is_lower_better
    from {{ ref('stg_appraisal_scheme') }} as scheme
    inner join month_known on scheme.year = year(month_known.period)
    inner join {{ ref('dim_township') }} as township
        on township.kind <> 'county'
        and (township.class = scheme.unit_class or scheme.unit_class is null and township.class is not null)
        and township.valid_from <= month_known.period
        and (township.valid_to is null or township.valid_to >= month_known.period)
    left join {{ ref('dim_indicator') }} as indicator on scheme.indicator_code = indicator.indicator_code
),

figure as (
    select
        progress.*,
        case
            when progress.target_form = 'growth' then progress.growth_pct
            when progress.target_form = 'reduction' then -progress.growth_pct
            else progress.value_exact
        end as actual_value
    from {{ lately('fct_indicator_progress') }} as progress
    where progress.basis = 'comparable' and progress.level in ('township', 'county')
),

accident as (
    select
        township_code,
        period,
        sum(deaths) as deaths,
        sum(serious_injuries) as injuries
    from {{ ref('int_incident') }}
    group by township_code, period
),

harm as (
    select
        assigned.township_code,
        assigned.period,
        sum(accident.deaths) as deaths,
        sum(accident.injuries) as injuries
    from (select distinct township_code, period from assigned) as assigned
    inner join accident
        on assigned.township_code = accident.township_code
        and year(assigned.period) = year(accident.period)
        and accident.period <= assigned.period
    group by assigned.township_code, assigned.period
),

measured as (
    select
        assigned.scheme_id,
        assigned.township_code,
        assigned.township_class,
        assigned.durable_id,
        assigned.indicator_code,
        assigned.period,
        assigned.full_mark,
        assigned.rule_family as family,
        assigned.parameters,
        assigned.score_min,
        assigned.score_max,
        coalesce(assigned.missing_policy, 'pending') as missing_policy,
        assigned.doc_no,
        assigned.source_dept,
        coalesce(assigned.is_lower_better, false) as is_lower_better,
        figure.target_value as target,
        figure.target_form,
        figure.gap_pp,
        figure.rank as place,
        figure.time_progress_pct,
        case
            when figure.target_form in ('level', 'floor', 'task')
                and coalesce({{ json_text('assigned.parameters', 'basis') }}, 'time') <> 'annual'
                then figure.attainment_pct / nullif(figure.time_progress_pct, 0)
            else figure.attainment_pct / 100
        end as completion,
        cast(figure.target_value as double) * figure.time_progress_pct / 100 as due_target,
        figure.actual_value as actual,
        coalesce(harm.deaths, 0) as deaths,
        coalesce(harm.injuries, 0) as injuries,
        coalesce(figure.growth_pct > county.growth_pct, false) as above_average,
        figure.value_ytd is not null and not figure.is_carried as is_known,
        -- no target and no figure; or, of a cap, no target and nothing happened
        figure.unit_id is null
        or (
            figure.target_value is null
            and (figure.value_ytd is null or (assigned.rule_family = 'F-I' and figure.value_exact = 0))
        ) as is_unassigned,
        case coalesce({{ json_text('assigned.parameters', 'of') }}, 'value')
            when 'attainment' then figure.attainment_pct
            when 'growth' then figure.growth_pct
            else figure.value_exact
        end as x
    from assigned
    left join figure
        on figure.level = 'township'
        and assigned.township_code = figure.unit_id
        and assigned.indicator_code = figure.indicator_code
        and assigned.period = figure.period
    left join figure as county
        on county.level = 'county'
        and assigned.indicator_code = county.indicator_code
        and assigned.period = county.period
    left join harm on assigned.township_code = harm.township_code and assigned.period = harm.period
),

among_peers as (
    select
        *,
        min(case when is_known then x end)
            over (partition by scheme_id, township_class, indicator_code, period) as x_min,
        max(case when is_known then x end)
            over (partition by scheme_id, township_class, indicator_code, period) as x_max
    from measured
),

computed as (
    select
        *,
        case when is_known then {{ appraisal_score(arguments) }} end as earned
    from among_peers
),

judged as (
    select
        *,
        case
            when earned is not null then 'scored'
            when is_unassigned then case {{ json_text('parameters', 'unassigned') }}
                when 'full' then 'unassigned_full'
                when 'met' then 'unassigned_met'
                else 'unassigned'
            end
            when is_known then 'no_target'
            when missing_policy = 'zero' then 'missing_zero'
            else 'missing_pending'
        end as status
    from computed
),

marked as (
    select
        *,
        cast(case
            when status = 'scored' then earned
            when status = 'unassigned_full' then full_mark
            -- as a target just met: of F-D, which keeps the rest for growth above it, its share
            when status = 'unassigned_met'
                then full_mark * case when family = 'F-D' then coalesce({{ json_number('parameters', 'share') }}, 0.8) else 1 end
            when status = 'missing_zero' then 0
        end as decimal(24, 6)) as score,
        case
            when status <> 'scored' then status
            when earned >= full_mark then 'none'
            when family = 'F-I' and {{ json_text('parameters', 'mode') }} = 'deduct' then 'losses'
            when family = 'F-I' then 'over_cap'
            when family in ('F-E', 'F-F') then 'behind_peers'
            when family = 'F-D' and gap_pp >= 0 then 'base_share'
            else 'behind_target'
        end as reason_code
    from judged
)

select
    marked.township_code,
    marked.indicator_code,
    marked.period,
    marked.scheme_id,
    marked.township_class,
    marked.durable_id,
    {{ as_value('marked.full_mark') }} as full_mark,
    marked.score,
    marked.family as rule_family,
    marked.parameters,
    {{ as_value('marked.score_min') }} as score_min,
    {{ as_value('marked.score_max') }} as score_max,
    marked.missing_policy,
    marked.status,
    {{ as_value('marked.target') }} as target,
    marked.target_form,
    {{ as_value('marked.actual') }} as actual,
    marked.completion,
    case
        when marked.target_form not in ('level', 'floor', 'task') then 'target'
        when coalesce({{ json_text('marked.parameters', 'basis') }}, 'time') = 'annual' then 'annual'
        when marked.target_form is not null then 'time'
    end as completion_basis,
    marked.gap_pp,
    {{ as_value('marked.due_target') }} as due_target,
    marked.x,
    marked.x_min,
    marked.x_max,
    marked.is_lower_better,
    marked.place,
    cast(marked.deaths as bigint) as deaths,
    cast(marked.injuries as bigint) as injuries,
    marked.above_average,
    marked.reason_code,
    reason.zh as reason_zh,
    reason.en as reason_en,
    marked.doc_no,
    marked.source_dept,
    {%- for lang in ['zh', 'en'] %}
    {{ filled('trace.' ~ lang, {
        'target': "coalesce(cast(cast(marked.target as decimal(24, 2)) as string), '—')",
        'actual': "coalesce(cast(cast(marked.actual as decimal(24, 2)) as string), '—')",
        'completion': "case when marked.completion is null then '—' else concat(cast(cast(marked.completion * 100 as decimal(24, 2)) as string), '%') end",
        'formula': 'formula.' ~ lang,
        'full_mark': 'cast(marked.full_mark as decimal(24, 2))',
        'parameters': "replace(replace(replace(coalesce(marked.parameters, ''), '\"', ''), '{', ''), '}', '')",
        'score': "coalesce(cast(cast(marked.score as decimal(24, 2)) as string), '—')",
        'reason': 'reason.' ~ lang,
    }) }} as trace_{{ lang }}{{ ',' if not loop.last }}
    {%- endfor %}
from marked
left join {{ ref('stg_message') }} as trace on trace.key = 'appraisal.trace'
left join {{ ref('stg_message') }} as formula on formula.key = concat('appraisal.formula.', marked.family)
left join {{ ref('stg_message') }} as reason on reason.key = concat('appraisal.reason.', marked.reason_code)
