select enterprise_id, name_zh, township_code, is_coal_mine, is_key_energy_user, is_agro_processing, is_pharma, is_above_scale from marts.dim_enterprise
