select
    key,
    zh,
    en
from {{ source('reference', 'messages') }}
