-- Figures of the month that a later submission replaced, and where.
select unit_id, level, count(*) as cells, count(distinct indicator_code) as indicators
from marts.fct_observation_version
where period = $period and status = 'superseded' and valid_to is not null
group by unit_id, level
order by cells desc, unit_id asc
