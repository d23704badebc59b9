select
    enterprise_id,
    valid_from,
    valid_to,
    registered_from,
    name_zh,
    township_code,
    industry_code,
    is_above_scale,
    is_agro_processing,
    is_pharma,
    is_coal_mine,
    is_key_energy_user,
    capacity_tonnes_per_year,
    unit_status as status
from {{ ref('int_enterprise_state') }}
