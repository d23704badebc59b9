-- Never is a single township hidden while the county's total and every other township stand: it could be derived.
with cell as (
    select
        progress.indicator_code,
        progress.period,
        progress.level,
        hidden.unit_id is not null as is_hidden
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
    sum(case when level = 'township' and is_hidden then 1 else 0 end) = 1
    and sum(case when level = 'county' and not is_hidden then 1 else 0 end) = 1
