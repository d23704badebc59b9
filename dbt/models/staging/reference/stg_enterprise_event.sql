select
    enterprise_id,
    event,
    effective_from,
    scope,
    other_id,
    keep_base,
    reason
from {{ source('reference', 'enterprise_events') }}
