-- Figures of a month that identify an enterprise and are left out for readers outside the bureau; the key alone.
select level, unit_id, indicator_code
from marts.fct_suppression
where period = $period
order by level, unit_id, indicator_code
