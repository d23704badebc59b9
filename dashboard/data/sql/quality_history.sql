-- Issues by month and severity.
with dated as (
    select
        i.severity,
        coalesce(i.period, s.period, cast(date_trunc('month', s.received_at) as date)) as period
    from marts.fct_issue as i
    left join marts.fct_submission as s on i.submission_id = s.submission_id
    where coalesce(s.status, 'accepted') <> 'withdrawn'
)

select
    period,
    count(*) filter (where severity = 'error') as errors,
    count(*) filter (where severity = 'warning') as warnings,
    count(*) filter (where severity = 'info') as infos
from dated
where period between $since and $period
group by period
order by period
