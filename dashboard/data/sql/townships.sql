-- One row per township-level unit and the county, past ones included.
select township_code, name_zh, name_en, kind, class, valid_from, valid_to, successor_code
from marts.dim_township
order by sort_order nulls last, township_code
