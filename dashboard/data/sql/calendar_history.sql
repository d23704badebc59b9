-- Share of reports on time over the last months, by form.
select
    form_code, period,
    count(*) filter (where status in ('on_time', 'zero_report')) as on_time,
    count(*) filter (where status = 'late') as late,
    count(*) filter (where status = 'missing') as missing,
    count(*) filter (where status <> 'suspended') as expected
from marts.fct_completeness
where period between $since and $period
group by form_code, period
order by form_code, period
