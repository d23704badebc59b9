-- Invariants of the comparable basis (domain.md D.3.8): a unit that nothing has touched has one base on both bases,
-- unless the base was printed; the sum of enterprises has the sum of their bases, wherever they stood a year earlier
-- (D.3, step 1), and the bases that leavers keep in it; an ended unit has no row; enterprises carry the reported basis only.
{{ config(meta={'dagster': {'ref': {'name': 'fct_indicator_progress'}}}) }}
with touched as (
    select
        unit_id,
        effective_from
    from {{ ref('int_township_predecessor') }}
    union all
    select
        predecessor_id as unit_id,
        first_effective as effective_from
    from {{ ref('int_township_predecessor') }}
),

of_enterprises as (
    select
        this_year.indicator_code,
        this_year.township_code,
        this_year.period,
        -- a figure that was carried last year is no fact of last year: the printed base goes first
        sum(
            case when last_year.is_carried and this_year.base_source = 'printed' then this_year.base_ytd
                else coalesce(last_year.value_ytd, this_year.base_ytd)
            end
        ) as base_ytd
    from {{ ref('fct_indicator_progress') }} as this_year
    left join {{ ref('fct_indicator_progress') }} as last_year
        on last_year.level = 'enterprise'
        and this_year.unit_id = last_year.unit_id
        and this_year.indicator_code = last_year.indicator_code
        and {{ add_months('this_year.asof_period', -12) }} = last_year.period
    where this_year.level = 'enterprise' and this_year.value_ytd is not null
    group by this_year.indicator_code, this_year.township_code, this_year.period
)

select
    'untouched unit, two bases' as rule,
    reported.unit_id,
    reported.indicator_code,
    reported.period
from {{ ref('fct_indicator_progress') }} as reported
inner join {{ ref('fct_indicator_progress') }} as comparable
    on comparable.basis = 'comparable'
    and reported.level = comparable.level
    and reported.unit_id = comparable.unit_id
    and reported.indicator_code = comparable.indicator_code
    and reported.period = comparable.period
inner join {{ ref('dim_indicator') }} as indicator
    on reported.indicator_code = indicator.indicator_code and indicator.kind <> 'ratio'
left join touched on reported.unit_id = touched.unit_id
where
    reported.basis = 'reported'
    and reported.level = 'township'
    and reported.base_source = 'last_year'
    and comparable.base_source <> 'parts'
    and touched.unit_id is null
    and reported.base_ytd is distinct from comparable.base_ytd
union all
select
    'sum of enterprises, another base' as rule,
    township.unit_id,
    township.indicator_code,
    township.period
from {{ ref('fct_indicator_progress') }} as township
inner join {{ ref('dim_indicator') }} as indicator
    on township.indicator_code = indicator.indicator_code and indicator.kind <> 'ratio'
inner join of_enterprises
    on township.unit_id = of_enterprises.township_code
    and township.indicator_code = of_enterprises.indicator_code
    and township.period = of_enterprises.period
inner join {{ ref('int_base') }} as base
    on base.level = 'township'
    and township.unit_id = base.unit_id
    and township.indicator_code = base.indicator_code
    and township.period = base.period
where
    township.basis = 'comparable'
    and township.level = 'township'
    and township.value_source = 'enterprises'
    and of_enterprises.base_ytd is not null
    and township.base_ytd - coalesce(base.kept_base_ytd, 0) is distinct from of_enterprises.base_ytd
union all
select
    'row after the end of a unit' as rule,
    progress.unit_id,
    progress.indicator_code,
    progress.period
from {{ ref('fct_indicator_progress') }} as progress
inner join {{ ref('dim_township') }} as township on progress.unit_id = township.township_code
where progress.period > township.valid_to
union all
select
    'comparable basis of an enterprise' as rule,
    unit_id,
    indicator_code,
    period
from {{ ref('fct_indicator_progress') }}
where level = 'enterprise' and basis <> 'reported'
