select
    lamp_rule_id,
    target_form,
    green_min_pp,
    yellow_min_pp,
    uses_time_progress,
    is_zero_goal,
    valid_from,
    valid_to,
    text_zh,
    text_en
from {{ source('reference', 'lamp_rules') }}
