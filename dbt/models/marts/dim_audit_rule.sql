select
    rule,
    severity,
    is_active,
    quarantines,
    name_zh,
    name_en,
    source
from {{ ref('stg_audit_rule') }}
