-- Months for which the county has figures, and how many indicators have one.
select period, count(distinct indicator_code) as indicators
from marts.fct_indicator_progress
where level = 'county' and value_ytd is not null
group by period
order by period
