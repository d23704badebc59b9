-- What the registers said of one enterprise, stretch by stretch; the first one reaches back before all registers.
select
    valid_from, valid_to, registered_from, name_zh, township_code, industry_code, is_above_scale, is_agro_processing,
    is_pharma, is_coal_mine, is_key_energy_user, status
from marts.dim_enterprise_state
where enterprise_id = $enterprise
order by valid_from
