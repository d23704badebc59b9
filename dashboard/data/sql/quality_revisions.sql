-- Figures of a month that a later workbook changed: what was known, what is in force, when it changed.
select
    old.indicator_code, old.level, old.unit_id, old.measure, old.value, old.valid_from, old.valid_to, old.file_name,
    old.sheet, old.cell, old.submission_id, now_in.value as value_in_force, now_in.file_name as file_in_force,
    now_in.submission_id as submission_in_force
from marts.fct_observation_version as old
left join marts.fct_observation as now_in
    on
        old.indicator_code = now_in.indicator_code and old.level = now_in.level and old.unit_id = now_in.unit_id
        and old.period = now_in.period and old.measure = now_in.measure and old.line_no = now_in.line_no
where
    old.period = $period and old.status = 'superseded' and old.valid_to is not null
    and not coalesce(old.value = now_in.value, old.value is null and now_in.value is null)
order by old.valid_to desc, old.unit_id asc, old.indicator_code asc, old.measure asc
limit 500
