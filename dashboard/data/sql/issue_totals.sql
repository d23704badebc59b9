-- Open issues of the month's submissions.
select
    s.reporter_unit_id,
    count(*) filter (where i.severity = 'error') as errors,
    count(*) filter (where i.severity = 'warning') as warnings
from marts.fct_issue as i
inner join marts.fct_submission as s on i.submission_id = s.submission_id
where s.period = $period and i.severity in ('error', 'warning') and i.status = 'open'
group by s.reporter_unit_id
order by errors desc, warnings desc, s.reporter_unit_id asc
