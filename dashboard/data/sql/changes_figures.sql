-- Figures of a month of the county and its townships on one basis: to be compared with the same on an earlier day.
select
    level, unit_id, indicator_code, value_ytd, growth_pct, target_form, target_value, attainment_pct, gap_pp,
    time_progress_pct, lamp, rank
from marts.fct_indicator_progress
where period = $period and basis = $basis and level in ('county', 'township')
