-- The county's task targets of a year as they stand last: done over target, the share due by now, lamp.
select indicator_code, period, target_form, target_value, actual_value, attainment_pct, time_progress_pct, gap_pp, lamp
from marts.fct_target_progress
where level = 'county' and tier = 'must' and target_form = 'task' and year(period) = $year and actual_value is not null
qualify row_number() over (partition by indicator_code order by period desc) = 1
order by indicator_code
