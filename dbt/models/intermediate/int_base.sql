{{ config(materialized=by_year()) }}
-- The figure of every unit with both of its bases (domain.md D.3; docs/architecture.md, Decisions).
-- Reported: the base printed in this year's form, else last year's figure of the same unit (the same under another code
-- after a rename or change of rank). Comparable: last year's figures of today's unit and of its predecessors, by weight,
-- of today's enterprises where the unit is their sum; where the warehouse has none, the printed base. A carried unit
-- takes the base of the month it carries (J.6).
with figure as (
    select
        unit_figure.*,
        -- where periods are years of which some were never collected, the year collected before
        case
            when deployment.period_grain = 'year' then year_before.period
            else {{ add_months('unit_figure.asof_period', -12) }}
        end as base_period
    from {{ lately('int_unit_figure') }} as unit_figure
    cross join {{ ref('stg_deployment') }} as deployment
    left join (
        select
            indicator_code,
            period as asof_period,
            lag(period) over (partition by indicator_code order by period) as period
        from (select distinct indicator_code, period from {{ ref('int_unit_figure') }}) as collected
    ) as year_before
        on unit_figure.indicator_code = year_before.indicator_code
        and unit_figure.asof_period = year_before.asof_period
),

earlier as (
    select
        indicator_code,
        level,
        unit_id,
        period,
        value_month,
        value_ytd,
        rate_ytd,
        is_carried
    from {{ lately('int_unit_figure', 12) }}
    where value_ytd is not null
),

line as (
    select * from {{ ref('int_township_predecessor') }}
),

-- townships that left the county, whose figures no comparable base of the county may hold
departure as (
    select
        from_code as township_code,
        effective_from as left_on
    from {{ ref('stg_township_link') }}
    where to_code is null
),

same_unit as (
    select
        figure.indicator_code,
        figure.unit_id,
        figure.period,
        max(earlier.value_ytd) as last_ytd,
        max(earlier.value_month) as last_month,
        max(earlier.rate_ytd) as last_rate
    from figure
    inner join line on figure.unit_id = line.unit_id and line.is_same_unit and line.effective_from <= figure.period
    inner join earlier
        on figure.indicator_code = earlier.indicator_code
        and earlier.level = 'township'
        and line.predecessor_id = earlier.unit_id
        and figure.base_period = earlier.period
    where figure.level = 'township'
    group by figure.indicator_code, figure.unit_id, figure.period
),

-- what predecessors bring to the comparable base, where the change lies between the base and today
inherited as (
    select
        figure.indicator_code,
        figure.unit_id,
        figure.period,
        sum(earlier.value_ytd * line.weight) as ytd,
        sum(earlier.value_month * line.weight) as month,
        sum(earlier.rate_ytd * line.weight) as rate
    from figure
    inner join line
        on figure.unit_id = line.unit_id
        and line.effective_from <= figure.period
        and line.first_effective > figure.base_period
    inner join earlier
        on figure.indicator_code = earlier.indicator_code
        and earlier.level = 'township'
        and line.predecessor_id = earlier.unit_id
        and figure.base_period = earlier.period
    where figure.level = 'township' and figure.kind <> 'ratio'
    group by figure.indicator_code, figure.unit_id, figure.period
),

given_away as (
    select
        figure.indicator_code,
        figure.unit_id,
        figure.period,
        least(sum(line.weight), 1) as weight
    from figure
    inner join line
        on figure.unit_id = line.predecessor_id
        and not line.predecessor_ended
        and line.effective_from <= figure.period
        and line.first_effective > figure.base_period
    where figure.level = 'township' and figure.kind <> 'ratio'
    group by figure.indicator_code, figure.unit_id, figure.period
),

based as (
    select
        figure.*,
        coalesce(looked_up.value_ytd, same_unit.last_ytd) as last_ytd,
        -- a figure that was itself carried gives way to a printed base
        coalesce(looked_up.is_carried, false) and inherited.ytd is null and figure.printed_base_ytd is not null
            as prefers_printed,
        coalesce(looked_up.value_month, same_unit.last_month) as last_month,
        coalesce(looked_up.rate_ytd, same_unit.last_rate) as last_rate,
        case
            when figure.kind = 'ratio' then coalesce(looked_up.value_ytd, same_unit.last_ytd)
            when looked_up.value_ytd is null then inherited.ytd
            else looked_up.value_ytd * (1 - coalesce(given_away.weight, 0)) + coalesce(inherited.ytd, 0)
        end as joined_ytd,
        case
            when looked_up.value_month is null then inherited.month
            else looked_up.value_month * (1 - coalesce(given_away.weight, 0)) + coalesce(inherited.month, 0)
        end as joined_month,
        case
            when looked_up.rate_ytd is null then inherited.rate
            else looked_up.rate_ytd * (1 - coalesce(given_away.weight, 0)) + coalesce(inherited.rate, 0)
        end as joined_rate
    from figure
    left join earlier as looked_up
        on figure.indicator_code = looked_up.indicator_code
        and figure.level = looked_up.level
        and figure.unit_id = looked_up.unit_id
        and figure.base_period = looked_up.period
    left join same_unit
        on figure.level = 'township'
        and figure.indicator_code = same_unit.indicator_code
        and figure.unit_id = same_unit.unit_id
        and figure.period = same_unit.period
    left join inherited
        on figure.level = 'township'
        and figure.indicator_code = inherited.indicator_code
        and figure.unit_id = inherited.unit_id
        and figure.period = inherited.period
    left join given_away
        on figure.level = 'township'
        and figure.indicator_code = given_away.indicator_code
        and figure.unit_id = given_away.unit_id
        and figure.period = given_away.period
),

-- where a part is carried or silent, last year's figure of the whole is set back to what is compared with it
enterprise_unlike as (
    select
        based.indicator_code,
        based.township_code,
        based.period,
        sum(
            case
                when based.is_carried then coalesce(based.printed_base_ytd, based.last_ytd, 0) else 0
            end - coalesce(earlier.value_ytd, 0)
        ) as set_back
    from based
    left join earlier
        on based.indicator_code = earlier.indicator_code
        and earlier.level = 'enterprise'
        and based.unit_id = earlier.unit_id
        and {{ add_months('based.period', -12) }} = earlier.period
    where
        based.level = 'enterprise'
        and (based.is_carried or based.value_ytd is null)
        and based.kind <> 'ratio'
        and based.township_code is not null
    group by based.indicator_code, based.township_code, based.period
),

-- 退库留基数: who left with keep_base stays in the comparable base for a year (domain.md D.3)
kept as (
    select
        earlier.indicator_code,
        coalesce(successor.unit_id, state.township_code) as township_code,
        asked.period,
        earlier.value_ytd * coalesce(successor.weight, 1) as ytd,
        earlier.value_month * coalesce(successor.weight, 1) as month
    from (
        select distinct enterprise_id, effective_from from {{ ref('stg_enterprise_event') }}
        where keep_base and event in ('closed', 'merged_into', 'left_scope')
    ) as leaving
    inner join earlier on earlier.level = 'enterprise' and leaving.enterprise_id = earlier.unit_id
    inner join (
        select distinct
            indicator_code,
            period,
            base_period
        from figure
        where level = 'township' and kind <> 'ratio' and asof_period = period
    ) as asked
        on earlier.indicator_code = asked.indicator_code
        and earlier.period = asked.base_period
        and leaving.effective_from > asked.base_period
        and leaving.effective_from <= asked.period
    inner join {{ ref('int_enterprise_state') }} as state
        on leaving.enterprise_id = state.enterprise_id
        and asked.period between state.valid_from and state.valid_to
    -- the register of who left may still name a township that ended since
    left join (
        select
            line.unit_id,
            line.predecessor_id,
            line.weight,
            line.effective_from,
            coalesce(unit.valid_to, make_date(9999, 12, 31)) as valid_to
        from line
        inner join {{ ref('stg_township') }} as unit on line.unit_id = unit.township_code
        where line.predecessor_ended
    ) as successor
        on state.township_code = successor.predecessor_id
        and asked.period between successor.effective_from and successor.valid_to
    left join figure as present
        on present.level = 'enterprise'
        and earlier.indicator_code = present.indicator_code
        and earlier.unit_id = present.unit_id
        and asked.period = present.period
        and present.value_ytd is not null
    where present.unit_id is null
),

-- where a township is the sum of its enterprises: last year's figures of these, wherever they stood then (D.3, step 1)
relocated as (
    select
        indicator_code,
        township_code,
        period,
        sum(ytd) as ytd,
        sum(month) as month,
        sum(kept_ytd) as kept_ytd
    from (
        select
            indicator_code,
            township_code,
            period,
            -- what was carried last year is no fact of last year
            case when prefers_printed then printed_base_ytd else coalesce(last_ytd, printed_base_ytd) end as ytd,
            coalesce(last_month, printed_base_month) as month,
            cast(null as decimal(24, 6)) as kept_ytd
        from based
        where level = 'enterprise' and value_ytd is not null and kind <> 'ratio' and township_code is not null
        union all
        select
            indicator_code,
            township_code,
            period,
            ytd,
            month,
            ytd as kept_ytd
        from kept
        union all
        -- none of its enterprises is left
        select
            indicator_code,
            unit_id as township_code,
            period,
            0 as ytd,
            0 as month,
            null as kept_ytd
        from based
        where level = 'township' and source = 'enterprises' and expected_units = 0
    ) as brought
    group by indicator_code, township_code, period
),

unit_base as (
    select
        based.indicator_code,
        based.level,
        based.unit_id,
        based.township_code,
        based.kind,
        based.period,
        based.value_month,
        based.value_month_derived,
        based.value_ytd,
        based.rate_ytd,
        based.declared_growth_pct,
        based.null_reason,
        based.is_estimated,
        based.is_carried,
        based.is_reported,
        based.asof_period,
        based.base_period,
        based.source,
        based.reported_units,
        based.expected_units,
        based.printed_base_ytd,
        based.last_ytd,
        based.last_rate,
        based.joined_ytd,
        based.parts_base_ytd,
        based.prefers_printed,
        relocated.ytd as relocated_ytd,
        relocated.kept_ytd,
        -- what silent enterprises take out of last year's figure, and the carried ones bring (J.6): the county's too
        part.set_back,
        -- deaths that do not count in a rate are set aside from its base as well
        coalesce(based.last_rate - based.last_ytd, 0) as reported_aside,
        coalesce(based.joined_rate - based.joined_ytd, 0) as comparable_aside,
        coalesce(
            based.printed_base_ytd,
            based.last_ytd + coalesce(part.set_back, 0),
            based.parts_base_ytd
        ) as reported_ytd,
        case when not based.is_carried
            then coalesce(based.printed_base_month, based.last_month, based.parts_base_month)
        end as reported_month,
        case
            when based.prefers_printed then based.printed_base_ytd
            else coalesce(
                relocated.ytd,
                based.joined_ytd + coalesce(part.set_back, 0),
                based.printed_base_ytd,
                based.parts_base_ytd
            )
        end as comparable_ytd,
        case when not based.is_carried
            then coalesce(relocated.month, based.joined_month, based.printed_base_month, based.parts_base_month)
        end as comparable_month
    from based
    left join enterprise_unlike as part
        on based.level = 'township'
        and based.indicator_code = part.indicator_code
        and based.unit_id = part.township_code
        and based.source = 'enterprises'
        and not based.is_carried
        and based.period = part.period
    left join relocated
        on based.level = 'township'
        and based.source = 'enterprises'
        and based.indicator_code = relocated.indicator_code
        and based.unit_id = relocated.township_code
        and based.period = relocated.period
    where based.level <> 'county'
),

county_unlike as (
    select
        unit_base.indicator_code,
        unit_base.period,
        sum(
            case
                when not unit_base.is_carried and unit_base.value_ytd is not null then unit_base.set_back
                else case when unit_base.is_carried then coalesce(unit_base.reported_ytd, 0) else 0 end
                    - coalesce(earlier.value_ytd, then_named.value_ytd, 0)
            end
        ) as set_back
    from unit_base
    left join earlier
        on unit_base.indicator_code = earlier.indicator_code
        and earlier.level = 'township'
        and unit_base.unit_id = earlier.unit_id
        and {{ add_months('unit_base.period', -12) }} = earlier.period
    -- the same unit under the code it had
    left join (
        select
            line.unit_id,
            line.effective_from,
            stood.indicator_code,
            stood.period,
            stood.value_ytd
        from line
        inner join earlier as stood on stood.level = 'township' and line.predecessor_id = stood.unit_id
        where line.is_same_unit
    ) as then_named
        on unit_base.indicator_code = then_named.indicator_code
        and unit_base.unit_id = then_named.unit_id
        and unit_base.period >= then_named.effective_from
        and {{ add_months('unit_base.period', -12) }} = then_named.period
    where
        unit_base.level = 'township'
        and (unit_base.is_carried or unit_base.value_ytd is null or unit_base.set_back is not null)
        and unit_base.kind <> 'ratio'
    group by unit_base.indicator_code, unit_base.period
),

township_total as (
    select
        indicator_code,
        period,
        sum(case when value_ytd is not null then reported_ytd end) as reported_ytd,
        sum(case when value_ytd is not null then reported_month end) as reported_month,
        -- every part brings the base printed beside it: their sum is what the sum of the figures grows from
        -- (who has no enterprise left prints none, and is there with last year's figure)
        count(case when not (source = 'enterprises' and expected_units = 0) then value_ytd end)
        = count(case when value_ytd is not null then printed_base_ytd end) as is_printed,
        sum(case when value_ytd is not null then comparable_ytd end) as comparable_ytd,
        sum(case when value_ytd is not null then comparable_month end) as comparable_month,
        sum(case when value_ytd is not null then comparable_ytd + comparable_aside end) as comparable_rate
    from unit_base
    where level = 'township' and kind <> 'ratio'
    group by indicator_code, period
),

departed as (
    select
        figure.indicator_code,
        figure.period,
        sum(earlier.value_ytd) as ytd,
        sum(earlier.value_month) as month,
        sum(earlier.rate_ytd) as rate
    from figure
    inner join departure
        on departure.left_on <= figure.period and departure.left_on > figure.base_period
    inner join earlier
        on figure.indicator_code = earlier.indicator_code
        and earlier.level = 'township'
        and departure.township_code = earlier.unit_id
        and figure.base_period = earlier.period
    where figure.level = 'county' and figure.kind <> 'ratio'
    group by figure.indicator_code, figure.period
),

county_base as (
    select
        based.*,
        based.source = 'townships' and coalesce(township_total.is_printed, false) as has_printed_parts,
        case
            when based.source = 'townships' and township_total.is_printed then township_total.reported_ytd
            when based.source = 'townships' then coalesce(
                based.printed_base_ytd,
                based.last_ytd + coalesce(county_unlike.set_back, 0),
                township_total.reported_ytd
            )
            else coalesce(based.printed_base_ytd, based.last_ytd)
        end as reported_ytd,
        case
            when based.source = 'townships' and township_total.is_printed then township_total.reported_month
            when based.source = 'townships' then coalesce(
                based.printed_base_month, based.last_month, township_total.reported_month
            )
            else coalesce(based.printed_base_month, based.last_month)
        end as reported_month,
        case when based.source = 'townships'
            then coalesce(township_total.comparable_ytd, based.printed_base_ytd)
            else coalesce(based.last_ytd - coalesce(departed.ytd, 0), based.printed_base_ytd)
        end as comparable_ytd,
        case when based.source = 'townships'
            then coalesce(township_total.comparable_month, based.printed_base_month)
            else coalesce(based.last_month - coalesce(departed.month, 0), based.printed_base_month)
        end as comparable_month,
        case when based.source = 'townships'
            then coalesce(township_total.comparable_rate, township_total.comparable_ytd)
            else based.last_rate - coalesce(departed.rate, 0)
        end as comparable_rate
    from based
    left join township_total
        on based.indicator_code = township_total.indicator_code and based.period = township_total.period
    left join county_unlike
        on based.indicator_code = county_unlike.indicator_code and based.period = county_unlike.period
    left join departed
        on based.indicator_code = departed.indicator_code and based.period = departed.period
    where based.level = 'county'
)

{% set columns = [
    'indicator_code', 'level', 'unit_id', 'township_code', 'kind', 'period', 'value_month', 'value_month_derived',
    'value_ytd', 'rate_ytd', 'declared_growth_pct', 'null_reason', 'is_estimated', 'is_carried', 'is_reported', 'asof_period', 'source',
    'reported_units', 'expected_units', 'printed_base_ytd', 'base_period', 'last_ytd',
] -%}
select
    {% for column in columns %}
    unit_base.{{ column }},
    {% endfor %}
    {{ as_value('unit_base.reported_ytd') }} as reported_base_ytd,
    {{ as_value('unit_base.reported_month') }} as reported_base_month,
    {{ as_value('unit_base.reported_ytd + unit_base.reported_aside') }} as reported_base_rate,
    {{ as_value('unit_base.comparable_ytd') }} as comparable_base_ytd,
    {{ as_value('unit_base.comparable_month') }} as comparable_base_month,
    {{ as_value('unit_base.comparable_ytd + unit_base.comparable_aside') }} as comparable_base_rate,
    -- of the comparable base: what enterprises left in it that are gone (keep_base)
    {{ as_value('unit_base.kept_ytd') }} as kept_base_ytd,
    case
        when unit_base.printed_base_ytd is not null then 'printed'
        when unit_base.last_ytd is not null then 'last_year'
        when unit_base.parts_base_ytd is not null then 'parts'
    end as reported_base_source,
    case
        when unit_base.prefers_printed then 'printed'
        when unit_base.relocated_ytd is not null then 'parts'
        when unit_base.joined_ytd is not null then 'last_year'
        when unit_base.printed_base_ytd is not null then 'printed'
        when unit_base.parts_base_ytd is not null then 'parts'
    end as comparable_base_source
from unit_base
union all
select
    {% for column in columns %}
    county_base.{{ column }},
    {% endfor %}
    {{ as_value('county_base.reported_ytd') }} as reported_base_ytd,
    {{ as_value('county_base.reported_month') }} as reported_base_month,
    {{ as_value('county_base.reported_ytd + coalesce(county_base.last_rate - county_base.last_ytd, 0)') }}
        as reported_base_rate,
    {{ as_value('county_base.comparable_ytd') }} as comparable_base_ytd,
    {{ as_value('county_base.comparable_month') }} as comparable_base_month,
    {{ as_value('coalesce(county_base.comparable_rate, county_base.comparable_ytd)') }} as comparable_base_rate,
    cast(null as decimal(24, 6)) as kept_base_ytd,
    case
        when county_base.has_printed_parts then 'parts'
        when county_base.printed_base_ytd is not null then 'printed'
        when county_base.last_ytd is not null then 'last_year'
        when county_base.reported_ytd is not null then 'parts'
    end as reported_base_source,
    case
        when county_base.comparable_ytd is null then null
        when county_base.source = 'townships' then 'parts'
        when county_base.last_ytd is not null then 'last_year'
        else 'printed'
    end as comparable_base_source
from county_base
