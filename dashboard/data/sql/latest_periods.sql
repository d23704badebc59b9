-- How far each indicator's figures reach (数据截至) up to the period chosen, carried ones apart.
select indicator_code, max(period) as period
from marts.fct_indicator_progress
where level = 'county' and period <= $period and value_ytd is not null and coalesce(reported_units, 1) > 0
group by indicator_code
order by indicator_code
