select
    scope,
    name_zh,
    name_en,
    flag,
    flag_2,
    industry_pattern,
    valid_from,
    valid_to
from {{ source('reference', 'scopes') }}
