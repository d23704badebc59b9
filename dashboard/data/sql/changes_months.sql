-- How many cells of each month were revised after a moment.
select
    period,
    count(*) as cells,
    count(distinct submission_id) as files
from marts.fct_revision
where valid_from >= $since
group by period
order by period desc
