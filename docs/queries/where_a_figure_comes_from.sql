-- Every cell in force behind the townships' value added, with its workbook.
select period, unit_id, measure, value, file_name, sheet, cell, raw_text, received_at
from marts.fct_observation
where indicator_code = 'TE01' and level = 'township'
order by period, unit_id, measure
