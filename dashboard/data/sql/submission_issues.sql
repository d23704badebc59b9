-- Issues of one submission, errors first, with what was said about them.
select
    sheet, cell, severity, rule, message_zh, message_en, raw_text, status, explanation, accepted_by, accepted_reason,
    accepted_at
from marts.fct_issue
where submission_id = $submission
order by case severity when 'error' then 0 when 'warning' then 1 else 2 end, sheet, cell, rule
limit 2000
