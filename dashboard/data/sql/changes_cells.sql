-- Cells of a month that were revised after a moment: what was known, what replaced it, what that did to the unit's lamp and
-- rank, when, by which workbook.
select
    level, unit_id, indicator_code, measure, previous_value, new_value, difference, is_judged, previous_lamp, new_lamp,
    previous_rank, new_rank, previous_submission_id, submission_id, file_name, sheet, cell, valid_from
from marts.fct_revision
where period = $period and valid_from >= $since
order by valid_from desc, unit_id asc, indicator_code asc, measure asc
