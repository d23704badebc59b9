-- Coal output of the townships against their plan, the one furthest behind first.
select
    unit_id, indicator_code, value_month, value_ytd, base_ytd, growth_pct, growth_note, growth_note_en,
    growth_note_pct, target_value, target_form, attainment_pct, time_progress_pct, gap_pp, lamp, is_carried,
    contribution_pp
from marts.fct_indicator_progress
where level = 'township' and basis = $basis and period = $period and indicator_code = 'CO01' and value_ytd is not null
order by gap_pp asc nulls last, value_ytd desc, unit_id asc
