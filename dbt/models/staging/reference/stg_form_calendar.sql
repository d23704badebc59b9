select
    form_code,
    month,
    is_expected,
    note
from {{ source('reference', 'form_calendar') }}
