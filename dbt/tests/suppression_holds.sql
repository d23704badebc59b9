-- What a reader gets by subtracting every township that stands from a county's total that stands is no single township,
-- and no sum of townships with fewer enterprises together than may be told.
{{ config(meta={'dagster': {'ref': {'name': 'fct_suppression'}}}) }}
with cell as (
    select
        progress.indicator_code,
        progress.period,
        progress.level,
        hidden.unit_id is not null as is_hidden,
        hidden.reason = 'few_enterprises' as is_counted,
        hidden.enterprises
    from {{ ref('fct_indicator_progress') }} as progress
    inner join {{ ref('dim_indicator') }} as indicator on progress.indicator_code = indicator.indicator_code
    left join {{ ref('fct_suppression') }} as hidden
        on progress.level = hidden.level
        and progress.unit_id = hidden.unit_id
        and progress.indicator_code = hidden.indicator_code
        and progress.period = hidden.period
    where
        progress.basis = 'reported'
        and progress.level <> 'enterprise'
        and indicator.kind <> 'ratio'
        and progress.value_ytd <> 0
        and progress.value_source <> 'incidents'
)

select
    indicator_code,
    period
from cell
group by indicator_code, period
having
    sum(case when level = 'county' and not is_hidden then 1 else 0 end) = 1
    and (
        sum(case when level = 'township' and is_hidden then 1 else 0 end) = 1
        or (
            min(case when level = 'township' and is_hidden then case when is_counted then 1 else 0 end end) = 1
            and sum(case when level = 'township' and is_hidden then enterprises end) < (
                select coalesce(max(cast(value as double)), 3)
                from {{ ref('dim_setting') }}
                where key = 'identifying_min_enterprises'
            )
        )
    )
