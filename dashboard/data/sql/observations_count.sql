-- How many cells in force a span of months holds.
select count(*) as cells
from marts.fct_observation
where period between $since and $period
