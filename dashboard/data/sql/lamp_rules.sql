select lamp_rule_id, target_form, green_min_pp, yellow_min_pp, valid_from, valid_to, text_zh, text_en
from marts.dim_lamp_rule
order by lamp_rule_id, target_form nulls first, valid_from
