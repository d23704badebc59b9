-- One figure with what it was made of, on the basis chosen.
select
    indicator_code, level, unit_id, period, value_month, value_ytd, base_month, base_ytd, growth_pct, growth_note,
    growth_note_en, growth_note_pct, value_month_derived, growth_month_pct, change_since_year_end, growth_two_year_pct,
    required_monthly, required_growth_pct, implied_target_value,
    declared_growth_pct, target_value, target_form, attainment_pct, time_progress_pct, gap_pp, lamp, reported_units,
    expected_units, is_carried, value_source, forecast_value, forecast_low, forecast_high
from marts.fct_indicator_progress
where indicator_code = $indicator and unit_id = $unit_id and period = $period and basis = $basis
