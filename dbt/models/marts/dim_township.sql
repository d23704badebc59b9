-- The county itself stands here too (kind county), so that every unit above the enterprise has a name in one place.
with link as (
    select
        predecessor_id,
        min(first_effective) as continued_from,
        min(unit_id) as continued_by
    from {{ ref('int_township_predecessor') }}
    where predecessor_ended
    group by predecessor_id
),

left_county as (
    select
        from_code,
        min(effective_from) as left_on
    from {{ ref('stg_township_link') }}
    where to_code is null
    group by from_code
)

select
    township.township_code,
    township.name_zh,
    township.name_en,
    township.kind,
    township.class,
    township.valid_from,
    township.valid_to,
    coalesce(township.successor_code, link.continued_by) as successor_code,
    township.durable_id,
    left_county.left_on as transferred_out_on,
    township.sort_order,
    township.note
from {{ ref('stg_township') }} as township
left join link on township.township_code = link.predecessor_id
left join left_county on township.township_code = left_county.from_code
union all
select
    county_code as township_code,
    county_name_zh as name_zh,
    county_name_en as name_en,
    'county' as kind,
    cast(null as string) as class,
    make_date(1900, 1, 1) as valid_from,
    cast(null as date) as valid_to,
    cast(null as string) as successor_code,
    county_code as durable_id,
    cast(null as date) as transferred_out_on,
    0 as sort_order,
    cast(null as string) as note
from {{ ref('stg_deployment') }}
where county_code is not null
