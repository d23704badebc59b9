{{ config(materialized=by_year()) }}
-- The one table that pages, bulletins and appraisal read: figure, bases, growth, target, lamp, rank, contribution and
-- coverage of every unit. Formulas stand in the intermediate models, each with its unit test.
with progress as (
    select
        growth.*,
        target.target_value,
        target.target_form,
        target.is_cumulative,
        target.attainment_pct,
        target.level_ratio_pct,
        target.gap_pp,
        target.lamp,
        target.lamp_rule_zh,
        target.lamp_rule_en,
        target.start_value,
        of_time.time_progress_pct,
        coalesce(township.class, '') as unit_class,
        coalesce(township.durable_id, growth.unit_id) as durable_id,
        stretch.attainment_pct as stretch_attainment_pct,
        stretch.gap_pp as stretch_gap_pp
    from {{ lately('int_growth', 1) }} as growth
    left join {{ lately('int_target_progress', 1) }} as target
        on growth.basis = target.basis
        and growth.level = target.level
        and growth.unit_id = target.unit_id
        and growth.indicator_code = target.indicator_code
        and growth.period = target.period
        and target.precedence = 1
        and target.tier = 'must'
    left join {{ lately('int_target_progress', 1) }} as stretch
        on growth.basis = stretch.basis
        and growth.level = stretch.level
        and growth.unit_id = stretch.unit_id
        and growth.indicator_code = stretch.indicator_code
        and growth.period = stretch.period
        and stretch.tier = 'stretch'
        and stretch.target_form = target.target_form
    left join {{ lately('int_time_progress', 1) }} as of_time
        on growth.indicator_code = of_time.indicator_code and growth.period = of_time.period
    left join {{ ref('dim_township') }} as township
        on growth.level = 'township' and growth.unit_id = township.township_code
),

-- Ranks: by gap, by growth where there is no target, inside the class; a loss turned out of a profit stands last ------
rankable as (
    select
        basis,
        level,
        unit_id,
        indicator_code,
        period,
        unit_class,
        durable_id,
        {{ rank_gap_key('progress') }} as gap_key,
        {{ rank_growth_key('progress', 'direction') }} as growth_key
    from progress
    where level = 'township' and unit_class <> '' and value_ytd is not null and not is_carried
),

ranked as (
    select
        basis,
        level,
        unit_id,
        indicator_code,
        period,
        durable_id,
        rank() over (
            partition by basis, indicator_code, period, unit_class
            order by gap_key desc nulls last, growth_key desc nulls last
        ) as place,
        count(*) over (partition by basis, indicator_code, period, unit_class) as place_of
    from rankable
    where gap_key is not null or growth_key is not null
),

ranked_change as (
    select
        ranked.*,
        case
            when
                lag({{ month_index('period') }}) over by_unit = {{ month_index('period') }} - 1
                then (lag(place) over by_unit) - place
        end as place_change
    from ranked
    window by_unit as (partition by basis, indicator_code, durable_id order by period)
),

projected as (
    select
        progress.*,
        -- the level that a growth target means (domain.md B.3): last year's whole, grown
        case
            when progress.target_form in ('level', 'floor', 'task') then progress.target_value
            when progress.target_form = 'growth' and progress.last_year_total > 0
                then progress.last_year_total * (1 + progress.target_value / 100)
        end as target_level,
        forecast.forecast_value,
        forecast.forecast_method,
        forecast.forecast_low,
        forecast.forecast_high,
        forecast.target_probability_pct
    from progress
    left join {{ lately('int_forecast') }} as forecast
        on progress.basis = forecast.basis
        and progress.level = forecast.level
        and progress.unit_id = forecast.unit_id
        and progress.indicator_code = forecast.indicator_code
        and progress.period = forecast.period
),

-- A part's change within the change of the whole ----------------------------------------------------------------------
whole as (
    select
        basis,
        indicator_code,
        period,
        level,
        unit_id,
        base_exact,
        delta
    from progress
    where level in ('county', 'township') and kind <> 'ratio' and delta is not null
)

select
    projected.basis,
    projected.level,
    projected.unit_id,
    case when projected.level = 'enterprise' then projected.township_code
        when projected.level = 'township' then projected.unit_id
    end as township_code,
    projected.indicator_code,
    projected.period,
    projected.value_month,
    projected.value_ytd,
    projected.value_exact,
    projected.base_month,
    projected.base_ytd,
    projected.base_exact,
    projected.growth_pct,
    projected.growth_note,
    projected.growth_note_en,
    projected.growth_note_code,
    projected.growth_note_pct,
    projected.growth_relative_pct,
    projected.growth_real_pct,
    projected.growth_basis,
    projected.value_month_derived,
    projected.growth_month_pct,
    projected.change_since_year_end,
    projected.growth_two_year_pct,
    projected.declared_growth_pct,
    {{ no_negative_zero('projected.growth_change_pp') }} as growth_change_pp,
    {{ as_value('projected.target_value') }} as target_value,
    projected.target_form,
    projected.attainment_pct,
    projected.level_ratio_pct,
    projected.time_progress_pct,
    projected.gap_pp,
    case
        when projected.lamp is not null then projected.lamp
        -- silence is grey whether or not a target was set
        when projected.value_ytd is null and not projected.is_reported or projected.is_carried then 'grey'
    end as lamp,
    projected.lamp_rule_zh,
    projected.lamp_rule_en,
    projected.stretch_attainment_pct,
    projected.stretch_gap_pp,
    {{ as_value('projected.start_value') }} as start_value,
    case
        when projected.target_form = 'growth' then {{ as_value('projected.target_level') }}
    end as implied_target_value,
    case
        -- a blank target and a silent unit ask for nothing that could be told (greatest() would make it 0)
        when
            projected.target_level is not null
            and projected.value_exact is not null
            and projected.kind in ('flow', 'count', 'stock')
            and month(projected.period) < 12
            then {{ as_value("greatest((projected.target_level - projected.value_exact)
                / (12 - month(projected.period)), 0)") }}
    end as required_monthly,
    case
        when
            month(projected.period) < 12
            and projected.last_year_rest > 0
            and projected.target_level > projected.value_exact
            then ((projected.target_level - projected.value_exact) / projected.last_year_rest - 1) * 100
    end as required_growth_pct,
    projected.forecast_value,
    projected.forecast_low,
    projected.forecast_high,
    projected.forecast_method,
    case
        when projected.target_form not in ('level', 'floor', 'task', 'cap') then null
        when projected.kind = 'stock' and projected.target_form <> 'cap'
            then case when projected.target_value > projected.start_value
                then (cast(projected.forecast_value as double) - projected.start_value)
                    / (projected.target_value - projected.start_value) * 100
            end
        else {{ quotient('projected.forecast_value', 'projected.target_value') }} * 100
    end as forecast_attainment_pct,
    projected.target_probability_pct,
    cast(ranked_change.place as integer) as rank,
    cast(ranked_change.place_of as integer) as rank_of,
    cast(ranked_change.place_change as integer) as rank_change,
    case
        when projected.kind = 'ratio' or abs(whole.delta) < 1e-9 then null
        else {{ no_negative_zero('projected.delta / whole.delta * 100') }}
    end as contribution_share_pct,
    case
        when projected.kind <> 'ratio' and whole.base_exact > 0
            then {{ no_negative_zero('projected.delta / whole.base_exact * 100') }}
    end as contribution_pp,
    projected.reported_units,
    projected.expected_units,
    projected.is_carried,
    projected.is_reported,
    projected.is_estimated,
    projected.asof_period,
    projected.null_reason,
    projected.source as value_source,
    projected.base_source,
    projected.denominator_period
from projected
left join ranked_change
    on projected.basis = ranked_change.basis
    and projected.level = ranked_change.level
    and projected.unit_id = ranked_change.unit_id
    and projected.indicator_code = ranked_change.indicator_code
    and projected.period = ranked_change.period
left join whole
    on projected.basis = whole.basis
    and projected.indicator_code = whole.indicator_code
    and projected.period = whole.period
    and (
        (projected.level = 'township' and whole.level = 'county')
        or (projected.level = 'enterprise' and whole.level = 'township' and projected.township_code = whole.unit_id)
    )
