-- The components of the bridge add up to the change, to the last digit, for every figure with a base; a figure that is the
-- sum of its parts leaves nothing unexplained.
{{ config(meta={'dagster': {'ref': {'name': 'fct_bridge'}}}) }}
with bridged as (
    select
        level,
        unit_id,
        indicator_code,
        period,
        sum(amount) as amount,
        max(case when component = 'unexplained' then 1 else 0 end) as has_unexplained
    from {{ ref('fct_bridge') }}
    group by level, unit_id, indicator_code, period
)

select
    progress.level,
    progress.unit_id,
    progress.indicator_code,
    progress.period,
    progress.value_ytd - progress.base_ytd as change,
    bridged.amount
from {{ ref('fct_indicator_progress') }} as progress
inner join {{ ref('dim_indicator') }} as indicator on progress.indicator_code = indicator.indicator_code
left join bridged
    on progress.level = bridged.level
    and progress.unit_id = bridged.unit_id
    and progress.indicator_code = bridged.indicator_code
    and progress.period = bridged.period
where
    progress.basis = 'reported'
    and progress.level <> 'enterprise'
    and indicator.kind <> 'ratio'
    and progress.value_ytd is not null
    and progress.base_ytd is not null
    and (
        bridged.amount is null
        or bridged.amount <> progress.value_ytd - progress.base_ytd
        or (progress.value_source = 'enterprises' and bridged.has_unexplained = 1)
    )
