-- Every cell ever read for one indicator and unit that bears on a month: the month's own, its year's target (which
-- stands at December) and the same month a year earlier; with when we knew it.
select
    period, measure, line_no, value, null_reason, is_estimated, status, valid_from, valid_to, submission_id,
    file_name,
    form_code, sheet, cell, raw_text, raw_unit, unit_factor, received_at
from marts.fct_observation_version
where
    indicator_code = $indicator and unit_id = $unit_id
    and (
        period in ($period, $year_before)
        or (period = $december and measure in ('target', 'target_growth', 'target_stretch'))
    )
order by period desc, measure asc, line_no asc, valid_from desc, submission_id desc
limit 500
