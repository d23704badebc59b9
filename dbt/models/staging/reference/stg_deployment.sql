-- The settings that models need, as one row.
select
    max(case when key = 'county_code' then value end) as county_code,
    max(case when key = 'county_name_zh' then value end) as county_name_zh,
    max(case when key = 'county_name_en' then value end) as county_name_en,
    coalesce(max(case when key = 'energy_basis' then value end), 'calorific') as energy_basis,
    coalesce(max(case when key = 'time_progress_method' then value end), 'linear') as time_progress_method,
    coalesce(max(case when key = 'period_grain' then value end), 'month') as period_grain,
    cast(coalesce(max(case when key = 'utc_offset_hours' then value end), '0') as integer) as utc_offset_hours,
    cast(coalesce(max(case when key = 'forecast_band_pct' then value end), '80') as double) as forecast_band_pct,
    cast(max(case when key = 'major_accident_rank' then value end) as integer) as major_accident_rank
from {{ source('reference', 'settings') }}
