{{ config(materialized=by_year()) }}
-- A unit's own figures through each year: one row per indicator, level, unit and period of the indicator's
-- availability, also where the unit is silent. Year to date is authoritative (domain.md B.1); where only months were
-- reported it is the last reported year to date and the months since, if none of them is missing. A unit that is
-- silent carries its last figure of the same year, marked (J.6); one that is suspended or closed keeps it, unmarked.
with reported as (
    select
        figure.indicator_code,
        figure.level,
        figure.unit_id,
        figure.period,
        indicator.kind,
        max(figure.has_cell) as has_cell,
        sum(figure.value_month) as value_month,
        sum(case
            when indicator.kind in ('flow', 'count') then figure.value_ytd
            else coalesce(figure.value_stock, figure.value_ytd, figure.value_month)
        end) as value_direct,
        sum(figure.value_base_month) as printed_base_month,
        sum(figure.value_base_ytd) as printed_base_ytd,
        max(figure.value_declared_growth) as declared_growth,
        sum(figure.rate_ytd) as rate_ytd,
        max(figure.null_reason) as null_reason,
        max(figure.is_estimated) as is_estimated,
        max(figure.is_carried) as is_footnoted,
        max(figure.source) as source
    from {{ lately('int_reported_figure', 12) }} as figure
    inner join {{ ref('stg_indicator') }} as indicator on figure.indicator_code = indicator.indicator_code
    group by figure.indicator_code, figure.level, figure.unit_id, figure.period, indicator.kind
),

available as (
    select distinct
        indicator_code,
        level,
        period
    from reported
    where has_cell = 1 and (value_direct is not null or value_month is not null)
),

unit as (
    select
        -- a short key of the series: the windows below sort by it instead of by three texts
        row_number() over (order by reported.indicator_code, reported.level, reported.unit_id) as series_no,
        reported.indicator_code,
        reported.level,
        reported.unit_id,
        reported.kind,
        min(reported.period) as first_period,
        max(township.valid_from) as unit_from,
        max(township.valid_to) as unit_to
    from reported
    left join {{ ref('stg_township') }} as township
        on reported.level = 'township' and reported.unit_id = township.township_code
    where reported.has_cell = 1
    group by reported.indicator_code, reported.level, reported.unit_id, reported.kind
),

grid as (
    select
        unit.series_no,
        unit.indicator_code,
        unit.level,
        unit.unit_id,
        unit.kind,
        available.period,
        {{ month_index('available.period') }} as month_no,
        {{ month_index('unit.unit_from') }} as unit_from_no
    from unit
    inner join available
        on unit.indicator_code = available.indicator_code
        and unit.level = available.level
        and unit.first_period <= available.period
        -- a unit that ended has no row from then on
        and (unit.unit_to is null or available.period <= unit.unit_to)
),

laid_out as (
    select
        grid.series_no,
        grid.indicator_code,
        grid.level,
        grid.unit_id,
        grid.kind,
        grid.period,
        grid.month_no,
        year(grid.period) as year_no,
        -- months of this year before a unit's birth are its predecessors'
        greatest(year(grid.period) * 12, coalesce(grid.unit_from_no - 1, 0)) as year_start_no,
        coalesce(reported.has_cell, 0) as has_cell,
        reported.value_month,
        reported.value_direct,
        reported.printed_base_month,
        reported.printed_base_ytd,
        reported.declared_growth,
        reported.rate_ytd,
        reported.null_reason,
        coalesce(reported.is_estimated, 0) as is_estimated,
        coalesce(reported.is_footnoted, 0) as is_footnoted,
        reported.source
    from grid
    left join reported
        on grid.indicator_code = reported.indicator_code
        and grid.level = reported.level
        and grid.unit_id = reported.unit_id
        and grid.period = reported.period
),

-- Nearly every series has its figure in every month: only the others need the windows below.
whole_series as (
    select series_no
    from laid_out
    group by series_no
    having count(*) = count(value_direct) and max(is_footnoted) = 0
),

interrupted as (
    select
        laid_out.*,
        max(case when laid_out.has_cell = 1 then laid_out.month_no end) over (
            partition by laid_out.series_no
            order by laid_out.period rows between unbounded preceding and current row
        ) as last_cell_no,
        count(laid_out.value_direct) over (
            partition by laid_out.series_no, laid_out.year_no
            order by laid_out.period rows between unbounded preceding and current row
        ) as direct_group
    from laid_out
    left join whole_series on laid_out.series_no = whole_series.series_no
    where whole_series.series_no is null
),

anchored as (
    select
        interrupted.*,
        max(value_direct) over in_group as anchor_value,
        max(case when value_direct is not null then month_no end) over in_group as anchor_no,
        sum(case when value_direct is null then value_month end) over since_anchor as months_since,
        sum(case when value_direct is null and value_month is not null then 1 else 0 end) over since_anchor
            as months_known
    from interrupted
    window
        in_group as (partition by series_no, year_no, direct_group),
        since_anchor as (
            partition by series_no, year_no, direct_group
            order by period rows between unbounded preceding and current row
        )
),

fresh as (
    select
        anchored.*,
        case
            when value_direct is not null then value_direct
            when
                kind in ('flow', 'count')
                and value_month is not null
                and months_known = month_no - greatest(coalesce(anchor_no, 0), year_start_no)
                then coalesce(anchor_value, 0) + months_since
        end as value_fresh
    from anchored
),

carried as (
    select
        fresh.*,
        count(value_fresh) over so_far as fresh_group,
        -- a figure that a footnote calls carried is not the period's own
        max(case when value_fresh is not null and is_footnoted = 0 then period end) over so_far as asof_period,
        max(case when value_fresh is not null then period end) over so_far as origin_period,
        max(case when value_fresh is not null then month_no end) over (
            partition by series_no
            order by period rows between unbounded preceding and current row
        ) as last_value_no
    from fresh
    window so_far as (
        partition by series_no, year_no
        order by period rows between unbounded preceding and current row
    )
),

valued as (
    select
        carried.*,
        -- neither a price index nor another figure that is only read off may be carried on
        case when kind = 'ratio' then value_fresh else max(value_fresh) over held end as value_held,
        max(case when value_fresh is not null then rate_ytd end) over held as rate_held,
        max(case when value_fresh is not null then printed_base_ytd end) over held as printed_base_held,
        max(case when value_fresh is not null then anchor_no end) over held as anchor_held_no
    from carried
    window held as (partition by series_no, year_no, fresh_group)
),

complete as (
    select
        series_no,
        indicator_code,
        level,
        unit_id,
        kind,
        period,
        month_no,
        year_no,
        year_start_no,
        has_cell,
        value_month,
        printed_base_month,
        printed_base_ytd,
        declared_growth,
        null_reason,
        is_estimated,
        is_footnoted,
        source,
        value_fresh,
        value_held,
        rate_held,
        printed_base_held,
        anchor_held_no,
        asof_period,
        origin_period,
        last_cell_no,
        last_value_no
    from valued
    union all
    select
        laid_out.series_no,
        laid_out.indicator_code,
        laid_out.level,
        laid_out.unit_id,
        laid_out.kind,
        laid_out.period,
        laid_out.month_no,
        laid_out.year_no,
        laid_out.year_start_no,
        laid_out.has_cell,
        laid_out.value_month,
        laid_out.printed_base_month,
        laid_out.printed_base_ytd,
        laid_out.declared_growth,
        laid_out.null_reason,
        laid_out.is_estimated,
        laid_out.is_footnoted,
        laid_out.source,
        laid_out.value_direct as value_fresh,
        laid_out.value_direct as value_held,
        laid_out.rate_ytd as rate_held,
        laid_out.printed_base_ytd as printed_base_held,
        laid_out.month_no as anchor_held_no,
        laid_out.period as asof_period,
        laid_out.period as origin_period,
        laid_out.month_no as last_cell_no,
        laid_out.month_no as last_value_no
    from laid_out
    inner join whole_series on laid_out.series_no = whole_series.series_no
),

judged as (
    select
        complete.*,
        complete.value_fresh is null and (
            coalesce(complete.null_reason in ('suspended', 'closed'), false)
            or coalesce(state.unit_status in ('suspended', 'closed'), false)
        ) as is_at_rest,
        -- what is closed keeps the year's figure and has none in the next year (domain.md D.4)
        coalesce(state.unit_status = 'closed', false) and complete.value_held is null as is_gone,
        -- nobody awaits a part of a whole from who is no longer of its scope (J.4), nor an accident
        complete.has_cell = 0 and (
            indicator.scope_base_code is not null and complete.level = 'enterprise' and member.enterprise_id is null
            or complete.value_held is null
            and complete.indicator_code in ('{{ var("accidents_code") }}', '{{ var("deaths_code") }}')
        ) as is_unasked,
        case when before.is_footnoted = 0 then before.value_fresh end as value_before
    from complete
    -- the month before, in the same year
    left join complete as before
        on complete.series_no = before.series_no
        and complete.year_no = before.year_no
        and complete.month_no = before.month_no + 1
    inner join {{ ref('stg_indicator') }} as indicator on complete.indicator_code = indicator.indicator_code
    left join {{ ref('int_enterprise_scope') }} as member
        on complete.level = 'enterprise'
        and indicator.scope_base_code is not null
        and indicator.scope = member.scope
        and complete.unit_id = member.enterprise_id
        and complete.period between member.valid_from and member.valid_to
    left join {{ ref('int_enterprise_state') }} as state
        on complete.level = 'enterprise'
        and complete.unit_id = state.enterprise_id
        and complete.period between state.valid_from and state.valid_to
)

select
    indicator_code,
    level,
    unit_id,
    kind,
    period,
    has_cell,
    {{ as_value('value_month') }} as value_month_reported,
    {{ as_value("case
        -- a price index of the month stands beside the one of the year to date; a stock has only its end
        when kind <> 'stock' and value_month is not null then value_month
        when kind not in ('flow', 'count') then null
        when value_fresh is null or is_footnoted = 1 then null
        when month_no - 1 = year_start_no and year_start_no = year_no * 12 then value_fresh
        else value_fresh - value_before
    end") }} as value_month,
    -- the period's own year to date and that of the month before, in the same year; null where carried or not asked for
    {{ as_value('case when is_footnoted = 0 then value_fresh end') }} as value_own,
    {{ as_value('value_before') }} as value_own_before,
    {{ as_value('value_held') }} as value_ytd,
    {{ as_value('rate_held') }} as rate_ytd,
    case when is_at_rest then period else coalesce(asof_period, period) end as asof_period,
    origin_period,
    anchor_held_no,
    coalesce(month_no - last_value_no <= 12, false) as has_recent_value,
    {{ as_value('printed_base_month') }} as printed_base_month,
    {{ as_value('case when is_at_rest or value_held is null then printed_base_ytd else printed_base_held end') }} as printed_base_ytd,
    cast(declared_growth as double) as declared_growth_pct,
    null_reason,
    is_estimated = 1 as is_estimated,
    value_held is not null and not is_at_rest and (value_fresh is null or is_footnoted = 1) as is_carried,
    value_fresh is not null and is_footnoted = 0 or is_at_rest as is_reported,
    coalesce(source, 'reported') as source
from judged
where
    -- silent for a year, gone, or never asked: not expected
    month_no - last_cell_no <= 12
    and not is_gone
    and not coalesce(is_unasked, false)
    -- "not applicable" is an answer: no figure is expected
    and not coalesce(has_cell = 1 and value_fresh is null and null_reason = 'na', false)
