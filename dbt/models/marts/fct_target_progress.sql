-- Every target beside the figure: for townships and the county on the comparable basis, for enterprises on the reported
-- one (domain.md J.2). A target of which no figure is known yet stands at its year's December.
with followed as (
    select *
    from {{ ref('int_target_progress') }}
    where basis = case when level = 'enterprise' then 'reported' else 'comparable' end
),

waiting as (
    select target.*
    from {{ ref('int_target') }} as target
    left join followed
        on target.level = followed.level
        and target.unit_id = followed.unit_id
        and target.indicator_code = followed.indicator_code
        and year(target.period) = year(followed.period)
        and target.tier = followed.tier
        and target.target_form = followed.target_form
    where followed.unit_id is null and month(target.period) = 12
)

select
    level,
    unit_id,
    indicator_code,
    period,
    target_form,
    tier,
    {{ as_value('target_value') }} as target_value,
    {{ as_value('actual_value') }} as actual_value,
    {{ as_value('start_value') }} as start_value,
    attainment_pct,
    level_ratio_pct,
    time_progress_pct,
    gap_pp,
    lamp,
    lamp_rule_zh,
    lamp_rule_en
from followed
union all
select
    level,
    unit_id,
    indicator_code,
    period,
    target_form,
    tier,
    {{ as_value('target_value') }} as target_value,
    cast(null as decimal(24, 6)) as actual_value,
    cast(null as decimal(24, 6)) as start_value,
    cast(null as double) as attainment_pct,
    cast(null as double) as level_ratio_pct,
    cast(100 as double) as time_progress_pct,
    cast(null as double) as gap_pp,
    'grey' as lamp,
    cast(null as string) as lamp_rule_zh,
    cast(null as string) as lamp_rule_en
from waiting
