select form_code, name_zh, name_en, subject, unit_level, reporter_level, due_day, due_month_offset
from marts.dim_form
order by form_code
