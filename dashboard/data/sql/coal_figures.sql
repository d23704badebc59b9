-- Figures of coal mines: output of thirteen months for the trend, everything else of the month chosen.
select
    p.unit_id, p.indicator_code, p.period, p.value_month, p.value_ytd, p.growth_pct, p.growth_note, p.growth_note_en,
    p.growth_note_pct, p.target_value, p.target_form, p.attainment_pct, p.time_progress_pct, p.gap_pp, p.lamp,
    p.is_carried, p.reported_units, p.expected_units
from marts.fct_indicator_progress as p
inner join marts.dim_enterprise as mine on p.unit_id = mine.enterprise_id and mine.is_coal_mine
where
    p.level = 'enterprise' and p.basis = 'reported'
    and (
        (p.period = $period and p.indicator_code in ('CO01', 'CO04', 'CO08', 'CO11', 'CO12'))
        or (p.period between $since and $period and p.indicator_code = 'CO01')
    )
order by p.unit_id, p.indicator_code, p.period
