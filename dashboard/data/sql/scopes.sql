select scope, name_zh, name_en from marts.dim_scope
order by scope
