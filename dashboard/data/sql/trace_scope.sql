-- The enterprises that a ratio over a frozen list is made of: numerator and denominator of each, year to date.
select unit_id, township_code, energy as numerator, added as denominator, intensity as ratio, is_carried
from marts.fct_energy_decomposition
where indicator_code = $indicator and period = $period and energy is not null and added is not null
order by energy desc, unit_id asc
