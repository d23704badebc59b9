select
    veto_id,
    indicator_code,
    condition,
    threshold,
    valid_from,
    valid_to,
    text_zh,
    text_en
from {{ source('reference', 'veto_rules') }}
