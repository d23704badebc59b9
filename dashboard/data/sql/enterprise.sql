select
    enterprise_id, credit_code, name_zh, township_code, industry_code, is_above_scale, is_agro_processing, is_pharma,
    is_coal_mine, is_key_energy_user, status
from marts.dim_enterprise
where enterprise_id = $enterprise
