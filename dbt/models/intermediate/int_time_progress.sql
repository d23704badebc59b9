{{ config(materialized=by_year()) }}
-- How much of the year should be done by a month: one row per indicator and period (domain.md B.3). By settings.csv,
-- time_progress_method: the calendar by months (linear) or by days (days), the bureau's table (plan), or what earlier years
-- had brought by the month (seasonal); the calendar's months where those say nothing.
with
-- how much of the county's year earlier years had brought by the month, as a mean; out of all proportion to the calendar
-- it is a slip, no season
curve as (
    select
        told.indicator_code,
        told.year_no,
        told.month_no,
        avg(told.share_pct) as share_pct
    from (
        select
            asked.indicator_code,
            asked.year_no,
            past.month_no,
            past.share_pct
        from (
            select distinct
                indicator_code,
                year(period) as year_no
            from {{ lately('int_growth') }}
        ) as asked
        inner join (
            select
                figure.indicator_code,
                year(figure.period) as year_no,
                month(figure.period) as month_no,
                {{ quotient('figure.value_exact', 'year_end.value_exact') }} * 100 as share_pct
            from {{ lately('int_growth', 12 * var('season_years')) }} as figure
            inner join {{ lately('int_growth', 12 * var('season_years')) }} as year_end
                on month(year_end.period) = 12
                and year(figure.period) = year(year_end.period)
                and figure.basis = year_end.basis
                and figure.level = year_end.level
                and figure.unit_id = year_end.unit_id
                and figure.indicator_code = year_end.indicator_code
            where
                figure.basis = 'reported'
                and figure.level = 'county'
                and figure.kind = 'flow'
                and not figure.is_carried
                and not year_end.is_carried
                and figure.value_exact > 0
                and figure.value_exact <= year_end.value_exact
        ) as past
            on asked.indicator_code = past.indicator_code
            and past.year_no < asked.year_no
            and past.year_no >= asked.year_no - {{ var('season_years') }}
    ) as told
    where
        told.share_pct between told.month_no * 100.0 / 12 / {{ var('curve_tolerance') }}
        and told.month_no * 100.0 / 12 * {{ var('curve_tolerance') }}
    group by told.indicator_code, told.year_no, told.month_no
)

select
    figure.indicator_code,
    figure.period,
    case
        when deployment.time_progress_method = 'plan'
            then coalesce(
                max(case when plan.indicator_code is not null then cast(plan.progress_pct as double) end),
                max(case when plan.indicator_code is null then cast(plan.progress_pct as double) end),
                month(figure.period) * 100.0 / 12
            )
        when deployment.time_progress_method = 'seasonal'
            then coalesce(max(curve.share_pct), month(figure.period) * cast(100 as double) / 12)
        when deployment.time_progress_method = 'days'
            then {{ days_between('make_date(year(figure.period), 1, 1)', add_months('figure.period', 1)) }} * cast(100 as double)
                / {{ days_between('make_date(year(figure.period), 1, 1)', 'make_date(year(figure.period) + 1, 1, 1)') }}
        else month(figure.period) * cast(100 as double) / 12
    end as time_progress_pct
from (select distinct indicator_code, period from {{ lately('int_growth') }}) as figure
cross join {{ ref('stg_deployment') }} as deployment
left join {{ ref('stg_time_progress') }} as plan
    on (plan.indicator_code = figure.indicator_code or plan.indicator_code is null)
    and plan.year = year(figure.period)
    and plan.month = month(figure.period)
left join curve
    on figure.indicator_code = curve.indicator_code
    and year(figure.period) = curve.year_no
    and month(figure.period) = curve.month_no
group by figure.indicator_code, figure.period, deployment.time_progress_method
