-- Every cell ever read for one indicator and unit that bears on a month: the month's own, its year's target (which
-- stands at December) and the same month a year earlier; with when we knew it and who sent it.
select
    v.period, v.measure, v.line_no, v.value, v.null_reason, v.is_estimated, v.status, v.valid_from, v.valid_to,
    v.submission_id, v.file_name, v.form_code, v.sheet, v.cell, v.raw_text, v.raw_unit, v.unit_factor, v.received_at,
    s.reporter_unit_id
from marts.fct_observation_version as v
left join marts.fct_submission as s on v.submission_id = s.submission_id
where
    v.indicator_code = $indicator and v.unit_id = $unit_id
    and (
        v.period in ($period, $year_before)
        or (v.period = $december and v.measure in ('target', 'target_growth', 'target_stretch'))
    )
order by v.period desc, v.measure asc, v.line_no asc, v.valid_from desc, v.submission_id desc
limit 500
