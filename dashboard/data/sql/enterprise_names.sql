select enterprise_id, name_zh, township_code, industry_code from marts.dim_enterprise
order by enterprise_id
