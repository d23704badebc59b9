{{ config(materialized=by_year()) }}
-- The figure of every unit at every level: one row per indicator, level, unit and period (design.md 3.5, Levels).
-- An enterprise's is its own; a township's its own report, else the sum of its enterprises; the county's the sum of its
-- townships, carried ones included, else its own row. Accidents are counted at each level from the register.
-- Ratios pass through as reported; int_figure recomputes them.
with township as (
    select
        township_code,
        kind,
        valid_from,
        valid_to
    from {{ ref('stg_township') }}
),

line as (
    select
        predecessor.unit_id,
        predecessor.predecessor_id,
        predecessor.first_effective,
        predecessor.effective_from,
        predecessor.weight,
        predecessor.predecessor_ended,
        successor.valid_to as unit_to
    from {{ ref('int_township_predecessor') }} as predecessor
    inner join township as successor on predecessor.unit_id = successor.township_code
),

own as (
    select
        figure.*,
        {{ month_index('figure.period') }} as month_no,
        year(figure.period) as year_no
    from {{ lately('int_own_figure', 24) }} as figure
),

-- Enterprises → townships ------------------------------------------------------------------------------------------
row_of_enterprise as (
    select
        own.indicator_code,
        own.unit_id,
        own.period,
        own.kind,
        own.value_ytd,
        own.rate_ytd,
        own.value_month,
        own.value_month_reported,
        case
            when own.kind not in ('flow', 'count') then null
            when month(own.period) = 1 then own.value_own
            else own.value_own - own.value_own_before
        end as value_month_derived,
        count(*) over (partition by own.indicator_code, own.unit_id, own.period) as parts,
        own.is_carried,
        own.is_reported,
        own.is_estimated,
        own.asof_period,
        own.anchor_held_no = {{ month_index('own.origin_period') }} as is_direct,
        coalesce(nullif(part.township_code, ''), state.township_code) as township_code,
        case
            when own.kind in ('flow', 'count') then part.value_ytd
            else coalesce(part.value_stock, part.value_ytd, part.value_month)
        end as part_ytd,
        case when own.period = part.period then part.value_month end as part_month,
        part.value_base_ytd as part_base_ytd,
        case when own.period = part.period then part.value_base_month end as part_base_month,
        row_number() over (
            partition by own.indicator_code, own.unit_id, own.period order by part.township_code nulls last
        ) as part_no
    from own
    left join {{ lately('int_reported_figure', 24) }} as part
        on own.indicator_code = part.indicator_code
        and own.level = part.level
        and own.unit_id = part.unit_id
        and own.origin_period = part.period
    left join {{ ref('int_enterprise_state') }} as state
        on own.unit_id = state.enterprise_id and own.period between state.valid_from and state.valid_to
    where own.level = 'enterprise' and own.kind <> 'ratio'
),

-- A row that still names a unit that has ended belongs to the unit that continues the place.
continued as (
    select
        line.predecessor_id as township_code,
        line.effective_from,
        line.unit_id as current_code,
        line.unit_to,
        row_number() over (
            partition by line.predecessor_id, line.effective_from order by line.weight desc, line.unit_id asc
        ) as choice
    from line
    where line.predecessor_ended
),

located as (
    select
        part.*,
        coalesce(continued.current_code, part.township_code) as current_code
    from row_of_enterprise as part
    left join continued
        on part.township_code = continued.township_code
        and continued.choice = 1
        and part.period >= continued.effective_from
        and (continued.unit_to is null or part.period <= continued.unit_to)
),

summed as (
    select
        indicator_code,
        current_code as unit_id,
        period,
        kind,
        sum(case when is_direct then part_ytd when part_no = 1 then value_ytd end) as value_ytd,
        sum(case when part_no = 1 then rate_ytd end) as rate_ytd,
        sum(case when value_month_reported is not null then part_month when part_no = 1 then value_month end)
            as value_month,
        -- where one of them has no month of its own between two years to date, the sum has none either
        case
            when count(case when value_month_reported is not null then part_month when part_no = 1 then value_month end)
                = count(case when parts = 1 then value_month_derived end)
                then sum(value_month_derived)
        end as value_month_derived,
        sum(case when value_ytd is not null then part_base_ytd end) as printed_base_ytd,
        sum(case when value_ytd is not null then part_base_month end) as printed_base_month,
        max(case when is_estimated then 1 else 0 end) as is_estimated,
        count(distinct case when is_reported then unit_id end) as reported_units,
        count(distinct unit_id) as expected_units,
        max(case when value_ytd is not null then asof_period end) as asof_period
    from located
    where current_code is not null
    group by indicator_code, current_code, period, kind
),

-- A township that was the sum of its enterprises a year ago and has none left: where each of them has closed, left the
-- scope or stands elsewhere, its figure is 0, known and not carried, so that what it lost stands in the growth of both
-- bases and in the bridge. Who is only silent leaves no such row.
hollow as (
    select
        past.indicator_code,
        past.unit_id as past_id,
        coalesce(continued.current_code, past.unit_id) as unit_id,
        past.kind,
        past.period as base_period,
        spoken.period
    from summed as past
    inner join (select distinct indicator_code, period from summed where reported_units > 0) as spoken
        on past.indicator_code = spoken.indicator_code
        and {{ add_months('past.period', 12) }} = spoken.period
    left join continued
        on past.unit_id = continued.township_code
        and continued.choice = 1
        and spoken.period >= continued.effective_from
        and (continued.unit_to is null or spoken.period <= continued.unit_to)
    left join summed as present
        on past.indicator_code = present.indicator_code
        and coalesce(continued.current_code, past.unit_id) = present.unit_id
        and spoken.period = present.period
    where
        past.value_ytd is not null
        and present.unit_id is null
        -- the register of accidents speaks where there is a mine
        and past.indicator_code not in ('{{ var("accidents_code") }}', '{{ var("deaths_code") }}')
),

emptied as (
    select
        hollow.indicator_code,
        hollow.unit_id,
        hollow.period,
        hollow.kind
    from hollow
    inner join {{ ref('stg_indicator') }} as indicator on hollow.indicator_code = indicator.indicator_code
    inner join located as member
        on hollow.indicator_code = member.indicator_code
        and hollow.past_id = member.current_code
        and hollow.base_period = member.period
    left join located as elsewhere
        on member.indicator_code = elsewhere.indicator_code
        and member.unit_id = elsewhere.unit_id
        and hollow.period = elsewhere.period
        and elsewhere.part_no = 1
    left join {{ ref('int_enterprise_state') }} as state
        on member.unit_id = state.enterprise_id and hollow.period between state.valid_from and state.valid_to
    left join {{ ref('int_enterprise_scope') }} as listing
        on indicator.scope_base_code is not null
        and indicator.scope = listing.scope
        and member.unit_id = listing.enterprise_id
        and hollow.period between listing.valid_from and listing.valid_to
    group by hollow.indicator_code, hollow.unit_id, hollow.period, hollow.kind
    having
        count(*) = count(case
            when elsewhere.unit_id is not null or state.unit_status = 'closed' then 1
            when indicator.scope_base_code is not null and listing.enterprise_id is null then 1
        end)
),

every_sum as (
    select
        indicator_code,
        unit_id,
        period,
        kind,
        value_ytd,
        rate_ytd,
        value_month,
        value_month_derived,
        printed_base_ytd,
        printed_base_month,
        is_estimated,
        reported_units,
        expected_units,
        asof_period
    from summed
    union all
    select
        indicator_code,
        unit_id,
        period,
        kind,
        0 as value_ytd,
        0 as rate_ytd,
        case when kind in ('flow', 'count') then 0 end as value_month,
        case when kind in ('flow', 'count') then 0 end as value_month_derived,
        null as printed_base_ytd,
        null as printed_base_month,
        0 as is_estimated,
        0 as reported_units,
        0 as expected_units,
        period as asof_period
    from emptied
),

-- Townships' own figures, with what a merged predecessor brought into the year -------------------------------------
township_own as (
    select
        indicator_code,
        unit_id,
        kind,
        period,
        year_no,
        value_ytd,
        rate_ytd,
        value_month,
        value_month_reported,
        value_own,
        value_own_before,
        printed_base_month,
        printed_base_ytd,
        declared_growth_pct,
        null_reason,
        is_estimated,
        is_carried,
        is_reported,
        asof_period,
        origin_period,
        anchor_held_no,
        has_recent_value,
        source
    from own
    where level = 'township'
),

available as (
    select distinct
        indicator_code,
        kind,
        period,
        year_no
    from township_own
    where is_reported
),

-- a successor that has not reported yet continues its predecessor
heir as (
    select distinct
        available.indicator_code,
        line.unit_id,
        available.kind,
        available.period,
        available.year_no
    from available
    inner join line
        on line.predecessor_ended
        and line.effective_from <= available.period
        and year(line.effective_from) = available.year_no
        and (line.unit_to is null or available.period <= line.unit_to)
    inner join township_own as predecessor
        on line.predecessor_id = predecessor.unit_id
        and available.indicator_code = predecessor.indicator_code
        and available.year_no = predecessor.year_no
        and predecessor.value_ytd is not null
    left join township_own as unit_row
        on line.unit_id = unit_row.unit_id
        and available.indicator_code = unit_row.indicator_code
        and available.period = unit_row.period
    where unit_row.unit_id is null and available.kind <> 'ratio'
),

-- units that should speak of the indicator, as the others of the same month do, and never have
silent as (
    select
        available.indicator_code,
        township.township_code as unit_id,
        available.kind,
        available.period,
        available.year_no
    from available
    inner join {{ ref('stg_indicator') }} as indicator
        on available.indicator_code = indicator.indicator_code and indicator.scope is null
    inner join township
        on township.kind <> 'county_direct'
        and township.valid_from <= available.period
        and (township.valid_to is null or available.period <= township.valid_to)
    left join township_own as unit_row
        on township.township_code = unit_row.unit_id
        and available.indicator_code = unit_row.indicator_code
        and available.period = unit_row.period
    left join heir
        on township.township_code = heir.unit_id
        and available.indicator_code = heir.indicator_code
        and available.period = heir.period
    left join {{ lately('int_reported_figure', 24) }} as answer
        on township.township_code = answer.unit_id
        and answer.level = 'township'
        and available.indicator_code = answer.indicator_code
        and available.period = answer.period
        and answer.has_cell = 1
    left join {{ lately('int_reported_figure', 24) }} as other
        on available.indicator_code = other.indicator_code
        and available.period = other.period
        and other.level = 'township'
        and other.source = 'incidents'
    where unit_row.unit_id is null and heir.unit_id is null and answer.unit_id is null and other.unit_id is null
),

year_end as (
    select
        indicator_code,
        unit_id,
        year_no,
        period,
        value_ytd,
        row_number() over (partition by indicator_code, unit_id, year_no order by period desc) as rows_left
    from township_own
),

brought as (
    select
        candidate.indicator_code,
        candidate.unit_id,
        candidate.period,
        sum(predecessor.value_ytd * line.weight) as value_ytd,
        max(predecessor.period) as period_of_it
    from (
        select
            indicator_code,
            unit_id,
            period,
            year_no,
            anchor_held_no,
            source
        from township_own
        where kind <> 'ratio'
        union all
        select
            indicator_code,
            unit_id,
            period,
            year_no,
            null as anchor_held_no,
            'reported' as source
        from heir
    ) as candidate
    inner join line
        on candidate.unit_id = line.unit_id
        and line.predecessor_ended
        and line.effective_from <= candidate.period
        and year(line.effective_from) = candidate.year_no
        -- a year to date reported since then includes the predecessor already
        and coalesce(candidate.anchor_held_no, 0) < {{ month_index('line.effective_from') }}
    inner join year_end as predecessor
        on line.predecessor_id = predecessor.unit_id
        and candidate.indicator_code = predecessor.indicator_code
        and candidate.year_no = predecessor.year_no
        and predecessor.rows_left = 1
    where candidate.source <> 'incidents'
    group by candidate.indicator_code, candidate.unit_id, candidate.period
),

-- in the month of a change: what the predecessors had by the month before, which a year to date reported since holds;
-- of a part that was handed over nobody knows whether it is in it
joining as (
    select
        unit_row.indicator_code,
        unit_row.unit_id,
        unit_row.period,
        sum(predecessor.value_own * line.weight) as value_before,
        min(case when line.predecessor_ended and predecessor.value_own is not null then 1 else 0 end) = 1 as is_known
    from township_own as unit_row
    inner join line
        on (unit_row.unit_id = line.unit_id or unit_row.unit_id = line.predecessor_id and not line.predecessor_ended)
        and line.effective_from <= unit_row.period
        and line.first_effective > {{ add_months('unit_row.period', -1) }}
    inner join township_own as predecessor
        on line.predecessor_id = predecessor.unit_id
        and unit_row.indicator_code = predecessor.indicator_code
        and {{ add_months('unit_row.period', -1) }} = predecessor.period
    where unit_row.kind in ('flow', 'count') and month(unit_row.period) > 1
    group by unit_row.indicator_code, unit_row.unit_id, unit_row.period
),

-- 本月 as two years to date have it (domain.md B.1, D.3.4)
township_month as (
    select
        own_row.indicator_code,
        own_row.unit_id,
        own_row.period,
        case
            when month(own_row.period) = 1 then own_row.value_own
            when joining.unit_id is null or coalesce(own_row.anchor_held_no, 0) < {{ month_index('own_row.period') }}
                then own_row.value_own - coalesce(own_row.value_own_before, born.value_before)
            when joining.is_known
                then own_row.value_own
                    - coalesce(own_row.value_own_before, born.value_before) - joining.value_before
        end as value_month_derived
    from township_own as own_row
    left join joining
        on own_row.indicator_code = joining.indicator_code
        and own_row.unit_id = joining.unit_id
        and own_row.period = joining.period
    -- who came into being in this month had nothing before
    left join (
        select
            township_code,
            valid_from,
            0 as value_before
        from township
    ) as born
        on own_row.unit_id = born.township_code
        and own_row.period >= born.valid_from
        and born.valid_from > {{ add_months('own_row.period', -1) }}
    where own_row.kind in ('flow', 'count')
),

township_candidate as (
    select
        own_row.indicator_code,
        own_row.unit_id,
        own_row.kind,
        own_row.period,
        case
            when own_row.value_ytd is null then brought.value_ytd
            else own_row.value_ytd + coalesce(brought.value_ytd, 0)
        end as value_ytd,
        own_row.rate_ytd,
        case
            when own_row.kind in ('flow', 'count')
                then coalesce(own_row.value_month_reported, township_month.value_month_derived)
            else own_row.value_month
        end as value_month,
        township_month.value_month_derived,
        own_row.printed_base_month,
        own_row.printed_base_ytd,
        own_row.declared_growth_pct,
        own_row.null_reason,
        own_row.is_estimated,
        own_row.is_carried or (own_row.value_ytd is null and brought.value_ytd is not null) as is_carried,
        own_row.is_reported,
        case when own_row.value_ytd is null then coalesce(brought.period_of_it, own_row.asof_period)
            else own_row.asof_period
        end as asof_period,
        own_row.has_recent_value or brought.value_ytd is not null as has_recent_value,
        own_row.source
    from township_own as own_row
    left join township_month
        on own_row.indicator_code = township_month.indicator_code
        and own_row.unit_id = township_month.unit_id
        and own_row.period = township_month.period
    left join brought
        on own_row.indicator_code = brought.indicator_code
        and own_row.unit_id = brought.unit_id
        and own_row.period = brought.period
    union all
    select
        heir.indicator_code,
        heir.unit_id,
        heir.kind,
        heir.period,
        brought.value_ytd,
        null as rate_ytd,
        null as value_month,
        null as value_month_derived,
        null as printed_base_month,
        null as printed_base_ytd,
        null as declared_growth_pct,
        null as null_reason,
        false as is_estimated,
        brought.value_ytd is not null as is_carried,
        false as is_reported,
        coalesce(brought.period_of_it, heir.period) as asof_period,
        true as has_recent_value,
        'reported' as source
    from heir
    left join brought
        on heir.indicator_code = brought.indicator_code
        and heir.unit_id = brought.unit_id
        and heir.period = brought.period
    union all
    select
        indicator_code,
        unit_id,
        kind,
        period,
        null as value_ytd,
        null as rate_ytd,
        null as value_month,
        null as value_month_derived,
        null as printed_base_month,
        null as printed_base_ytd,
        null as declared_growth_pct,
        null as null_reason,
        false as is_estimated,
        false as is_carried,
        false as is_reported,
        period as asof_period,
        false as has_recent_value,
        'reported' as source
    from silent
),

township_figure as (
    select
        coalesce(candidate.indicator_code, summed.indicator_code) as indicator_code,
        coalesce(candidate.unit_id, summed.unit_id) as unit_id,
        coalesce(candidate.kind, summed.kind) as kind,
        coalesce(candidate.period, summed.period) as period,
        candidate.value_ytd as own_ytd,
        summed.value_ytd as sum_ytd,
        -- the report goes first; where the unit has been silent for a year, the sum of its enterprises speaks
        coalesce(candidate.value_ytd is not null or candidate.has_recent_value or summed.unit_id is null, false)
            as from_own,
        candidate.value_month as own_month,
        candidate.value_month_derived as own_month_derived,
        candidate.rate_ytd as own_rate,
        candidate.printed_base_month as own_base_month,
        candidate.printed_base_ytd as own_base_ytd,
        candidate.declared_growth_pct,
        candidate.null_reason,
        candidate.is_estimated as own_estimated,
        candidate.is_carried as own_carried,
        candidate.is_reported as own_reported,
        candidate.asof_period as own_asof,
        candidate.source as own_source,
        summed.value_month as sum_month,
        summed.value_month_derived as sum_month_derived,
        summed.rate_ytd as sum_rate,
        summed.printed_base_month as sum_base_month,
        summed.printed_base_ytd as sum_base_ytd,
        summed.is_estimated as sum_estimated,
        summed.reported_units as sum_reported,
        summed.expected_units as sum_expected,
        -- where none of the enterprises reported, the sum is one of earlier months (domain.md J.6)
        coalesce(summed.value_ytd is not null and summed.reported_units = 0 and summed.expected_units > 0, false)
            as sum_carried,
        summed.asof_period as sum_asof
    from township_candidate as candidate
    full outer join every_sum as summed
        on candidate.indicator_code = summed.indicator_code
        and candidate.unit_id = summed.unit_id
        and candidate.period = summed.period
),

township_final as (
    select
        figure.indicator_code,
        figure.unit_id,
        figure.kind,
        figure.period,
        case when from_own then own_ytd else sum_ytd end as value_ytd,
        case when from_own then own_month else sum_month end as value_month,
        case when from_own then own_month_derived else sum_month_derived end as value_month_derived,
        case when from_own then coalesce(own_rate, own_ytd) else coalesce(sum_rate, sum_ytd) end as rate_ytd,
        case when from_own then own_base_month end as printed_base_month,
        case when from_own then own_base_ytd end as printed_base_ytd,
        case when from_own then null else sum_base_month end as parts_base_month,
        case when from_own then null else sum_base_ytd end as parts_base_ytd,
        declared_growth_pct,
        null_reason,
        case when from_own then own_estimated else sum_estimated = 1 end as is_estimated,
        case when from_own then coalesce(own_carried, false) else sum_carried end as is_carried,
        case when from_own then coalesce(own_reported, false) else sum_reported > 0 or sum_expected = 0 end
            as is_reported,
        case
            when from_own then coalesce(own_asof, figure.period)
            when sum_carried then coalesce(sum_asof, figure.period)
            else figure.period
        end as asof_period,
        case when from_own then own_source else 'enterprises' end as source,
        own_ytd,
        sum_ytd,
        case when from_own then case when own_reported then 1 else 0 end else sum_reported end as reported_units,
        case when from_own then 1 else sum_expected end as expected_units
    from township_figure as figure
    inner join township on figure.unit_id = township.township_code
    where township.valid_to is null or figure.period <= township.valid_to
),

-- Townships → county -----------------------------------------------------------------------------------------------
county_sum as (
    select
        indicator_code,
        kind,
        period,
        sum(value_ytd) as value_ytd,
        sum(value_month) as value_month,
        case when count(value_month) = count(value_month_derived) then sum(value_month_derived) end
            as value_month_derived,
        sum(case when value_ytd is not null then rate_ytd end) as rate_ytd,
        max(case when is_estimated then 1 else 0 end) as is_estimated,
        sum(case when is_reported then 1 else 0 end) as reported_units,
        count(*) as expected_units
    from township_final
    where kind <> 'ratio'
    group by indicator_code, kind, period
),

county_own as (
    select
        own.*
    from own
    inner join {{ ref('stg_deployment') }} as deployment
        on own.level = 'county' and own.unit_id = deployment.county_code
),

county_figure as (
    select
        coalesce(own_row.indicator_code, county_sum.indicator_code) as indicator_code,
        coalesce(own_row.kind, county_sum.kind) as kind,
        coalesce(own_row.period, county_sum.period) as period,
        county_sum.value_ytd is null or coalesce(own_row.source = 'incidents', false) as from_own,
        own_row.value_ytd as own_ytd,
        own_row.value_month as own_month,
        case
            when own_row.kind not in ('flow', 'count') then null
            when month(own_row.period) = 1 then own_row.value_own
            else own_row.value_own - own_row.value_own_before
        end as own_month_derived,
        own_row.rate_ytd as own_rate,
        own_row.is_carried as own_carried,
        own_row.is_reported as own_reported,
        own_row.asof_period as own_asof,
        own_row.source as own_source,
        own_row.printed_base_month,
        own_row.printed_base_ytd,
        own_row.declared_growth_pct,
        own_row.null_reason,
        own_row.is_estimated as own_estimated,
        county_sum.value_ytd as sum_ytd,
        county_sum.value_month as sum_month,
        county_sum.value_month_derived as sum_month_derived,
        county_sum.rate_ytd as sum_rate,
        county_sum.is_estimated as sum_estimated,
        county_sum.reported_units,
        county_sum.expected_units
    from county_own as own_row
    full outer join county_sum
        on own_row.indicator_code = county_sum.indicator_code and own_row.period = county_sum.period
),

county_final as (
    select
        figure.indicator_code,
        deployment.county_code as unit_id,
        figure.kind,
        figure.period,
        case when from_own then own_ytd else sum_ytd end as value_ytd,
        case when from_own then own_month else sum_month end as value_month,
        case when from_own then own_month_derived else sum_month_derived end as value_month_derived,
        case when from_own then coalesce(own_rate, own_ytd) else sum_rate end as rate_ytd,
        -- the base printed in the county's own table belongs to the month it was printed for
        case when coalesce(own_asof, figure.period) = figure.period or from_own then printed_base_month end
            as printed_base_month,
        case when coalesce(own_asof, figure.period) = figure.period or from_own then printed_base_ytd end
            as printed_base_ytd,
        declared_growth_pct,
        null_reason,
        case when from_own then own_estimated else sum_estimated = 1 end as is_estimated,
        coalesce(from_own and own_carried, false) as is_carried,
        case when from_own then coalesce(own_reported, false) else figure.reported_units > 0 end as is_reported,
        case when from_own then coalesce(own_asof, figure.period) else figure.period end as asof_period,
        case when from_own then own_source else 'townships' end as source,
        case when own_reported and not own_carried then own_ytd end as own_ytd,
        sum_ytd,
        case
            when not from_own or own_source = 'incidents' then coalesce(figure.reported_units, 1)
            when own_reported then 1
            else 0
        end as reported_units,
        case when not from_own or own_source = 'incidents' then coalesce(figure.expected_units, 1) else 1 end
            as expected_units
    from county_figure as figure
    cross join {{ ref('stg_deployment') }} as deployment
),

place as (
    select
        indicator_code,
        unit_id,
        period,
        current_code
    from located
    where part_no = 1
),

every_level as (
    select
        'enterprise' as level,
        own.indicator_code,
        own.unit_id,
        coalesce(place.current_code, state.township_code) as township_code,
        own.kind,
        own.period,
        own.value_ytd,
        own.value_month,
        case
            when own.kind not in ('flow', 'count') then null
            when month(own.period) = 1 then own.value_own
            else own.value_own - own.value_own_before
        end as value_month_derived,
        coalesce(own.rate_ytd, own.value_ytd) as rate_ytd,
        own.printed_base_month,
        own.printed_base_ytd,
        cast(null as decimal(24, 6)) as parts_base_month,
        cast(null as decimal(24, 6)) as parts_base_ytd,
        own.declared_growth_pct,
        own.null_reason,
        own.is_estimated,
        own.is_carried,
        own.is_reported,
        own.asof_period,
        own.source,
        cast(null as decimal(24, 6)) as own_ytd,
        cast(null as decimal(24, 6)) as sum_ytd,
        case when own.is_reported then 1 else 0 end as reported_units,
        1 as expected_units
    from own
    left join place
        on own.indicator_code = place.indicator_code
        and own.unit_id = place.unit_id
        and own.period = place.period
    left join {{ ref('int_enterprise_state') }} as state
        on own.unit_id = state.enterprise_id and own.period between state.valid_from and state.valid_to
    where own.level = 'enterprise'
    union all
    select
        'township' as level,
        indicator_code,
        unit_id,
        unit_id as township_code,
        kind,
        period,
        value_ytd,
        value_month,
        value_month_derived,
        rate_ytd,
        printed_base_month,
        printed_base_ytd,
        parts_base_month,
        parts_base_ytd,
        declared_growth_pct,
        null_reason,
        is_estimated,
        is_carried,
        is_reported,
        asof_period,
        source,
        own_ytd,
        sum_ytd,
        reported_units,
        expected_units
    from township_final
    union all
    select
        'county' as level,
        indicator_code,
        unit_id,
        cast(null as string) as township_code,
        kind,
        period,
        value_ytd,
        value_month,
        value_month_derived,
        rate_ytd,
        printed_base_month,
        printed_base_ytd,
        cast(null as decimal(24, 6)) as parts_base_month,
        cast(null as decimal(24, 6)) as parts_base_ytd,
        declared_growth_pct,
        null_reason,
        is_estimated,
        is_carried,
        is_reported,
        asof_period,
        source,
        own_ytd,
        sum_ytd,
        reported_units,
        expected_units
    from county_final
),

-- Average headcount where it was not reported: the mean of the months' averages, not the period's end (F73) --------
headcount as (
    select
        every_level.*,
        merged.since
    from every_level
    left join (
        select
            unit_id,
            year(effective_from) as year_no,
            effective_from as since
        from line
        where predecessor_ended
        group by unit_id, effective_from
    ) as merged
        on every_level.level = 'township'
        and every_level.unit_id = merged.unit_id
        and year(every_level.period) = merged.year_no
        and every_level.period >= merged.since
    where every_level.indicator_code = '{{ var("headcount_code") }}'
),

-- at each month's end; the months before a merger with what the unit is since then (domain.md D.3.4)
headcount_end as (
    select distinct
        level,
        unit_id,
        period,
        make_date(1900, 1, 1) as since,
        value_ytd
    from headcount
    union all
    select
        headcount.level,
        part.unit_id,
        headcount.period,
        part.since,
        sum(headcount.value_ytd * part.weight) as value_ytd
    from (
        select
            merged.unit_id,
            merged.effective_from as since,
            other.predecessor_id,
            other.weight
        from (select distinct unit_id, effective_from from line where predecessor_ended) as merged
        inner join line as other
            on merged.unit_id = other.unit_id
            and other.predecessor_ended
            and other.effective_from <= merged.effective_from
        union
        select
            unit_id,
            effective_from as since,
            unit_id as predecessor_id,
            cast(1 as decimal(24, 12)) as weight
        from line
        where predecessor_ended
    ) as part
    inner join headcount
        on headcount.level = 'township'
        and part.predecessor_id = headcount.unit_id
        and headcount.period >= {{ add_months('make_date(year(part.since), 1, 1)', -1) }}
        and year(headcount.period) <= year(part.since)
    group by headcount.level, part.unit_id, headcount.period, part.since
),

headcount_month as (
    select
        headcount_end.*,
        (value_ytd + coalesce(
            case
                when lag({{ month_index('period') }}) over by_unit = {{ month_index('period') }} - 1
                    then lag(value_ytd) over by_unit
            end,
            value_ytd
        )) / 2 as month_average
    from headcount_end
    window by_unit as (partition by level, unit_id, since order by period)
),

headcount_average as (
    select
        level,
        unit_id,
        period,
        since,
        avg(cast(month_average as double)) over (
            partition by level, unit_id, since, year(period)
            order by period rows between unbounded preceding and current row
        ) as value_ytd
    from headcount_month
),

average_headcount as (
    select
        headcount.level,
        average.indicator_code,
        headcount.unit_id,
        headcount.township_code,
        average.kind,
        headcount.period,
        counted.value_ytd,
        headcount.is_estimated,
        headcount.is_carried,
        headcount.is_reported,
        headcount.asof_period,
        headcount.reported_units,
        headcount.expected_units
    from (
        select
            headcount.*,
            row_number() over (partition by level, unit_id, period order by since desc nulls last) as choice
        from headcount
    ) as headcount
    inner join headcount_average as counted
        on headcount.choice = 1
        and headcount.level = counted.level
        and headcount.unit_id = counted.unit_id
        and headcount.period = counted.period
        and coalesce(headcount.since, make_date(1900, 1, 1)) = counted.since
    inner join {{ ref('stg_indicator') }} as average
        on average.indicator_code = '{{ var("average_headcount_code") }}'
    left join every_level as reported
        on headcount.level = reported.level
        and headcount.unit_id = reported.unit_id
        and headcount.period = reported.period
        and average.indicator_code = reported.indicator_code
        and reported.value_ytd is not null
    where reported.unit_id is null
)

select
    every_level.indicator_code,
    every_level.level,
    every_level.unit_id,
    every_level.township_code,
    every_level.kind,
    every_level.period,
    {{ as_value('every_level.value_month') }} as value_month,
    {{ as_value('every_level.value_month_derived') }} as value_month_derived,
    {{ as_value('every_level.value_ytd') }} as value_ytd,
    {{ as_value('every_level.rate_ytd') }} as rate_ytd,
    {{ as_value('every_level.printed_base_month') }} as printed_base_month,
    {{ as_value('every_level.printed_base_ytd') }} as printed_base_ytd,
    {{ as_value('every_level.parts_base_month') }} as parts_base_month,
    {{ as_value('every_level.parts_base_ytd') }} as parts_base_ytd,
    every_level.declared_growth_pct,
    every_level.null_reason,
    every_level.is_estimated,
    every_level.is_carried,
    every_level.is_reported,
    every_level.asof_period,
    every_level.source,
    {{ as_value('every_level.own_ytd') }} as own_ytd,
    {{ as_value('every_level.sum_ytd') }} as sum_ytd,
    cast(every_level.reported_units as integer) as reported_units,
    cast(every_level.expected_units as integer) as expected_units
from every_level
left join average_headcount as replaced
    on every_level.level = replaced.level
    and every_level.unit_id = replaced.unit_id
    and every_level.period = replaced.period
    and every_level.indicator_code = replaced.indicator_code
where replaced.unit_id is null
union all
select
    indicator_code,
    level,
    unit_id,
    township_code,
    kind,
    period,
    cast(null as decimal(24, 6)) as value_month,
    cast(null as decimal(24, 6)) as value_month_derived,
    {{ as_value('value_ytd') }} as value_ytd,
    {{ as_value('value_ytd') }} as rate_ytd,
    cast(null as decimal(24, 6)) as printed_base_month,
    cast(null as decimal(24, 6)) as printed_base_ytd,
    cast(null as decimal(24, 6)) as parts_base_month,
    cast(null as decimal(24, 6)) as parts_base_ytd,
    cast(null as double) as declared_growth_pct,
    cast(null as string) as null_reason,
    is_estimated,
    is_carried,
    is_reported,
    asof_period,
    'headcount' as source,
    cast(null as decimal(24, 6)) as own_ytd,
    cast(null as decimal(24, 6)) as sum_ytd,
    cast(reported_units as integer) as reported_units,
    cast(expected_units as integer) as expected_units
from average_headcount
