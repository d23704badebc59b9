select
    key,
    value,
    note_zh,
    note_en
from {{ ref('stg_setting') }}
