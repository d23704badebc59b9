-- Every township's figures of the headline indicators, this month and the month before.
select
    p.unit_id, p.indicator_code, p.period, p.value_ytd, p.growth_pct, p.growth_note, p.growth_note_en,
    p.growth_note_pct, p.start_value, p.target_form, p.target_value,
    p.attainment_pct, p.time_progress_pct, p.gap_pp, p.lamp, p.rank, p.rank_of, p.rank_change, p.contribution_pp,
    p.reported_units, p.expected_units, p.is_carried
from marts.fct_indicator_progress as p
inner join marts.dim_indicator as i on p.indicator_code = i.indicator_code
where p.level = 'township' and p.basis = $basis and p.period in ($previous, $period) and i.is_headline
order by p.unit_id, p.indicator_code, p.period
