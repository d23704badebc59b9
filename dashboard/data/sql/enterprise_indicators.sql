-- Indicators for which enterprises have figures this month, and how many.
select indicator_code, count(*) as enterprises
from marts.fct_indicator_progress
where level = 'enterprise' and basis = 'reported' and period = $period and value_ytd is not null
group by indicator_code
order by indicator_code
