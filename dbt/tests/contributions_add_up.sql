-- What the townships pull adds up to the county's growth on the comparable basis, where every one of them has a base
-- (domain.md B.2).
with pulled as (
    select
        indicator_code,
        period,
        sum(contribution_pp) as pp,
        sum(case when value_ytd is not null and base_ytd is null then 1 else 0 end) as without_base
    from {{ ref('fct_indicator_progress') }}
    where basis = 'comparable' and level = 'township'
    group by indicator_code, period
)

select
    county.indicator_code,
    county.period,
    county.growth_pct,
    pulled.pp
from {{ ref('fct_indicator_progress') }} as county
inner join pulled on county.indicator_code = pulled.indicator_code and county.period = pulled.period
where
    county.basis = 'comparable'
    and county.level = 'county'
    and county.value_source = 'townships'
    and county.growth_basis <> 'diff_pp'
    and pulled.without_base = 0
    and abs(county.growth_pct - pulled.pp) > 1e-6 * greatest(1, abs(county.growth_pct))
