{{ config(materialized=by_year()) }}
-- Every target of every unit, held against the figure: attainment, gap and lamp by the form of the target
-- (domain.md B.3, B.4, J.7). One row per basis, level, unit, indicator, period, tier and form.
with december as (
    select
        basis,
        indicator_code,
        level,
        unit_id,
        year(period) as year_no,
        value_exact
    from {{ lately('int_growth', 12) }}
    where month(period) = 12 and value_exact is not null
),

-- last year's level from which a stock has to rise: 实绩 printed beside the target, and December's figures
printed_start as (
    select
        indicator_code,
        level,
        unit_id,
        year(period) as year_no,
        cast(sum(value_base_ytd) as double) as value_exact
    from {{ lately('int_reported_figure') }}
    where month(period) = 12
    group by indicator_code, level, unit_id, year(period)
),

-- what predecessors bring from the month of a merger on; a row in every month of such a year, because the level printed
-- beside the target, or in December's form, may be that of the unit as it became
inherited_start as (
    select
        target.indicator_code,
        target.unit_id,
        target.period,
        sum(
            case when line.effective_from <= target.period then december.value_exact * cast(line.weight as double) end
        ) as value_exact
    from (select distinct indicator_code, level, unit_id, period from {{ lately('int_target') }}) as target
    inner join {{ ref('int_township_predecessor') }} as line
        on target.level = 'township'
        and target.unit_id = line.unit_id
        and line.predecessor_ended
        and year(line.first_effective) = year(target.period)
    inner join december
        on december.basis = 'reported'
        and december.level = 'township'
        and line.predecessor_id = december.unit_id
        and target.indicator_code = december.indicator_code
        and december.year_no = year(target.period) - 1
    group by target.indicator_code, target.unit_id, target.period
),

-- what a township that left takes out of the county's comparable level (domain.md D.3.7)
departed_start as (
    select
        december.indicator_code,
        county.period,
        sum(december.value_exact) as value_exact
    from (select distinct indicator_code, period from {{ lately('int_target') }} where level = 'county') as county
    inner join {{ ref('stg_township_link') }} as link
        on link.to_code is null
        and link.effective_from <= county.period
        and year(link.effective_from) = year(county.period)
    inner join december
        on december.basis = 'reported'
        and december.level = 'township'
        and december.unit_id = link.from_code
        and december.indicator_code = county.indicator_code
        and december.year_no = year(county.period) - 1
    group by december.indicator_code, county.period
),

met as (
    select
        growth.basis,
        target.level,
        target.unit_id,
        target.indicator_code,
        target.period,
        target.tier,
        target.target_form,
        target.is_growth_column,
        target.target_value,
        indicator.kind,
        indicator.direction,
        indicator.lamp_rule_id,
        -- a ratio of a year's flow to a stock grows through the year, as wages per head do
        case
            when indicator.kind <> 'ratio' then indicator.kind <> 'stock'
            else coalesce(numerator.kind in ('flow', 'count') and denominator.kind = 'stock', false)
        end as is_cumulative,
        growth.value_exact as actual_value,
        growth.growth_judged_pct,
        growth.delta,
        growth.is_carried,
        growth.is_reported,
        progress_of_time.time_progress_pct,
        case
            when indicator.kind <> 'stock' then null
            when growth.basis = 'reported'
                then coalesce(
                    case when inherited_start.unit_id is null then printed_start.value_exact end,
                    start_figure.value_exact + coalesce(inherited_start.value_exact, 0),
                    inherited_start.value_exact,
                    printed_start.value_exact
                )
            else coalesce(
                start_figure.value_exact
                + coalesce(inherited_start.value_exact, 0)
                - coalesce(departed_start.value_exact, 0),
                inherited_start.value_exact,
                printed_start.value_exact
            )
        end as start_value
    from {{ lately('int_target') }} as target
    inner join {{ ref('stg_indicator') }} as indicator on target.indicator_code = indicator.indicator_code
    left join {{ ref('stg_indicator') }} as numerator on indicator.numerator_code = numerator.indicator_code
    left join {{ ref('stg_indicator') }} as denominator on indicator.denominator_code = denominator.indicator_code
    inner join {{ lately('int_growth') }} as growth
        on target.level = growth.level
        and target.unit_id = growth.unit_id
        and target.indicator_code = growth.indicator_code
        and target.period = growth.period
    inner join {{ lately('int_time_progress') }} as progress_of_time
        on target.indicator_code = progress_of_time.indicator_code and target.period = progress_of_time.period
    left join december as start_figure
        on growth.basis = start_figure.basis
        and target.level = start_figure.level
        and target.unit_id = start_figure.unit_id
        and target.indicator_code = start_figure.indicator_code
        and start_figure.year_no = year(target.period) - 1
    left join printed_start
        on target.level = printed_start.level
        and target.unit_id = printed_start.unit_id
        and target.indicator_code = printed_start.indicator_code
        and printed_start.year_no = year(target.period)
    left join departed_start
        on target.level = 'county'
        and target.indicator_code = departed_start.indicator_code
        and target.period = departed_start.period
    left join inherited_start
        on target.level = 'township'
        and target.unit_id = inherited_start.unit_id
        and target.indicator_code = inherited_start.indicator_code
        and target.period = inherited_start.period
),

-- a loss to be kept within bounds, or a result that is to break even: no part of such a target is ever attained
faced as (
    select
        met.*,
        {{ target_is_bound() }} as is_bound
    from met
),

attained as (
    select
        faced.*,
        {{ level_ratio_pct() }} as level_ratio_pct,
        {{ attainment_pct() }} as attainment_pct
    from faced
),

gauged as (
    select
        attained.*,
        {{ gap_pp() }} as gap_pp
    from attained
),

ruled as (
    select
        gauged.*,
        case when exact_rule.lamp_rule_id is not null then exact_rule.green_min_pp else any_rule.green_min_pp end
            as green_min_pp,
        case when exact_rule.lamp_rule_id is not null then exact_rule.yellow_min_pp else any_rule.yellow_min_pp end
            as yellow_min_pp,
        coalesce(exact_rule.uses_time_progress, any_rule.uses_time_progress, false) as uses_time_progress,
        coalesce(exact_rule.is_zero_goal, any_rule.is_zero_goal, false) as is_zero_goal,
        case when exact_rule.lamp_rule_id is not null then exact_rule.text_zh else any_rule.text_zh end as lamp_rule_zh,
        case when exact_rule.lamp_rule_id is not null then exact_rule.text_en else any_rule.text_en end as lamp_rule_en
    from gauged
    left join {{ ref('stg_lamp_rule') }} as exact_rule
        on gauged.lamp_rule_id = exact_rule.lamp_rule_id
        and gauged.target_form = exact_rule.target_form
        and {{ in_force_on('exact_rule', 'gauged.period') }}
    left join {{ ref('stg_lamp_rule') }} as any_rule
        on gauged.lamp_rule_id = any_rule.lamp_rule_id
        and any_rule.target_form is null
        and {{ in_force_on('any_rule', 'gauged.period') }}
)

select
    basis,
    level,
    unit_id,
    indicator_code,
    period,
    tier,
    target_form,
    target_value,
    kind,
    direction,
    is_cumulative,
    actual_value,
    start_value,
    level_ratio_pct,
    {{ no_negative_zero('attainment_pct') }} as attainment_pct,
    time_progress_pct,
    {{ no_negative_zero('gap_pp') }} as gap_pp,
    {{ lamp() }} as lamp,
    lamp_rule_zh,
    lamp_rule_en,
    green_min_pp,
    yellow_min_pp,
    uses_time_progress,
    is_zero_goal,
    -- the target that a page shows first: the must tier, a figure before a growth rate
    row_number() over (
        partition by basis, level, unit_id, indicator_code, period
        order by
            case when tier = 'must' then 0 else 1 end,
            case when target_value is null then 1 else 0 end,
            is_growth_column,
            target_form
    ) as precedence
from ruled
