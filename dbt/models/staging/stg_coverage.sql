select
    coverage.submission_id,
    coverage.seq,
    coverage.form_code,
    coverage.level,
    coverage.unit_id,
    coverage.period,
    coverage.status,
    coverage.sheet,
    coverage.cell,
    coverage.received_at
from {{ source('raw', 'coverage') }} as coverage
inner join {{ known_submissions() }} as submission
    on coverage.submission_id = submission.submission_id and submission.status_then <> 'withdrawn'
