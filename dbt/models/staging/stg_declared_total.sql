select
    submission_id,
    seq,
    form_code,
    indicator_code,
    period,
    measure,
    scope_unit_id,
    value,
    sheet,
    cell,
    raw_text
from {{ source('raw', 'declared_total') }}
{{ if_known('declared_total') }}
