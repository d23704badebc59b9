select
    class_zh,
    class_en,
    rank as class_rank,
    deaths_min,
    injuries_min,
    cast(loss_min as decimal(24, 6)) as loss_min,
    valid_from,
    valid_to,
    source
from {{ ref('stg_accident_class') }}
