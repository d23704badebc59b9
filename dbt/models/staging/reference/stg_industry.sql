select
    industry_code,
    name_zh,
    name_en,
    is_agro_processing,
    valid_from,
    valid_to
from {{ source('reference', 'industries') }}
