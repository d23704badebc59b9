-- The edition of GB/T 4754 in force; closed editions stay in the reference folder for older registers.
select
    industry_code,
    name_zh,
    name_en,
    is_agro_processing,
    valid_from,
    valid_to
from {{ source('reference', 'industries') }}
where valid_to is null
