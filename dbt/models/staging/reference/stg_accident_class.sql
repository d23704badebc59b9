select
    class_zh,
    class_en,
    rank,
    deaths_min,
    injuries_min,
    loss_min,
    valid_from,
    valid_to,
    source
from {{ source('reference', 'accident_classes') }}
