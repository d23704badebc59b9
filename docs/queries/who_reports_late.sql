-- How often each unit was late or missing.
select unit_id, form_code, count(*) as due, count_if(status = 'late') as late, count_if(status = 'missing') as missing
from marts.fct_completeness
group by unit_id, form_code
order by missing desc, late desc
