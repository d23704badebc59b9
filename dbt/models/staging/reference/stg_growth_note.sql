select
    note_code,
    for_signed,
    zh,
    en
from {{ source('reference', 'growth_notes') }}
