-- The frozen list of key energy users in a month: energy, value added and intensity of each, and what each did to the
-- list's intensity (fct_energy_decomposition), those that raised it most first.
select
    unit_id, intensity, intensity_base, growth_pct, growth_note, growth_note_en, growth_note_pct, energy, energy_base,
    added, added_base, is_carried, efficiency_pct, weight_pct
from marts.fct_energy_decomposition
where indicator_code = 'EN01' and period = $period
order by coalesce(efficiency_pct, -1e9) desc, unit_id asc
