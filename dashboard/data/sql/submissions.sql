-- Workbooks for the month, and those whose month could not be read and that came in since its beginning.
select
    submission_id, file_name, sha256, form_code, reporter_unit_id, period, received_at, status, observations, errors,
    warnings
from marts.fct_submission
where
    period = $period
    or (period is null and received_at >= $period::date and received_at < ($period::date + interval 2 month))
order by received_at desc, submission_id desc
