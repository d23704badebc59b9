{{ config(materialized=by_year()) }}
-- Growth of every figure (domain.md B.2), one row per basis, level, unit, indicator and period. A rate grows in points
-- or by plain difference where its growth_basis says so, everything else in percent. No growth is computed from a base
-- that is zero, negative or missing: growth_note_code says which words stand in its place.
with price as (
    select
        period,
        cast(value_ytd as double) / 100 as price_level
    from {{ lately('int_figure', 24) }}
    where
        indicator_code = '{{ var("price_index_code") }}'
        and level = 'county'
        and basis = 'reported'
        and value_ytd > 0
),

compared as (
    select
        figure.*,
        indicator.direction,
        coalesce(indicator.is_signed, false) as is_signed,
        coalesce(
            indicator.growth_basis in ('diff_pp', 'diff'),
            indicator.kind = 'ratio' and indicator.growth_basis is null
        ) as is_difference,
        coalesce(indicator.growth_basis, case when indicator.kind = 'ratio' then 'diff' else 'nominal' end)
            as growth_basis,
        case
            when figure.real_exact is not null then figure.real_exact
            when indicator.price_basis = 'current' and figure.kind = 'flow' then figure.value_exact / price.price_level
        end as value_real,
        case when indicator.price_basis = 'current' and figure.kind = 'flow' then price.price_level end as price_level,
        figure.value_exact - figure.base_exact as delta,
        -- a unit keeps its series under another code (domain.md D.3.8)
        coalesce(township.durable_id, figure.unit_id) as durable_id
    from {{ lately('int_figure', 24) }} as figure
    inner join {{ ref('stg_indicator') }} as indicator on figure.indicator_code = indicator.indicator_code
    left join price on figure.asof_period = price.period
    left join {{ ref('stg_township') }} as township
        on figure.level = 'township' and figure.unit_id = township.township_code
),

-- the last day on which the ground of a unit changed, by each month: what lies before is not of the unit as it is
ground as (
    select
        unit_id,
        effective_from
    from {{ ref('int_township_predecessor') }}
    where not is_same_unit
    union
    select
        predecessor_id as unit_id,
        effective_from
    from {{ ref('int_township_predecessor') }}
    where not is_same_unit and not predecessor_ended
    union
    select
        deployment.county_code as unit_id,
        link.effective_from
    from {{ ref('stg_township_link') }} as link
    cross join {{ ref('stg_deployment') }} as deployment
    where link.to_code is null
),

changed as (
    select
        asked.unit_id,
        asked.period,
        max(ground.effective_from) as changed_on
    from (select distinct unit_id, period from compared where basis = 'comparable') as asked
    inner join ground on asked.unit_id = ground.unit_id and ground.effective_from <= asked.period
    group by asked.unit_id, asked.period
),

grown as (
    select
        compared.*,
        -- a ratio at constant prices is set against last year's at those prices, where a price index was reported (EN01)
        case when real_exact is not null then {{ growth_real_pct() }} else {{ growth_pct() }} end as growth_pct,
        {{ growth_real_pct() }} as growth_real_pct,
        case
            when base_exact > 0 and value_exact >= 0 then (coalesce(real_exact, value_exact) / base_exact - 1) * 100
        end as growth_relative_pct,
        {{ growth_note_code() }} as growth_note_code,
        case
            when base_exact < 0 and value_exact < 0 then (abs(base_exact) - abs(value_exact)) / abs(base_exact) * 100
        end as growth_note_pct
    from compared
),

-- what other months of the same series say, each at its distance in months (domain.md B.1, B.2)
measured as (
    select
        grown.*,
        max(grown.value_month) over one_before as month_before,
        max(case when month(grown.period) = 12 and not grown.is_carried then grown.value_exact end) over this_year
            as year_end_before,
        max(case when not grown.is_carried then grown.value_exact end) over two_years as value_two_years_before,
        max(case when not grown.is_difference then grown.growth_pct end) over one_year as growth_year_before,
        max(case when not grown.is_carried then grown.value_exact end) over one_year as value_year_before
    from grown
    window
        one_before as (
            partition by grown.basis, grown.level, grown.durable_id, grown.indicator_code
            order by {{ month_index('grown.period') }} range between 1 preceding and 1 preceding
        ),
        one_year as (
            partition by grown.basis, grown.level, grown.durable_id, grown.indicator_code
            order by {{ month_index('grown.period') }} range between 12 preceding and 12 preceding
        ),
        two_years as (
            partition by grown.basis, grown.level, grown.durable_id, grown.indicator_code
            order by {{ month_index('grown.period') }} range between 24 preceding and 24 preceding
        ),
        this_year as (
            partition by grown.basis, grown.level, grown.durable_id, grown.indicator_code
            order by {{ month_index('grown.period') }} range between 12 preceding and 1 preceding
        )
)

select
    grown.basis,
    grown.level,
    grown.unit_id,
    grown.township_code,
    grown.indicator_code,
    grown.kind,
    grown.direction,
    grown.period,
    grown.value_month,
    grown.value_ytd,
    grown.value_exact,
    grown.base_month,
    grown.base_ytd,
    grown.base_exact,
    grown.delta,
    grown.growth_basis,
    {{ no_negative_zero('grown.growth_pct') }} as growth_pct,
    {{ no_negative_zero('grown.growth_relative_pct') }} as growth_relative_pct,
    {{ no_negative_zero('grown.growth_real_pct') }} as growth_real_pct,
    {{ growth_judged_pct('grown') }} as growth_judged_pct,
    grown.price_level,
    grown.growth_note_code,
    {{ no_negative_zero('grown.growth_note_pct') }} as growth_note_pct,
    note.zh as growth_note,
    note.en as growth_note_en,
    -- 本月 as the years to date have it, beside the month as reported: a difference is told by V02, never mended
    grown.value_month_derived,
    -- 环比, of the month alone; on the comparable basis, like 比年初 and 两年平均, only of one and the same ground
    case
        when grown.basis = 'comparable' and changed.changed_on > {{ add_months('grown.period', -1) }} then null
        when grown.kind in ('flow', 'count') and grown.month_before > 0 and grown.value_month >= 0
            then {{ no_negative_zero('(cast(grown.value_month as double) / cast(grown.month_before as double) - 1) * 100') }}
    end as growth_month_pct,
    -- 比年初, of a stock; a mean of months has no year's end
    case
        when grown.basis = 'comparable' and changed.changed_on > make_date(year(grown.period) - 1, 12, 1) then null
        when
            grown.kind = 'stock'
            and grown.indicator_code <> '{{ var("average_headcount_code") }}'
            and not grown.is_carried
            then {{ as_value('grown.value_exact - grown.year_end_before') }}
    end as change_since_year_end,
    -- 两年平均: the geometric mean; on the comparable basis of two comparable growths
    case
        when grown.is_difference or grown.is_carried or grown.kind = 'ratio' then null
        when
            grown.basis = 'comparable'
            and grown.level = 'township'
            and changed.changed_on > {{ add_months('grown.period', -12) }}
            then null
        when grown.basis = 'comparable' and grown.growth_pct is not null and grown.growth_year_before is not null
            then {{ no_negative_zero('(sqrt((1 + grown.growth_pct / 100) * (1 + grown.growth_year_before / 100)) - 1) * 100') }}
        when grown.basis = 'reported' and grown.value_two_years_before > 0 and grown.value_exact >= 0
            then {{ no_negative_zero('(sqrt(grown.value_exact / grown.value_two_years_before) - 1) * 100') }}
    end as growth_two_year_pct,
    -- last year whole, and what it brought from this month on: what a target asks of the rest of this year stands beside it
    case
        when grown.basis = 'comparable' and changed.changed_on > make_date(year(grown.period) - 1, 12, 1) then null
        when grown.kind in ('flow', 'count') then grown.year_end_before
    end as last_year_total,
    case
        when changed.changed_on > {{ add_months('grown.period', -12) }} then null
        when grown.kind in ('flow', 'count') then grown.year_end_before - grown.value_year_before
    end as last_year_rest,
    grown.declared_growth_pct,
    -- growth at last year's prices and at current ones are not compared
    case when (grown.real_exact is null) = (before.real_exact is null) then grown.growth_pct - before.growth_pct end
        as growth_change_pp,
    grown.null_reason,
    grown.is_estimated,
    grown.is_carried,
    grown.is_reported,
    grown.asof_period,
    grown.source,
    case when grown.base_exact is not null then grown.base_source end as base_source,
    grown.reported_units,
    grown.expected_units,
    grown.denominator_period
from measured as grown
left join {{ ref('stg_growth_note') }} as note
    on grown.growth_note_code = note.note_code and grown.is_signed = note.for_signed
left join changed on grown.level <> 'enterprise' and grown.unit_id = changed.unit_id and grown.period = changed.period
-- the month before, in the same year
left join grown as before
    on grown.basis = before.basis
    and grown.level = before.level
    and grown.durable_id = before.durable_id
    and grown.indicator_code = before.indicator_code
    and year(grown.period) = year(before.period)
    and {{ month_index('grown.period') }} = {{ month_index('before.period') }} + 1
