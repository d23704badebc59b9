select
    lamp_rule_id,
    coalesce(target_form, '') as target_form,
    cast(green_min_pp as double) as green_min_pp,
    cast(yellow_min_pp as double) as yellow_min_pp,
    coalesce(uses_time_progress, false) as uses_time_progress,
    coalesce(is_zero_goal, false) as is_zero_goal,
    valid_from,
    valid_to,
    text_zh,
    text_en
from {{ ref('stg_lamp_rule') }}
