-- How many cells of each month were revised after a moment, and on which day the first of them.
select
    period,
    count(*) as cells,
    count(distinct submission_id) as files,
    cast(min(valid_from) as date) as first_revised_on
from marts.fct_revision
where valid_from >= $since
group by period
order by period desc
