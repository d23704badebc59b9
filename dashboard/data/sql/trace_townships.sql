-- The townships whose figures a county's is the sum of.
select unit_id, value_month, value_ytd, base_ytd, is_carried
from marts.fct_indicator_progress
where level = 'township' and indicator_code = $indicator and period = $period and basis = $basis
order by value_ytd desc nulls last, unit_id asc
