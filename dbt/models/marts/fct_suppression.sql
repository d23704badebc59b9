{{ config(materialized=by_year()) }}
-- Cells that may not leave the bureau: one row per level, unit, indicator and period that is hidden (domain.md G). Few
-- enterprises behind a figure, or one that makes most of it (settings identifying_min_enterprises and
-- identifying_max_share_pct); a ratio of a hidden figure; and complementary ones: the county's total less the townships
-- that stand is the sum of the hidden ones, so this sum is held to the same two rules, and the smallest other townships
-- are hidden with them until it keeps both. Where none are left the county's total is hidden. What is hidden in one month is
-- not told by another: a year to date less its month is that of the month before, so the rest of the year is hidden too, and
-- a base is last year's figure, so the row a year later is. Not covered: the month between two open years to date, in which
-- only few of the enterprises may have produced.
with bound as (
    select
        coalesce(max(case when key = 'identifying_min_enterprises' then cast(value as double) end), 3) as least_units,
        coalesce(max(case when key = 'identifying_max_share_pct' then cast(value as double) end), 80) as most_pct
    from {{ ref('stg_setting') }}
),

part as (
    select
        indicator_code,
        township_code,
        period,
        -- exact, so that sums do not hang on the order of rows
        abs(value_ytd) as size
    from {{ lately('int_unit_figure', 12) }}
    where level = 'enterprise' and kind <> 'ratio' and value_ytd <> 0 and township_code is not null
),

behind as (
    select
        'township' as level,
        indicator_code,
        township_code as unit_id,
        period,
        count(*) as enterprises,
        max(size) as largest,
        sum(size) as known
    from part
    group by indicator_code, township_code, period
    union all
    select
        'county' as level,
        part.indicator_code,
        deployment.county_code as unit_id,
        part.period,
        count(*) as enterprises,
        max(part.size) as largest,
        sum(part.size) as known
    from part
    cross join {{ ref('stg_deployment') }} as deployment
    group by part.indicator_code, deployment.county_code, part.period
),

cell as (
    select
        figure.level,
        figure.unit_id,
        figure.indicator_code,
        figure.period,
        abs(figure.value_ytd) as size,
        coalesce(behind.enterprises, 0) as enterprises,
        coalesce(behind.largest, 0) as largest,
        cast(behind.largest as double) / cast(greatest(abs(figure.value_ytd), case
            when figure.source = 'enterprises' then behind.known else 0
        end) as double) * 100 as largest_share_pct,
        -- of a report that holds small firms besides, the enterprises known here are not all
        cast(behind.known as double) * 100 >= cast(abs(figure.value_ytd) as double) * bound.most_pct as are_all_known,
        bound.least_units,
        bound.most_pct
    from {{ lately('int_unit_figure', 12) }} as figure
    cross join bound
    left join behind
        on figure.level = behind.level
        and figure.unit_id = behind.unit_id
        and figure.indicator_code = behind.indicator_code
        and figure.period = behind.period
    where
        figure.level in ('township', 'county')
        and figure.kind <> 'ratio'
        and figure.value_ytd <> 0
        -- accidents are administrative records, no statistical returns
        and figure.source <> 'incidents'
),

judged as (
    select
        cell.*,
        case
            when enterprises > 0 and are_all_known and enterprises < least_units then 'few_enterprises'
            when enterprises > 0 and largest_share_pct > most_pct then 'dominant_enterprise'
        end as reason
    from cell
),

-- how many stand behind a figure at least: whoever reports more than its known enterprises make has others besides
weighed as (
    select
        judged.*,
        case when enterprises > 0 and are_all_known then enterprises else greatest(enterprises, least_units) end as units
    from judged
    where level = 'township'
),

hidden_sum as (
    select
        indicator_code,
        period,
        sum(units) as units,
        max(largest) as largest,
        sum(size) as size,
        max(least_units) as least_units,
        max(most_pct) as most_pct
    from weighed
    where reason is not null
    group by indicator_code, period
),

-- where the county's total stands and tells too much
telling as (
    select hidden_sum.*
    from hidden_sum
    inner join judged
        on judged.level = 'county'
        and hidden_sum.indicator_code = judged.indicator_code
        and hidden_sum.period = judged.period
        and judged.reason is null
    where
        hidden_sum.units < hidden_sum.least_units
        or cast(hidden_sum.largest as double) * 100 > cast(hidden_sum.size as double) * hidden_sum.most_pct
),

open_place as (
    select
        weighed.indicator_code,
        weighed.period,
        weighed.unit_id,
        row_number() over smallest_first as turn,
        telling.units + sum(weighed.units) over smallest_first >= telling.least_units
        and cast(greatest(telling.largest, max(weighed.largest) over smallest_first) as double) * 100
        <= cast(telling.size + sum(weighed.size) over smallest_first as double) * telling.most_pct as is_enough
    from weighed
    inner join telling on weighed.indicator_code = telling.indicator_code and weighed.period = telling.period
    where weighed.reason is null
    window smallest_first as (
        partition by weighed.indicator_code, weighed.period
        order by weighed.size, weighed.unit_id rows between unbounded preceding and current row
    )
),

enough as (
    select
        indicator_code,
        period,
        min(turn) as turns
    from open_place
    where is_enough
    group by indicator_code, period
),

complement as (
    select
        'township' as level,
        open_place.indicator_code,
        open_place.period,
        open_place.unit_id
    from open_place
    inner join enough
        on open_place.indicator_code = enough.indicator_code
        and open_place.period = enough.period
        and open_place.turn <= enough.turns
    union all
    select
        'county' as level,
        telling.indicator_code,
        telling.period,
        deployment.county_code as unit_id
    from telling
    cross join {{ ref('stg_deployment') }} as deployment
    left join enough on telling.indicator_code = enough.indicator_code and telling.period = enough.period
    where enough.turns is null
),

within_month as (
    select
        judged.level,
        judged.unit_id,
        judged.indicator_code,
        judged.period,
        judged.enterprises,
        judged.largest_share_pct,
        coalesce(judged.reason, 'complementary') as reason
    from judged
    left join complement
        on judged.indicator_code = complement.indicator_code
        and judged.period = complement.period
        and judged.level = complement.level
        and judged.unit_id = complement.unit_id
    where judged.reason is not null or complement.unit_id is not null
),

figure_row as (
    select
        level,
        unit_id,
        indicator_code,
        period,
        year(period) as year_no
    from {{ lately('int_unit_figure', 12) }}
    where level in ('township', 'county') and kind <> 'ratio' and source <> 'incidents'
),

later_month as (
    select
        figure_row.level,
        figure_row.unit_id,
        figure_row.indicator_code,
        figure_row.period,
        since.enterprises,
        since.largest_share_pct
    from (
        select
            within_month.level,
            within_month.unit_id,
            within_month.indicator_code,
            year(within_month.period) as year_no,
            min(within_month.period) as period,
            min(within_month.enterprises) as enterprises,
            max(within_month.largest_share_pct) as largest_share_pct
        from within_month
        inner join {{ ref('stg_indicator') }} as indicator
            on within_month.indicator_code = indicator.indicator_code and indicator.kind in ('flow', 'count')
        group by within_month.level, within_month.unit_id, within_month.indicator_code, year(within_month.period)
    ) as since
    inner join figure_row
        on since.level = figure_row.level
        and since.unit_id = figure_row.unit_id
        and since.indicator_code = figure_row.indicator_code
        and since.year_no = figure_row.year_no
        and since.period < figure_row.period
    left join within_month as already
        on figure_row.level = already.level
        and figure_row.unit_id = already.unit_id
        and figure_row.indicator_code = already.indicator_code
        and figure_row.period = already.period
    where already.unit_id is null
),

within_year as (
    select
        level,
        unit_id,
        indicator_code,
        period,
        reason,
        enterprises,
        largest_share_pct
    from within_month
    union all
    select
        level,
        unit_id,
        indicator_code,
        period,
        'earlier_month' as reason,
        enterprises,
        largest_share_pct
    from later_month
),

summed as (
    select
        level,
        unit_id,
        indicator_code,
        period,
        reason,
        enterprises,
        largest_share_pct
    from within_year
    union all
    select
        figure_row.level,
        figure_row.unit_id,
        figure_row.indicator_code,
        figure_row.period,
        'base_of_hidden' as reason,
        hidden.enterprises,
        hidden.largest_share_pct
    from within_year as hidden
    inner join figure_row
        on hidden.level = figure_row.level
        and hidden.unit_id = figure_row.unit_id
        and hidden.indicator_code = figure_row.indicator_code
        and {{ add_months('hidden.period', 12) }} = figure_row.period
    left join within_year as already
        on figure_row.level = already.level
        and figure_row.unit_id = already.unit_id
        and figure_row.indicator_code = already.indicator_code
        and figure_row.period = already.period
    where already.unit_id is null
)

select
    level,
    unit_id,
    indicator_code,
    period,
    reason,
    cast(enterprises as integer) as enterprises,
    largest_share_pct
from summed
union all
select
    summed.level,
    summed.unit_id,
    ratio.indicator_code,
    summed.period,
    'ratio_of_hidden' as reason,
    cast(min(summed.enterprises) as integer) as enterprises,
    max(summed.largest_share_pct) as largest_share_pct
from summed
inner join {{ ref('stg_indicator') }} as ratio
    on ratio.kind = 'ratio'
    and (summed.indicator_code = ratio.numerator_code or summed.indicator_code = ratio.denominator_code)
group by summed.level, summed.unit_id, ratio.indicator_code, summed.period
