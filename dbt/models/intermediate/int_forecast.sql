-- Where the year would end, from every month of it: one row per basis, level, unit, indicator and period of a flow, count
-- or stock with a figure. By the mean share of the year that the same month had in earlier years, else in a straight
-- line. The band is the size that earlier years' forecasts from this month, made the same way, stayed within so often as
-- settings.csv asks (forecast_band_pct): the unit's own errors where it has enough years, else those of all units of
-- the indicator and level, else of all indicators of the kind at the level, else how far the units' curves lie apart.
with figure as (
    select
        growth.basis,
        growth.level,
        growth.unit_id,
        growth.indicator_code,
        growth.kind,
        growth.period,
        year(growth.period) as year_no,
        month(growth.period) as month_no,
        growth.value_exact,
        growth.base_exact,
        growth.growth_basis,
        growth.is_carried,
        month(growth.period) * cast(100 as double) / 12 as linear_pct
    from {{ ref('int_growth') }} as growth
    where growth.kind in ('flow', 'count', 'stock') and growth.value_exact is not null
),

year_end as (
    select
        basis,
        level,
        unit_id,
        indicator_code,
        year_no,
        value_exact
    from figure
    where month_no = 12 and not is_carried
),

-- A curve whose share by this month is out of all proportion to the calendar is a slip of units in that year's figures,
-- no season. Where the year itself is not in the warehouse, the bases of the year after tell its curve; it is known when
-- that year has ended.
history as (
    select
        told.*,
        case
            when
                told.kind <> 'stock'
                and told.value_exact > 0
                and told.value_exact <= told.year_end_value
                and told.value_exact / told.year_end_value * 100
                between told.linear_pct / {{ var('curve_tolerance') }} and told.linear_pct * {{ var('curve_tolerance') }}
                then told.value_exact / told.year_end_value
        end as share,
        case when told.kind = 'stock' then told.year_end_value - told.value_exact end as still_to_come
    from (
        select
            figure.basis,
            figure.level,
            figure.unit_id,
            figure.indicator_code,
            figure.kind,
            figure.month_no,
            figure.linear_pct,
            figure.year_no,
            figure.year_no as known_year,
            figure.value_exact,
            year_end.value_exact as year_end_value
        from figure
        inner join year_end
            on figure.basis = year_end.basis
            and figure.level = year_end.level
            and figure.unit_id = year_end.unit_id
            and figure.indicator_code = year_end.indicator_code
            and figure.year_no = year_end.year_no
        where not figure.is_carried
        union all
        select
            figure.basis,
            figure.level,
            figure.unit_id,
            figure.indicator_code,
            figure.kind,
            figure.month_no,
            figure.linear_pct,
            figure.year_no - 1 as year_no,
            figure.year_no as known_year,
            figure.base_exact as value_exact,
            december.base_exact as year_end_value
        from figure
        inner join figure as december
            on december.month_no = 12
            and not december.is_carried
            and december.base_exact is not null
            and figure.basis = december.basis
            and figure.level = december.level
            and figure.unit_id = december.unit_id
            and figure.indicator_code = december.indicator_code
            and figure.year_no = december.year_no
        left join figure as itself
            on figure.basis = itself.basis
            and figure.level = itself.level
            and figure.unit_id = itself.unit_id
            and figure.indicator_code = itself.indicator_code
            and figure.month_no = itself.month_no
            and figure.year_no - 1 = itself.year_no
        where not figure.is_carried and figure.base_exact is not null and itself.unit_id is null
    ) as told
),

season as (
    select
        figure.basis,
        figure.level,
        figure.unit_id,
        figure.indicator_code,
        figure.period,
        avg(history.share) as share,
        avg(history.still_to_come) as still_to_come,
        max(case when history.year_no = figure.year_no - 1 then history.value_exact end) as last_value,
        max(case when history.year_no = figure.year_no - 1 then history.year_end_value end) as last_year_end
    from figure
    inner join history
        on figure.basis = history.basis
        and figure.level = history.level
        and figure.unit_id = history.unit_id
        and figure.indicator_code = history.indicator_code
        and figure.month_no = history.month_no
        and history.known_year < figure.year_no
        and history.year_no >= figure.year_no - {{ var('season_years') }}
    group by figure.basis, figure.level, figure.unit_id, figure.indicator_code, figure.period
),

projected as (
    select
        figure.*,
        target.target_form,
        target.target_value,
        target.direction,
        season.last_value,
        season.last_year_end,
        case
            when figure.kind <> 'stock' then figure.value_exact / coalesce(season.share, figure.linear_pct / 100)
            when season.still_to_come is not null then figure.value_exact + season.still_to_come
            when target.start_value is not null
                then target.start_value + (figure.value_exact - target.start_value) / (figure.linear_pct / 100)
        end as forecast_exact,
        case when season.share is not null or season.still_to_come is not null then 'seasonal' else 'linear' end
            as forecast_method
    from figure
    left join season
        on figure.basis = season.basis
        and figure.level = season.level
        and figure.unit_id = season.unit_id
        and figure.indicator_code = season.indicator_code
        and figure.period = season.period
    left join {{ ref('int_target_progress') }} as target
        on figure.basis = target.basis
        and figure.level = target.level
        and figure.unit_id = target.unit_id
        and figure.indicator_code = target.indicator_code
        and figure.period = target.period
        and target.precedence = 1
        and target.tier = 'must'
),

-- How far such forecasts were off, as a part of the forecast: each ended year forecast again by what is known of the years
-- before it, and in a straight line ---------------------------------------------------------------------------------
replayed as (
    select
        past.basis,
        past.level,
        past.unit_id,
        past.indicator_code,
        past.kind,
        past.month_no,
        past.year_no,
        past.value_exact,
        past.year_end_value,
        past.linear_pct,
        avg(earlier.share) as share,
        avg(earlier.still_to_come) as still_to_come
    from history as past
    left join history as earlier
        on past.basis = earlier.basis
        and past.level = earlier.level
        and past.unit_id = earlier.unit_id
        and past.indicator_code = earlier.indicator_code
        and past.month_no = earlier.month_no
        and earlier.year_no < past.year_no
        and earlier.year_no >= past.year_no - {{ var('season_years') }}
    where past.month_no < 12 and past.known_year = past.year_no
    group by
        past.basis, past.level, past.unit_id, past.indicator_code, past.kind, past.month_no, past.year_no,
        past.value_exact, past.year_end_value, past.linear_pct
),

guess as (
    select
        replayed.*,
        'seasonal' as method,
        case when kind = 'stock' then value_exact + still_to_come else value_exact / share end as forecast_exact
    from replayed
    union all
    select
        replayed.*,
        'linear' as method,
        value_exact / (linear_pct / 100) as forecast_exact
    from replayed
    where kind <> 'stock'
),

error as (
    select
        guess.*,
        abs(year_end_value - forecast_exact) / abs(forecast_exact) as size
    from guess
    where forecast_exact <> 0
),

-- the middle share of the units of one year; a share is off by its own year and by the year forecast, hence the root of 2
middle as (
    select
        basis,
        level,
        indicator_code,
        year_no,
        month_no,
        median(share) as share
    from history
    where share is not null and month_no < 12
    group by basis, level, indicator_code, year_no, month_no
),

lesson as (
    {% for pool, member in {
        'unit': "unit_id || '|' || indicator_code", 'indicator': 'indicator_code', 'kind': 'kind',
    }.items() -%}
    select
        '{{ pool }}' as pool,
        basis,
        level,
        {{ member }} as member,
        month_no,
        method,
        year_no as known_year,
        unit_id,
        indicator_code,
        size
    from error
    union all
    {% endfor -%}
    select
        'peers' as pool,
        history.basis,
        history.level,
        history.indicator_code as member,
        history.month_no,
        'seasonal' as method,
        history.known_year,
        history.unit_id,
        history.indicator_code,
        abs(middle.share / history.share - 1) * sqrt(2) as size
    from history
    inner join middle
        on history.basis = middle.basis
        and history.level = middle.level
        and history.indicator_code = middle.indicator_code
        and history.year_no = middle.year_no
        and history.month_no = middle.month_no
    where history.share is not null
),

told as (
    select
        lesson.pool,
        lesson.basis,
        lesson.level,
        lesson.member,
        lesson.month_no,
        lesson.method,
        asked.year_no,
        lesson.unit_id,
        lesson.indicator_code,
        lesson.known_year,
        lesson.size,
        row_number() over (
            partition by
                lesson.pool, lesson.basis, lesson.level, lesson.member, lesson.month_no, lesson.method, asked.year_no
            order by lesson.size
        ) as place
    from lesson
    inner join (select distinct year_no from figure) as asked on lesson.known_year < asked.year_no
),

-- Of n earlier errors the ⌈q·n·(m+1)/m⌉-th: the next one stays within it with probability q (conformal prediction). m is
-- the number of errors that tell something of their own: those of one unit and year go together, whatever the indicator,
-- and those of one year share that year's season, so that k of them tell as much as k/(1+(k-1)ρ) that share nothing
-- (the design effect of a cluster sample; ρ is the var forecast_year_correlation).
ranked as (
    select
        told.pool,
        told.basis,
        told.level,
        told.member,
        told.month_no,
        told.method,
        told.year_no,
        count(*) as lessons,
        case
            when told.pool = 'unit' or count(distinct told.unit_id) > 1
                then count(distinct told.unit_id || '|' || cast(told.known_year as string))
            else count(distinct told.indicator_code || '|' || cast(told.known_year as string))
        end as tellers,
        count(distinct told.known_year) as years
    from told
    group by told.pool, told.basis, told.level, told.member, told.month_no, told.method, told.year_no
),

width as (
    select
        told.pool,
        told.basis,
        told.level,
        told.member,
        told.month_no,
        told.method,
        told.year_no,
        max(told.size) as size
    from told
    inner join ranked
        on told.pool = ranked.pool
        and told.basis = ranked.basis
        and told.level = ranked.level
        and told.member = ranked.member
        and told.month_no = ranked.month_no
        and told.method = ranked.method
        and told.year_no = ranked.year_no
    cross join {{ ref('stg_deployment') }} as deployment
    where
        ranked.lessons >= {{ var('forecast_lessons') }}
        -- the last digits of a double decide no rank
        and told.place <= ceil(round(
            deployment.forecast_band_pct / 100 * ranked.lessons * (
                1
                + (1 + (ranked.tellers / cast(ranked.years as double) - 1) * {{ var('forecast_year_correlation') }})
                / ranked.tellers
            ),
            9
        ))
    group by told.pool, told.basis, told.level, told.member, told.month_no, told.method, told.year_no
),

banded as (
    select
        projected.*,
        deployment.forecast_band_pct / 100 as nominal,
        abs(projected.forecast_exact) * case
            when projected.month_no = 12 then 0
            else coalesce(of_unit.size, of_indicator.size, of_kind.size, of_peers.size)
        end as half_width,
        coalesce(indicator.is_signed, false) as is_signed,
        case
            when projected.target_form in ('level', 'floor', 'task', 'cap') then projected.target_value
            -- what the year must bring to have grown so much, from the base on this row's own basis
            when
                projected.target_form = 'growth'
                and projected.growth_basis = 'nominal'
                and projected.last_value > 0
                and projected.base_exact > 0
                then projected.last_year_end
                    * (projected.base_exact / projected.last_value)
                    * (1 + cast(projected.target_value as double) / 100)
        end as year_target
    from projected
    cross join {{ ref('stg_deployment') }} as deployment
    inner join {{ ref('stg_indicator') }} as indicator on projected.indicator_code = indicator.indicator_code
    {% for pool, member in {
        'unit': "projected.unit_id || '|' || projected.indicator_code",
        'indicator': 'projected.indicator_code',
        'peers': 'projected.indicator_code',
        'kind': 'projected.kind',
    }.items() %}
    left join width as of_{{ pool }}
        on of_{{ pool }}.pool = '{{ pool }}'
        and projected.basis = of_{{ pool }}.basis
        and projected.level = of_{{ pool }}.level
        and {{ member }} = of_{{ pool }}.member
        and projected.month_no = of_{{ pool }}.month_no
        and projected.forecast_method = of_{{ pool }}.method
        and projected.year_no = of_{{ pool }}.year_no
    {% endfor %}
),

-- the logistic distribution that has the nominal part of itself within the band
weighed as (
    select
        banded.*,
        case
            -- beyond this the probability is 0 or 1 to the last digit, and exp() overflows
            when forecast_exact - year_target > 30 * half_width then cast(500 as double)
            when year_target - forecast_exact > 30 * half_width then cast(-500 as double)
            when half_width > 0
                then (forecast_exact - year_target) / (half_width / ln((1 + nominal) / (1 - nominal)))
            when half_width = 0 and year_target is not null then cast(500 as double)
        end as odds
    from banded
)

select
    basis,
    level,
    unit_id,
    indicator_code,
    period,
    {{ as_value('forecast_exact') }} as forecast_value,
    case when forecast_exact is not null then forecast_method end as forecast_method,
    -- what was produced stays produced
    {{ as_value("case
        when half_width is not null and kind <> 'stock' and not is_signed and forecast_exact >= value_exact
            then greatest(forecast_exact - half_width, value_exact)
        else forecast_exact - half_width
    end") }} as forecast_low,
    {{ as_value('forecast_exact + half_width') }} as forecast_high,
    case
        when odds is null then null
        when half_width = 0 and target_form = 'cap' then case when forecast_exact <= year_target then 100.0 else 0.0 end
        when half_width = 0 then case when forecast_exact >= year_target then 100.0 else 0.0 end
        when target_form = 'cap' and kind <> 'stock' and not is_signed and value_exact > year_target then 0.0
        when target_form = 'cap' then 100 / (1 + exp(odds))
        when kind <> 'stock' and not is_signed and value_exact >= year_target then 100.0
        else 100 / (1 + exp(-odds))
    end as target_probability_pct
from weighed
