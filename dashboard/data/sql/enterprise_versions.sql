-- Earlier versions of what one enterprise reported for the year, each beside the version in force.
select
    old.indicator_code, old.period, old.measure, old.value, old.status, old.valid_from, old.valid_to, old.file_name,
    old.sheet, old.cell, coalesce(old.value = new.value, old.value is null and new.value is null) as is_same,
    new.value as value_in_force, new.file_name as file_in_force
from marts.fct_observation_version as old
left join marts.fct_observation as new
    on
        old.indicator_code = new.indicator_code and old.level = new.level and old.unit_id = new.unit_id
        and old.period = new.period and old.measure = new.measure and old.line_no = new.line_no
where
    old.level = 'enterprise' and old.unit_id = $enterprise and old.status <> 'in_force'
    and old.period between $since and $period
order by old.period desc, old.indicator_code asc, old.measure asc, old.valid_from asc
limit 200
