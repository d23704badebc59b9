select
    fuel_code,
    basis,
    name_zh,
    name_en,
    unit,
    cast(tce_per_unit as double) as tce_per_unit,
    cast(coef_low as double) as coef_low,
    cast(coef_high as double) as coef_high,
    cast(tolerance_pct as double) as tolerance_pct,
    valid_from,
    valid_to,
    source
from {{ ref('stg_energy_coefficient') }}
