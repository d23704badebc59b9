-- One unit's reports of the last months.
select form_code, period, due_on, received_at, status
from marts.fct_completeness
where unit_id = $unit_id and period between $since and $period
order by form_code, period
