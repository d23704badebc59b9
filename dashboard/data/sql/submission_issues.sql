select sheet, cell, severity, rule, message_zh, message_en, raw_text, status
from marts.fct_issue
where submission_id = $submission
order by case severity when 'error' then 0 when 'warning' then 1 else 2 end, sheet, cell, rule
limit 2000
