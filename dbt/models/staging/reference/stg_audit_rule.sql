select
    rule,
    severity,
    is_active,
    quarantines,
    tolerance_abs,
    tolerance_rel,
    low,
    high,
    name_zh,
    name_en,
    source
from {{ source('reference', 'audit_rules') }}
