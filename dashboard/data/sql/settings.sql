select key, value from marts.dim_setting
order by key
