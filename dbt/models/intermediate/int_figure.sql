{{ config(materialized=by_year()) }}
-- Figures and bases on each basis: one row per basis, level, unit, indicator and period. Ratios are the ratio of
-- year-to-date sums at the level asked for, never summed and never averaged (design.md principle 5); where numerator or
-- denominator is not at hand, the ratio as reported by the unit itself. An indicator over a scope (≥5000 tce) takes the
-- scope's enterprises as listed at the year's beginning, those with numerator and denominator both.
with basis as (
    select 'reported' as basis
    union all
    select 'comparable' as basis
),

additive as (
    select
        basis.basis,
        base.indicator_code,
        base.level,
        base.unit_id,
        base.township_code,
        base.kind,
        base.period,
        base.value_month,
        base.value_month_derived,
        base.value_ytd,
        base.rate_ytd,
        case when basis.basis = 'reported' then base.reported_base_month else base.comparable_base_month end
            as base_month,
        case when basis.basis = 'reported' then base.reported_base_ytd else base.comparable_base_ytd end as base_ytd,
        case when basis.basis = 'reported' then base.reported_base_rate else base.comparable_base_rate end as base_rate,
        -- an enterprise has one row; a list of enterprises is compared on both bases
        base.comparable_base_ytd as like_base_ytd,
        base.comparable_base_rate as like_base_rate,
        case when basis.basis = 'reported' then base.printed_base_ytd end as printed_base_ytd,
        base.declared_growth_pct,
        base.null_reason,
        base.is_estimated,
        base.is_carried,
        base.is_reported,
        base.asof_period,
        base.source,
        case when basis.basis = 'reported' then base.reported_base_source else base.comparable_base_source end
            as base_source,
        base.reported_units,
        base.expected_units
    from {{ lately('int_base', 36) }} as base
    cross join basis
    where
        -- a boundary does not change an enterprise
        (base.level <> 'enterprise' or basis.basis = 'reported')
        -- a ratio of the year before, whose denominator may have been counted two years earlier
        and (base.kind = 'stock' or {{ is_lately('base.period', 12) }})
),

ratio as (
    select
        indicator_code,
        numerator_code,
        denominator_code,
        scope,
        price_basis,
        numerator_kind,
        denominator_kind,
        multiplier
    from (
        select
            ratio_row.indicator_code,
            ratio_row.numerator_code,
            ratio_row.denominator_code,
            ratio_row.scope,
            ratio_row.price_basis,
            numerator.kind as numerator_kind,
            denominator.kind as denominator_kind,
            cast(coalesce(ratio_row.multiplier, 1) as double) as multiplier
        from {{ ref('stg_indicator') }} as ratio_row
        inner join {{ ref('stg_indicator') }} as numerator on ratio_row.numerator_code = numerator.indicator_code
        inner join {{ ref('stg_indicator') }} as denominator on ratio_row.denominator_code = denominator.indicator_code
        where ratio_row.kind = 'ratio'
    ) as named
),

-- a population counted once a year serves until the next count (domain.md A.1, TE05)
counted_before as (
    select
        ratio.indicator_code,
        numerator.basis,
        numerator.level,
        numerator.unit_id,
        numerator.period,
        max(denominator.period) as denominator_period
    from ratio
    inner join additive as numerator on ratio.numerator_code = numerator.indicator_code
    inner join additive as denominator
        on ratio.denominator_code = denominator.indicator_code
        and numerator.basis = denominator.basis
        and numerator.level = denominator.level
        and numerator.unit_id = denominator.unit_id
        and denominator.value_ytd is not null
        and denominator.period <= numerator.period
        and denominator.period >= {{ add_months('numerator.period', -24) }}
    where ratio.denominator_kind = 'stock' and ratio.scope is null
    group by ratio.indicator_code, numerator.basis, numerator.level, numerator.unit_id, numerator.period
),

unscoped as (
    select
        ratio.indicator_code,
        numerator.basis,
        numerator.level,
        numerator.unit_id,
        numerator.township_code,
        numerator.period,
        cast(numerator.rate_ytd as double) as n,
        cast(denominator.value_ytd as double) as d,
        cast(numerator.value_month as double) as n_month,
        case when ratio.denominator_kind <> 'stock' then cast(denominator.value_month as double) end as d_month,
        cast(numerator.base_rate as double) as n_base,
        cast(denominator.base_ytd as double) as d_base,
        numerator.is_estimated or denominator.is_estimated as is_estimated,
        numerator.is_carried or denominator.is_carried as is_carried,
        numerator.is_reported
        and (denominator.is_reported or denominator.period < numerator.period) as is_reported,
        coalesce(numerator.null_reason, denominator.null_reason) as null_reason,
        least(numerator.asof_period, case
            when denominator.period < numerator.period then numerator.asof_period else denominator.asof_period
        end) as asof_period,
        denominator.period as denominator_period,
        numerator.reported_units,
        numerator.expected_units
    from ratio
    inner join additive as numerator on ratio.numerator_code = numerator.indicator_code
    left join counted_before
        on ratio.indicator_code = counted_before.indicator_code
        and numerator.basis = counted_before.basis
        and numerator.level = counted_before.level
        and numerator.unit_id = counted_before.unit_id
        and numerator.period = counted_before.period
    inner join additive as denominator
        on ratio.denominator_code = denominator.indicator_code
        and numerator.basis = denominator.basis
        and numerator.level = denominator.level
        and numerator.unit_id = denominator.unit_id
        and coalesce(counted_before.denominator_period, numerator.period) = denominator.period
    where ratio.scope is null
),

-- the list is frozen for the year (domain.md B.5)
listed as (
    select
        ratio.indicator_code,
        numerator.basis,
        numerator.unit_id,
        numerator.township_code,
        numerator.period,
        cast(numerator.rate_ytd as double) as n,
        cast(denominator.value_ytd as double) as d,
        cast(numerator.value_month as double) as n_month,
        case when ratio.denominator_kind <> 'stock' then cast(denominator.value_month as double) end as d_month,
        cast(numerator.base_rate as double) as n_base,
        cast(denominator.base_ytd as double) as d_base,
        cast(numerator.like_base_rate as double) as n_like,
        cast(denominator.like_base_ytd as double) as d_like,
        coalesce(numerator.is_estimated or denominator.is_estimated, false) as is_estimated,
        coalesce(numerator.is_carried or denominator.is_carried, false) as is_carried,
        coalesce(numerator.is_reported and denominator.is_reported, false) as is_reported,
        coalesce(least(numerator.asof_period, denominator.asof_period), numerator.asof_period) as asof_period,
        numerator.rate_ytd is not null and denominator.value_ytd is not null as is_complete
    from ratio
    inner join additive as numerator
        on ratio.numerator_code = numerator.indicator_code
        and numerator.level = 'enterprise'
    inner join {{ ref('int_enterprise_scope') }} as member
        on ratio.scope = member.scope
        and numerator.unit_id = member.enterprise_id
        and make_date(year(numerator.period), 1, 31) between member.valid_from and member.valid_to
    left join additive as denominator
        on ratio.denominator_code = denominator.indicator_code
        and denominator.level = 'enterprise'
        and numerator.basis = denominator.basis
        and numerator.unit_id = denominator.unit_id
        and numerator.period = denominator.period
),

listed_place as (
    select
        listed.*,
        'enterprise' as level,
        unit_id as place_id,
        township_code as place_township
    from listed
    union all
    select
        listed.*,
        'township' as level,
        township_code as place_id,
        township_code as place_township
    from listed
    where township_code is not null
    union all
    select
        listed.*,
        'county' as level,
        deployment.county_code as place_id,
        cast(null as string) as place_township
    from listed
    cross join {{ ref('stg_deployment') }} as deployment
    where listed.township_code is not null
),

scoped as (
    select
        listed_place.indicator_code,
        basis.basis,
        listed_place.level,
        listed_place.place_id as unit_id,
        listed_place.place_township as township_code,
        listed_place.period,
        -- decimals: the order of adding must not show in the last digit, or a rebuild would differ
        cast(sum(case when is_complete then {{ as_value('n') }} end) as double) as n,
        cast(sum(case when is_complete then {{ as_value('d') }} end) as double) as d,
        -- a month of the list, from those who gave both figures of it
        cast(sum(case when n_month is not null and d_month is not null then {{ as_value('n_month') }} end) as double)
            as n_month,
        cast(sum(case when n_month is not null and d_month is not null then {{ as_value('d_month') }} end) as double)
            as d_month,
        {% for side in ['n', 'd'] %}
        cast(
            case when basis.basis = 'reported'
                then sum(
                    case when is_complete and n_base is not null and d_base is not null
                        then {{ as_value(side ~ '_base') }}
                    end
                )
                else sum(
                    case when is_complete and n_like is not null and d_like is not null
                        then {{ as_value(side ~ '_like') }}
                    end
                )
            end as double
        ) as {{ side }}_base,
        {% endfor %}
        max(case when is_estimated then 1 else 0 end) = 1 as is_estimated,
        -- of several enterprises, where none reported
        case
            when level = 'enterprise' then max(case when is_carried then 1 else 0 end) = 1
            else max(case when is_complete and not is_carried then 1 else 0 end) = 0
                and max(case when is_complete and is_carried then 1 else 0 end) = 1
        end as is_carried,
        max(case when is_reported then 1 else 0 end) = 1 as is_reported,
        cast(null as string) as null_reason,
        case
            when level = 'enterprise' or max(case when is_complete and not is_carried then 1 else 0 end) = 0
                then max(asof_period)
            else listed_place.period
        end as asof_period,
        listed_place.period as denominator_period,
        cast(sum(case when is_complete and is_reported then 1 else 0 end) as integer) as reported_units,
        cast(count(*) as integer) as expected_units
    from listed_place
    inner join basis on listed_place.basis = basis.basis or listed_place.level <> 'enterprise'
    group by
        listed_place.indicator_code, basis.basis, listed_place.level, listed_place.place_id,
        listed_place.place_township, listed_place.period
),

computed as (
    select * from unscoped
    union all
    select * from scoped
),

-- last year's price level: the denominator of an indicator at constant prices is deflated (domain.md A.2, EN01)
price as (
    select
        period,
        max(cast(value_ytd as double)) / 100 as price_level
    from {{ lately('int_base', 12) }}
    where indicator_code = '{{ var("price_index_code") }}' and level = 'county' and value_ytd > 0
    group by period
),

recomputed as (
    select
        computed.basis,
        computed.indicator_code,
        computed.level,
        computed.unit_id,
        computed.township_code,
        computed.period,
        {{ quotient('computed.n', 'computed.d') }} * ratio.multiplier as value_exact,
        {{ quotient('computed.n_month', 'computed.d_month') }} * ratio.multiplier as month_exact,
        {{ quotient('computed.n_base', 'computed.d_base') }} * ratio.multiplier as base_exact,
        case when ratio.price_basis = 'constant'
            then {{ quotient('computed.n', 'computed.d / price.price_level') }} * ratio.multiplier
        end as real_exact,
        computed.is_estimated,
        computed.is_carried,
        computed.is_reported,
        computed.null_reason,
        computed.asof_period,
        computed.denominator_period,
        computed.reported_units,
        computed.expected_units
    from computed
    inner join ratio on computed.indicator_code = ratio.indicator_code
    left join price on computed.asof_period = price.period
),

last_year as (
    select
        basis,
        indicator_code,
        level,
        unit_id,
        period,
        value_exact
    from recomputed
    where not is_carried and value_exact is not null
),

ratio_final as (
    select
        coalesce(computed_row.basis, own_row.basis) as basis,
        coalesce(computed_row.indicator_code, own_row.indicator_code) as indicator_code,
        coalesce(computed_row.level, own_row.level) as level,
        coalesce(computed_row.unit_id, own_row.unit_id) as unit_id,
        coalesce(computed_row.township_code, own_row.township_code) as township_code,
        coalesce(computed_row.period, own_row.period) as period,
        coalesce(computed_row.month_exact, case when computed_row.value_exact is null then own_row.value_month end)
            as month_exact,
        coalesce(computed_row.value_exact, cast(own_row.value_ytd as double)) as value_exact,
        case
            -- the base printed beside the ratio, then last year's ratio of the unit, then that of the bases
            when coalesce(computed_row.basis, own_row.basis) = 'reported' then coalesce(
                case when not coalesce(computed_row.is_carried, false)
                    then cast(own_row.printed_base_ytd as double)
                end,
                case when not coalesce(computed_row.is_carried, false) then last_year.value_exact end,
                computed_row.base_exact,
                cast(own_row.base_ytd as double)
            )
            else coalesce(
                computed_row.base_exact,
                case when not coalesce(computed_row.is_carried, false) then last_year.value_exact end,
                cast(own_row.base_ytd as double)
            )
        end as base_exact,
        computed_row.real_exact,
        own_row.declared_growth_pct,
        coalesce(own_row.null_reason, computed_row.null_reason) as null_reason,
        coalesce(computed_row.is_estimated, own_row.is_estimated) as is_estimated,
        case when computed_row.value_exact is not null then computed_row.is_carried else false end as is_carried,
        coalesce(
            case when computed_row.value_exact is not null then computed_row.is_reported end,
            own_row.is_reported,
            computed_row.is_reported
        ) as is_reported,
        coalesce(computed_row.asof_period, own_row.asof_period) as asof_period,
        case when computed_row.value_exact is not null then 'ratio' else coalesce(own_row.source, 'ratio') end as source,
        case
            when coalesce(computed_row.basis, own_row.basis) = 'reported'
                and own_row.printed_base_ytd is not null
                and not coalesce(computed_row.is_carried, false) then 'printed'
            when computed_row.base_exact is not null or last_year.value_exact is not null then 'last_year'
            else own_row.base_source
        end as base_source,
        coalesce(computed_row.reported_units, own_row.reported_units) as reported_units,
        coalesce(computed_row.expected_units, own_row.expected_units) as expected_units,
        computed_row.denominator_period
    from recomputed as computed_row
    full outer join (select * from additive where kind = 'ratio') as own_row
        on computed_row.basis = own_row.basis
        and computed_row.indicator_code = own_row.indicator_code
        and computed_row.level = own_row.level
        and computed_row.unit_id = own_row.unit_id
        and computed_row.period = own_row.period
    left join last_year
        on computed_row.basis = last_year.basis
        and computed_row.indicator_code = last_year.indicator_code
        and computed_row.level = last_year.level
        and computed_row.unit_id = last_year.unit_id
        and {{ add_months('computed_row.period', -12) }} = last_year.period
)

select
    basis,
    indicator_code,
    level,
    unit_id,
    township_code,
    kind,
    period,
    value_month,
    value_month_derived,
    value_ytd,
    base_month,
    base_ytd,
    cast(value_ytd as double) as value_exact,
    cast(base_ytd as double) as base_exact,
    cast(null as double) as real_exact,
    declared_growth_pct,
    null_reason,
    is_estimated,
    is_carried,
    is_reported,
    asof_period,
    source,
    base_source,
    reported_units,
    expected_units,
    period as denominator_period
from additive
where kind <> 'ratio'
union all
select
    ratio_final.basis,
    ratio_final.indicator_code,
    ratio_final.level,
    ratio_final.unit_id,
    ratio_final.township_code,
    'ratio' as kind,
    ratio_final.period,
    {{ double_as_value('ratio_final.month_exact') }} as value_month,
    cast(null as decimal(24, 6)) as value_month_derived,
    {{ double_as_value('ratio_final.value_exact') }} as value_ytd,
    cast(null as decimal(24, 6)) as base_month,
    {{ double_as_value('ratio_final.base_exact') }} as base_ytd,
    ratio_final.value_exact,
    ratio_final.base_exact,
    ratio_final.real_exact,
    ratio_final.declared_growth_pct,
    ratio_final.null_reason,
    ratio_final.is_estimated,
    ratio_final.is_carried,
    ratio_final.is_reported,
    ratio_final.asof_period,
    ratio_final.source,
    ratio_final.base_source,
    ratio_final.reported_units,
    ratio_final.expected_units,
    ratio_final.denominator_period
from ratio_final
inner join {{ ref('stg_indicator') }} as indicator on ratio_final.indicator_code = indicator.indicator_code
where
    -- a rate per mine means nothing (domain.md C.3, L5): a ratio is formed at the levels that its row allows
    indicator.allowed_grains is null
    or position(upper(substr(ratio_final.level, 1, 1)) in indicator.allowed_grains) > 0
