-- One row per indicator, in the order of pages.
select
    indicator_code, name_zh, name_en, unit, kind, direction, numerator_code, denominator_code, multiplier,
    parent_code,
    decimals, unit_display, decimals_rate, growth_basis, ytd_rule, target_form, is_headline, name_official,
    definition_zh, definition_en, source_form, source_dept, scope, lamp_rule_id
from marts.dim_indicator
order by sort_order nulls last, indicator_code
