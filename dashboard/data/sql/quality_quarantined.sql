-- Cells of a month that were held back, with the value that was read, what stands in their place, and why.
with reason as (
    select
        submission_id,
        sheet,
        cell,
        min(rule) as rule,
        min(message_zh) as message_zh,
        min(message_en) as message_en
    from marts.fct_issue
    where severity = 'error'
    group by submission_id, sheet, cell
)

select
    held.indicator_code, held.level, held.unit_id, held.measure, held.value, held.raw_text, held.raw_unit,
    held.submission_id, held.file_name, held.sheet, held.cell, reason.rule, reason.message_zh, reason.message_en,
    now_in.value as value_in_force, now_in.submission_id as submission_in_force
from marts.fct_observation_version as held
left join reason
    on held.submission_id = reason.submission_id and held.sheet = reason.sheet and held.cell = reason.cell
left join marts.fct_observation as now_in
    on
        held.indicator_code = now_in.indicator_code and held.level = now_in.level and held.unit_id = now_in.unit_id
        and held.period = now_in.period and held.measure = now_in.measure and held.line_no = now_in.line_no
where held.status = 'quarantined' and held.period = $period
order by held.file_name, held.sheet, held.cell, held.indicator_code, held.measure
limit 500
