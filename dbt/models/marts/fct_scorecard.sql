{{ config(materialized=by_year()) }}
-- A township's appraisal of a month: totals of rounded scores, then veto, then grade, then rank (domain.md E.3). A veto
-- leaves total and rank visible and forces the scheme's lowest grade.
with total as (
    select
        township_code,
        period,
        min(scheme_id) as scheme_id,
        min(township_class) as township_class,
        min(durable_id) as durable_id,
        cast(sum(score) as decimal(24, 6)) as total,
        cast(sum(full_mark) as decimal(24, 6)) as full_mark,
        cast(sum(case when score is not null then full_mark else 0 end) as decimal(24, 6)) as full_mark_counted,
        sum(case when status in ('missing_zero', 'missing_pending') then 1 else 0 end) as missing
    from {{ lately('fct_score', 1) }}
    group by township_code, period
),

vetoing as (
    select
        total.township_code,
        total.period,
        rule.veto_id,
        rule.text_zh,
        rule.text_en
    from total
    inner join {{ ref('stg_veto_rule') }} as rule
        on {{ in_force_on('rule', 'total.period') }}
    left join {{ lately('fct_indicator_progress', 1) }} as figure
        on rule.condition = 'over_cap'
        and figure.basis = 'comparable'
        and figure.level = 'township'
        and total.township_code = figure.unit_id
        and rule.indicator_code = figure.indicator_code
        and total.period = figure.period
        and figure.target_form = 'cap'
        and figure.value_exact > figure.target_value
    left join {{ ref('int_incident') }} as incident
        on rule.condition in ('class_at_least', 'deaths_at_least')
        and total.township_code = incident.township_code
        and year(total.period) = year(incident.period)
        and incident.period <= total.period
        and case rule.condition when 'class_at_least' then incident.class_rank else incident.deaths end >= rule.threshold
    where figure.unit_id is not null or incident.incident_id is not null
),

veto as (
    select
        township_code,
        period,
        {{ joined_texts('text_zh', 'veto_id') }} as veto_reason,
        {{ joined_texts('text_en', 'veto_id') }} as veto_reason_en
    from (select distinct township_code, period, veto_id, text_zh, text_en from vetoing) as each_veto
    group by township_code, period
),

lowest as (
    select
        scheme_id,
        grade,
        row_number() over (partition by scheme_id order by score_from asc) as from_lowest
    from {{ ref('stg_appraisal_grade') }}
),

ranked as (
    select
        *,
        case when total is not null then rank() over (
            partition by township_class, period order by total desc nulls last
        ) end as place,
        count(total) over (partition by township_class, period) as place_of
    from total
),

moved as (
    select
        *,
        case
            when lag({{ month_index('period') }}) over by_unit = {{ month_index('period') }} - 1
                then (lag(place) over by_unit) - place
        end as place_change
    from ranked
    window by_unit as (partition by durable_id, township_class order by period)
)

select
    moved.township_code,
    moved.period,
    moved.scheme_id,
    moved.township_class,
    moved.total,
    moved.full_mark,
    moved.full_mark_counted,
    cast(moved.missing as integer) as missing,
    case when veto.township_code is not null then lowest.grade else band.grade end as grade,
    veto.township_code is not null as vetoed,
    veto.veto_reason,
    veto.veto_reason_en,
    cast(moved.place as integer) as rank,
    cast(moved.place_of as integer) as rank_of,
    cast(moved.place_change as integer) as rank_change
from moved
left join {{ ref('stg_appraisal_grade') }} as band
    on moved.scheme_id = band.scheme_id
    and moved.total >= band.score_from
    and (band.score_below is null or moved.total < band.score_below)
left join veto on moved.township_code = veto.township_code and moved.period = veto.period
left join lowest on moved.scheme_id = lowest.scheme_id and lowest.from_lowest = 1
