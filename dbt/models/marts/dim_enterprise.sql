with first_seen as (
    select
        enterprise_id,
        min(registered_from) as registered_from
    from {{ ref('int_enterprise_state') }}
    group by enterprise_id
)

select
    state.enterprise_id,
    state.credit_code,
    state.name_zh,
    state.township_code,
    state.industry_code,
    industry.name_zh as industry_zh,
    industry.name_en as industry_en,
    state.is_above_scale,
    state.is_agro_processing,
    state.is_pharma,
    state.is_coal_mine,
    state.is_key_energy_user,
    state.capacity_tonnes_per_year,
    state.unit_status as status,
    state.is_provisional,
    first_seen.registered_from,
    state.registered_from as status_from
from {{ ref('int_enterprise_state') }} as state
inner join first_seen on state.enterprise_id = first_seen.enterprise_id
left join {{ ref('stg_industry') }} as industry on substr(state.industry_code, 1, 2) = industry.industry_code
where state.is_latest
