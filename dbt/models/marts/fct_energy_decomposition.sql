{{ config(materialized=by_year()) }}
-- What each enterprise of a frozen list did to the list's ratio (energy intensity, EN01). With the list's ratio I = E / V
-- and an enterprise's share w of V, the change I1 - I0 is exactly the sum over enterprises of w1 (i1 - i0), its own
-- efficiency, and (w1 - w0)(i0 - I0), its weight; both in percent of I0. Enterprises without both figures and both bases
-- have a row and no part in it. Where the ratio is at constant prices, V1 is value added at last year's prices.
with price as (
    select
        period,
        cast(value_ytd as double) / 100 as price_level
    from {{ lately('fct_indicator_progress') }}
    where
        indicator_code = '{{ var("price_index_code") }}'
        and level = 'county'
        and basis = 'reported'
        and value_ytd > 0
),

listed as (
    select
        listing.indicator_code,
        listing.unit_id,
        listing.township_code,
        listing.period,
        listing.is_carried,
        listing.value_ytd as intensity,
        listing.base_ytd as intensity_base,
        listing.growth_pct,
        listing.growth_note,
        listing.growth_note_en,
        listing.growth_note_pct,
        numerator.value_ytd as energy,
        numerator.base_ytd as energy_base,
        denominator.value_ytd as added,
        denominator.base_ytd as added_base,
        case when ratio.price_basis = 'constant' then coalesce(price.price_level, 1) else 1 end as price_level,
        coalesce(numerator.is_carried, false) or coalesce(denominator.is_carried, false) as is_part_carried,
        listing.value_ytd is not null
        and listing.base_ytd is not null
        and numerator.value_ytd is not null
        and numerator.base_ytd is not null
        and denominator.value_ytd > 0
        and denominator.base_ytd > 0 as is_counted
    from {{ lately('fct_indicator_progress') }} as listing
    inner join {{ ref('stg_indicator') }} as ratio
        on listing.indicator_code = ratio.indicator_code
        and ratio.kind = 'ratio'
        and ratio.scope is not null
    left join {{ lately('fct_indicator_progress') }} as numerator
        on numerator.level = 'enterprise'
        and numerator.basis = 'reported'
        and ratio.numerator_code = numerator.indicator_code
        and listing.unit_id = numerator.unit_id
        and listing.period = numerator.period
    left join {{ lately('fct_indicator_progress') }} as denominator
        on denominator.level = 'enterprise'
        and denominator.basis = 'reported'
        and ratio.denominator_code = denominator.indicator_code
        and listing.unit_id = denominator.unit_id
        and listing.period = denominator.period
    left join price on listing.period = price.period
    where listing.level = 'enterprise' and listing.basis = 'reported'
),

-- decimals are summed, so that the order of adding does not show in the last digit
list_sum as (
    select
        indicator_code,
        period,
        cast(sum(energy_base) as double) as e0,
        -- one price level for all of a month: shares of it are the same at any prices
        cast(sum(added) as double) as v1,
        cast(sum(added_base) as double) as v0
    from listed
    where is_counted
    group by indicator_code, period
)

select
    'enterprise' as level,
    listed.unit_id,
    listed.township_code,
    listed.indicator_code,
    listed.period,
    listed.intensity,
    listed.intensity_base,
    listed.growth_pct,
    listed.growth_note,
    listed.growth_note_en,
    listed.growth_note_pct,
    listed.energy,
    listed.energy_base,
    listed.added,
    listed.added_base,
    coalesce(listed.is_carried, false) or listed.is_part_carried as is_carried,
    case when listed.is_counted
        then 100 * {{ quotient('listed.added', 'list_sum.v1') }}
            * (
                {{ quotient('listed.energy', 'listed.added') }} * listed.price_level
                - {{ quotient('listed.energy_base', 'listed.added_base') }}
            )
            / nullif({{ quotient('list_sum.e0', 'list_sum.v0') }}, 0)
    end as efficiency_pct,
    case when listed.is_counted
        then 100 * ({{ quotient('listed.added', 'list_sum.v1') }} - {{ quotient('listed.added_base', 'list_sum.v0') }})
            * ({{ quotient('listed.energy_base', 'listed.added_base') }} - {{ quotient('list_sum.e0', 'list_sum.v0') }})
            / nullif({{ quotient('list_sum.e0', 'list_sum.v0') }}, 0)
    end as weight_pct
from listed
left join list_sum on listed.indicator_code = list_sum.indicator_code and listed.period = list_sum.period
