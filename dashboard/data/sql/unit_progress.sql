-- One unit's figures of thirteen (or more) months to the period chosen, every indicator.
select
    indicator_code, period, value_month, value_ytd, base_month, base_ytd, growth_pct, growth_note, growth_note_en,
    growth_note_pct, growth_real_pct, value_month_derived, growth_month_pct, change_since_year_end, growth_two_year_pct,
    declared_growth_pct, growth_change_pp, start_value, target_value, target_form, attainment_pct, time_progress_pct, gap_pp, lamp,
    required_monthly, required_growth_pct, implied_target_value, forecast_value, forecast_low, forecast_high, forecast_method,
    forecast_attainment_pct, target_probability_pct, rank, rank_of, rank_change, contribution_share_pct,
    contribution_pp, reported_units, expected_units, is_carried
from marts.fct_indicator_progress
where level = $level and unit_id = $unit_id and basis = $basis and period between $since and $period
order by indicator_code, period
