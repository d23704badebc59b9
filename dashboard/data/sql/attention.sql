-- Reports of the month that are not simply there on time.
select form_code, unit_id, period, due_on, received_at, status
from marts.fct_completeness
where period = $period and status in ('missing', 'late')
order by case status when 'missing' then 0 else 1 end, due_on, form_code, unit_id
