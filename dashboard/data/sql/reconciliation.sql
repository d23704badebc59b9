-- Our figures beside those of other departments, year to date, of the months up to one within its year.
select
    indicator_code, other_code, period, our_value, other_value, difference, difference_pct, within_scope_value,
    within_scope_enterprises, outside_scope, within_scope_difference, scope, department_zh, department_en,
    scope_note_zh, scope_note_en
from marts.fct_reconciliation
where period between $january and $period
order by period desc, indicator_code asc, other_code asc
