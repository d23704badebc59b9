-- Where will the year end, and how sure is that? Forecast, band and the odds of reaching the target, by township.
select
    unit.name_zh,
    progress.target_value,
    progress.value_ytd,
    progress.required_monthly,
    progress.forecast_low,
    progress.forecast_value,
    progress.forecast_high,
    round(progress.target_probability_pct) as probability_pct
from marts.fct_indicator_progress as progress
inner join marts.dim_township as unit on progress.unit_id = unit.township_code
where
    progress.basis = 'comparable'
    and progress.level = 'township'
    and progress.indicator_code = 'TE01'
    and progress.period = (select max(period) from marts.fct_indicator_progress)
order by progress.target_probability_pct desc nulls last, unit.sort_order;
