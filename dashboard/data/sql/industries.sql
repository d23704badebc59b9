select industry_code, name_zh, name_en from marts.dim_industry
order by industry_code
