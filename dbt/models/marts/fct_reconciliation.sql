{{ config(materialized=by_year()) }}
-- The county's figure beside that of another department: one row per indicator, other figure and period in which both were
-- reported, year to date. difference = our_value - other_value = outside_scope + within_scope_difference, exactly.
with figure as (
    select
        level,
        unit_id,
        indicator_code,
        period,
        value_ytd
    from {{ lately('int_unit_figure') }}
    where level = 'county' and value_ytd is not null and asof_period = period
),

-- what our enterprises within the other's scope sum up to
within as (
    select
        pair.indicator_code,
        pair.other_code,
        own.period,
        count(*) as enterprises,
        sum(own.value_ytd) as value_ytd
    from {{ ref('stg_reconciliation') }} as pair
    inner join {{ ref('int_enterprise_scope') }} as member on pair.scope = member.scope
    inner join {{ lately('int_unit_figure') }} as own
        on pair.indicator_code = own.indicator_code
        and own.level = 'enterprise'
        and member.enterprise_id = own.unit_id
        and own.period between member.valid_from and member.valid_to
    where own.value_ytd is not null
    group by pair.indicator_code, pair.other_code, own.period
)

select
    ours.level,
    ours.unit_id,
    pair.indicator_code,
    pair.other_code,
    ours.period,
    {{ as_value('ours.value_ytd') }} as our_value,
    {{ as_value('theirs.value_ytd') }} as other_value,
    {{ as_value('ours.value_ytd - theirs.value_ytd') }} as difference,
    {{ no_negative_zero(quotient('ours.value_ytd - theirs.value_ytd', 'theirs.value_ytd') ~ ' * 100') }} as difference_pct,
    {{ as_value('within.value_ytd') }} as within_scope_value,
    within.enterprises as within_scope_enterprises,
    {{ as_value('ours.value_ytd - within.value_ytd') }} as outside_scope,
    {{ as_value('within.value_ytd - theirs.value_ytd') }} as within_scope_difference,
    pair.scope,
    pair.department_zh,
    pair.department_en,
    pair.scope_note_zh,
    pair.scope_note_en
from {{ ref('stg_reconciliation') }} as pair
inner join figure as ours on pair.indicator_code = ours.indicator_code
inner join figure as theirs on pair.other_code = theirs.indicator_code and ours.period = theirs.period
left join within
    on pair.indicator_code = within.indicator_code
    and pair.other_code = within.other_code
    and ours.period = within.period
