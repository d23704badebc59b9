select
    fuel_code,
    name_zh,
    name_en,
    unit,
    basis,
    tce_per_unit,
    coef_low,
    coef_high,
    tolerance_pct,
    valid_from,
    valid_to,
    source
from {{ source('reference', 'energy_coefficients') }}
