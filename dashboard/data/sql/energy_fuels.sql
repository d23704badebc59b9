-- Fuels of the county in a month with the coefficients in force, by calorific and by equivalent value.
select
    p.indicator_code,
    p.value_month,
    p.value_ytd,
    p.base_ytd,
    p.growth_pct,
    p.growth_note,
    p.growth_note_en,
    p.growth_note_pct,
    p.is_carried,
    calorific.tce_per_unit as calorific_factor,
    equivalent.tce_per_unit as equivalent_factor,
    p.value_ytd * calorific.tce_per_unit as calorific_tce,
    p.value_ytd * equivalent.tce_per_unit as equivalent_tce
from marts.fct_indicator_progress as p
inner join marts.dim_fuel as calorific
    on
        p.indicator_code = calorific.fuel_code and calorific.basis = 'calorific'
        and p.period >= calorific.valid_from and (calorific.valid_to is null or p.period <= calorific.valid_to)
left join marts.dim_fuel as equivalent
    on
        p.indicator_code = equivalent.fuel_code and equivalent.basis = 'equivalent'
        and p.period >= equivalent.valid_from and (equivalent.valid_to is null or p.period <= equivalent.valid_to)
where p.level = 'county' and p.basis = $basis and p.period = $period and p.value_ytd is not null
order by calorific_tce desc nulls last, p.indicator_code asc
