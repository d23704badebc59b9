select
    indicator_code,
    other_code,
    scope,
    department_zh,
    department_en,
    scope_note_zh,
    scope_note_en
from {{ source('reference', 'reconciliation') }}
