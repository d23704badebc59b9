-- Days on which workbooks were received, the last first.
select
    cast(received_at as date) as day,
    count(*) as submissions
from marts.fct_submission
where received_at is not null
group by cast(received_at as date)
order by cast(received_at as date) desc
