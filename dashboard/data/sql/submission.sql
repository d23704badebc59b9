select
    submission_id, file_name, sha256, form_code, reporter_unit_id, period, received_at, status, observations, errors,
    warnings
from marts.fct_submission
where submission_id = $submission
