select
    case when kind = 'county' then 'county' else 'township' end as level,
    township_code as unit_id,
    name_zh,
    name_en,
    case when kind <> 'county' then township_code end as township_code,
    sort_order
from {{ ref('dim_township') }}
union all
select
    'enterprise' as level,
    enterprise_id as unit_id,
    coalesce(name_zh, enterprise_id) as name_zh,
    coalesce(name_zh, enterprise_id) as name_en,
    township_code,
    cast(null as integer) as sort_order
from {{ ref('dim_enterprise') }}
