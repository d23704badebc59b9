select
    total.submission_id,
    total.form_code,
    total.indicator_code,
    total.period,
    total.measure,
    total.scope_unit_id,
    total.value,
    submission.file_name,
    total.sheet,
    total.cell,
    total.raw_text
from {{ ref('stg_declared_total') }} as total
inner join {{ ref('stg_submission') }} as submission on total.submission_id = submission.submission_id
