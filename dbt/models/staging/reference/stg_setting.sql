select
    key,
    value,
    note_zh,
    note_en
from {{ source('reference', 'settings') }}
