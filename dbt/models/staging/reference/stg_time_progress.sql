select
    indicator_code,
    year,
    month,
    progress_pct
from {{ source('reference', 'time_progress') }}
