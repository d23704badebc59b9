select
    rule,
    severity,
    is_active,
    quarantines,
    name_zh,
    name_en,
    source
from {{ ref('stg_audit_rule') }}
union all
-- what only shows when submissions meet is judged here and not by the audit of one submission
select
    substr(key, 6) as rule,
    'warning' as severity,
    true as is_active,
    false as quarantines,
    zh as name_zh,
    en as name_en,
    'design.md 3.5' as source
from {{ ref('stg_message') }}
where key in ('rule.SUM', 'rule.FORM', 'rule.CLOSED')
