-- Our arithmetic: where the county's figure is the sum of its townships, it is that sum to the last digit, and so is
-- its comparable base (domain.md D.3.8). Reporters' own county rows are judged as issues, not here.
with township as (
    select
        basis,
        indicator_code,
        period,
        sum(value_ytd) as value_ytd,
        sum(case when value_ytd is not null then base_ytd end) as base_ytd
    from {{ ref('fct_indicator_progress') }}
    where level = 'township'
    group by basis, indicator_code, period
)

select
    county.basis,
    county.indicator_code,
    county.period,
    county.value_ytd,
    township.value_ytd as townships_value,
    county.base_ytd,
    township.base_ytd as townships_base
from {{ ref('fct_indicator_progress') }} as county
left join township
    on county.basis = township.basis
    and county.indicator_code = township.indicator_code
    and county.period = township.period
where
    county.level = 'county'
    and county.value_source = 'townships'
    and (
        county.value_ytd is distinct from township.value_ytd
        or (county.basis = 'comparable' and township.base_ytd is not null and county.base_ytd <> township.base_ytd)
    )
