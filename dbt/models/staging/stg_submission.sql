select
    submission_id,
    seq,
    file_name,
    sha256,
    size_bytes,
    file_kind,
    form_code,
    layout,
    reporter_level,
    reporter_unit_id,
    period,
    received_at,
    ingested_at,
    status,
    withdrawn_at,
    observations,
    errors,
    warnings,
    -- A file sent later but dated earlier must not open a negative interval (docs/architecture.md, Decisions).
    max(received_at) over (order by seq rows between unbounded preceding and current row) as known_from
from {{ source('raw', 'submission') }}
