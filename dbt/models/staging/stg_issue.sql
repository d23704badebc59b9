select
    submission_id,
    seq,
    issue_no,
    sheet,
    cell,
    severity,
    rule,
    message_zh,
    message_en,
    raw_text,
    indicator_code,
    level,
    unit_id,
    period,
    status
from {{ source('raw', 'issue') }}
{{ if_known('issue') }}
