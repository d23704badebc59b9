-- Forms × units of one month.
select form_code, unit_id, period, due_on, received_at, status
from marts.fct_completeness
where period = $period
order by form_code, unit_id
