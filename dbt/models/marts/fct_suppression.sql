-- Cells that may not leave the bureau: one row per level, unit, indicator and period that is hidden (domain.md G). Few
-- enterprises behind a figure, or one that makes most of it (settings identifying_min_enterprises and
-- identifying_max_share_pct); a ratio of a hidden figure; and, where one township alone would be hidden, the smallest
-- other one, else the county's total, so that no subtraction brings it back.
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
        abs(cast(value_ytd as double)) as size
    from {{ ref('int_unit_figure') }}
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
        abs(cast(figure.value_ytd as double)) as size,
        coalesce(behind.enterprises, 0) as enterprises,
        behind.largest / greatest(abs(cast(figure.value_ytd as double)), case
            when figure.source = 'enterprises' then behind.known else 0
        end) * 100 as largest_share_pct,
        -- of a report that holds small firms besides, the enterprises known here are not all
        behind.known * 100 >= abs(cast(figure.value_ytd as double)) * bound.most_pct as are_all_known,
        bound.least_units,
        bound.most_pct
    from {{ ref('int_unit_figure') }} as figure
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

hidden_places as (
    select
        indicator_code,
        period,
        sum(case when level = 'township' and reason is not null then 1 else 0 end) as townships,
        sum(case when level = 'county' and reason is not null then 1 else 0 end) as counties
    from judged
    group by indicator_code, period
),

open_place as (
    select
        judged.indicator_code,
        judged.period,
        judged.level,
        judged.unit_id,
        -- townships from the smallest on, the county's total only where there is no other township
        row_number() over (
            partition by judged.indicator_code, judged.period
            order by case when judged.level = 'township' then 0 else 1 end, judged.size, judged.unit_id
        ) as turn
    from judged
    inner join hidden_places
        on judged.indicator_code = hidden_places.indicator_code and judged.period = hidden_places.period
    where hidden_places.townships = 1 and hidden_places.counties = 0 and judged.reason is null
),

summed as (
    select
        judged.level,
        judged.unit_id,
        judged.indicator_code,
        judged.period,
        judged.enterprises,
        judged.largest_share_pct,
        coalesce(judged.reason, 'complementary') as reason
    from judged
    left join open_place
        on judged.indicator_code = open_place.indicator_code
        and judged.period = open_place.period
        and judged.level = open_place.level
        and judged.unit_id = open_place.unit_id
        and open_place.turn = 1
    where judged.reason is not null or open_place.unit_id is not null
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
