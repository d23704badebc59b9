{{ config(materialized=by_year()) }}
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

-- What each row tells of the curve of a year, its own, by the end that the year came to; and of the year before, by the
-- bases printed beside it, where that year itself is not in the warehouse (it is known when the year after has ended).
-- A curve whose share by this month is out of all proportion to the calendar is a slip of units in that year's figures,
-- no season.
ended as (
    select
        figure.*,
        max(case when month_no = 12 and not is_carried then value_exact end) over in_year as year_end_value,
        max(case when month_no = 12 and not is_carried then base_exact end) over in_year as year_end_base,
        lag(year_no) over (
            partition by basis, level, unit_id, indicator_code, month_no order by year_no
        ) as year_before
    from figure
    window in_year as (partition by basis, level, unit_id, indicator_code, year_no)
),

curve as (
    select
        ended.*,
        year_end_value is not null and not is_carried as tells_own,
        year_end_base is not null
        and base_exact is not null
        and not is_carried
        and coalesce(year_before, 0) <> year_no - 1 as tells_before,
        {%- for value, year_end in [('value_exact', 'year_end_value'), ('base_exact', 'year_end_base')] %}
        case
            when
                kind <> 'stock'
                and not is_carried
                and {{ value }} > 0
                and {{ value }} <= {{ year_end }}
                and {{ value }} / {{ year_end }} * 100
                between linear_pct / {{ var('curve_tolerance') }} and linear_pct * {{ var('curve_tolerance') }}
                then {{ value }} / {{ year_end }}
        end as {{ value }}_share,
        case when kind = 'stock' and not is_carried then {{ year_end }} - {{ value }} end as {{ value }}_to_come
        {{- "," if not loop.last }}
        {%- endfor %}
    from ended
),

-- The mean of earlier years: `season` of the years known when this one runs, `replay` as if the year before had been
-- known as well. What a row tells of the year before stands a year later than that year.
seasonal as (
    select
        curve.*,
        {%- for name, column in [('share', '_share'), ('still_to_come', '_to_come')] %}
        {%- for told in ['season', 'replay'] %}
        (
            coalesce(sum(value_exact{{ column }}) over earlier, 0)
            + coalesce(sum(case when tells_before then base_exact{{ column }} end) over {{ told }}_told, 0)
        ) / nullif(
            count(value_exact{{ column }}) over earlier
            + count(case when tells_before then base_exact{{ column }} end) over {{ told }}_told, 0
        ) as {{ told }}_{{ name }},
        {%- endfor %}
        {%- endfor %}
        max(case when tells_own then value_exact end) over last_year as last_value,
        max(case when tells_own then year_end_value end) over last_year as last_year_end
    from curve
    window
        earlier as (
            partition by basis, level, unit_id, indicator_code, month_no
            order by year_no range between {{ var('season_years') }} preceding and 1 preceding
        ),
        season_told as (
            partition by basis, level, unit_id, indicator_code, month_no
            order by year_no range between {{ var('told_years') }} preceding and 1 preceding
        ),
        replay_told as (
            partition by basis, level, unit_id, indicator_code, month_no
            order by year_no range between {{ var('told_years') }} preceding and current row
        ),
        last_year as (
            partition by basis, level, unit_id, indicator_code, month_no
            order by year_no range between 1 preceding and 1 preceding
        )
),

history as (
    select
        basis,
        level,
        unit_id,
        indicator_code,
        month_no,
        year_no,
        year_no as known_year,
        value_exact_share as share
    from curve
    where tells_own and value_exact_share is not null
    union all
    select
        basis,
        level,
        unit_id,
        indicator_code,
        month_no,
        year_no - 1 as year_no,
        year_no as known_year,
        base_exact_share as share
    from curve
    where tells_before and base_exact_share is not null
),

projected as (
    select
        figure.basis,
        figure.level,
        figure.unit_id,
        figure.indicator_code,
        figure.kind,
        figure.period,
        figure.year_no,
        figure.month_no,
        figure.value_exact,
        figure.base_exact,
        figure.growth_basis,
        target.target_form,
        target.target_value,
        target.direction,
        figure.last_value,
        figure.last_year_end,
        case
            when figure.kind <> 'stock' then figure.value_exact / coalesce(figure.season_share, figure.linear_pct / 100)
            when figure.season_still_to_come is not null then figure.value_exact + figure.season_still_to_come
            when target.start_value is not null
                then target.start_value + (figure.value_exact - target.start_value) / (figure.linear_pct / 100)
        end as forecast_exact,
        case when figure.season_share is not null or figure.season_still_to_come is not null then 'seasonal' else 'linear' end
            as forecast_method
    from seasonal as figure
    left join {{ lately('int_target_progress') }} as target
        on figure.basis = target.basis
        and figure.level = target.level
        and figure.unit_id = target.unit_id
        and figure.indicator_code = target.indicator_code
        and figure.period = target.period
        and target.precedence = 1
        and target.tier = 'must'
    where {{ is_lately('figure.period') }}
),

-- How far such forecasts were off, as a part of the forecast: each ended year forecast again by what is known of the years
-- before it, and in a straight line ---------------------------------------------------------------------------------
replayed as (
    select
        basis,
        level,
        unit_id,
        indicator_code,
        kind,
        month_no,
        year_no,
        value_exact,
        year_end_value,
        linear_pct,
        replay_share as share,
        replay_still_to_come as still_to_come
    from seasonal
    where month_no < 12 and tells_own
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
    where month_no < 12
    group by basis, level, indicator_code, year_no, month_no
),

-- The first pool with enough errors serves, so that the wide ones are made only where the narrower are too small: each
-- year's errors are ranked anew for every later year.
asked as (
    select distinct
        basis,
        level,
        indicator_code,
        kind,
        month_no,
        forecast_method as method,
        year_no
    from projected
    where month_no < 12
),

taught as (
    select
        basis,
        level,
        indicator_code,
        month_no,
        method,
        year_no as known_year,
        count(*) as lessons
    from error
    group by basis, level, indicator_code, month_no, method, year_no
),

untaught as (
    select
        asked.basis,
        asked.level,
        asked.indicator_code,
        asked.kind,
        asked.month_no,
        asked.method,
        asked.year_no
    from asked
    left join taught
        on asked.basis = taught.basis
        and asked.level = taught.level
        and asked.indicator_code = taught.indicator_code
        and asked.month_no = taught.month_no
        and asked.method = taught.method
        and asked.year_no > taught.known_year
    group by
        asked.basis, asked.level, asked.indicator_code, asked.kind, asked.month_no, asked.method, asked.year_no
    having coalesce(sum(taught.lessons), 0) < {{ var('forecast_lessons') }}
),

well_known as (
    select
        error.*,
        count(*) over (partition by basis, level, unit_id, indicator_code, month_no, method) as lessons
    from error
),

told as (
    select
        'unit' as pool,
        error.basis,
        error.level,
        error.unit_id || '|' || error.indicator_code as member,
        error.month_no,
        error.method,
        asked.year_no,
        error.unit_id,
        error.indicator_code,
        error.year_no as known_year,
        error.size
    from well_known as error
    inner join (select distinct year_no from asked) as asked on error.year_no < asked.year_no
    where error.lessons >= {{ var('forecast_lessons') }}
    {% for pool, member in {'indicator': 'indicator_code', 'kind': 'kind'}.items() -%}
    union all
    select
        '{{ pool }}' as pool,
        error.basis,
        error.level,
        error.{{ member }} as member,
        error.month_no,
        error.method,
        asked.year_no,
        error.unit_id,
        error.indicator_code,
        error.year_no as known_year,
        error.size
    from error
    inner join (
        select distinct
            basis,
            level,
            {{ member }} as member,
            month_no,
            method,
            year_no
        from {{ 'asked' if pool == 'indicator' else 'untaught' }}
    ) as asked
        on error.basis = asked.basis
        and error.level = asked.level
        and error.{{ member }} = asked.member
        and error.month_no = asked.month_no
        and error.method = asked.method
        and error.year_no < asked.year_no
    {% endfor -%}
    union all
    select
        'peers' as pool,
        history.basis,
        history.level,
        history.indicator_code as member,
        history.month_no,
        'seasonal' as method,
        asked.year_no,
        history.unit_id,
        history.indicator_code,
        history.known_year,
        abs(middle.share / history.share - 1) * sqrt(2) as size
    from history
    inner join middle
        on history.basis = middle.basis
        and history.level = middle.level
        and history.indicator_code = middle.indicator_code
        and history.year_no = middle.year_no
        and history.month_no = middle.month_no
    inner join untaught as asked
        on history.basis = asked.basis
        and history.level = asked.level
        and history.indicator_code = asked.indicator_code
        and history.month_no = asked.month_no
        and asked.method = 'seasonal'
        and history.known_year < asked.year_no
),

-- Of n earlier errors the ⌈q·n·(m+1)/m⌉-th: the next one stays within it with probability q (conformal prediction). m is
-- the number of errors that tell something of their own: those of one unit and year go together, whatever the indicator,
-- and those of one year share that year's season, so that k of them tell as much as k/(1+(k-1)ρ) that share nothing
-- (the design effect of a cluster sample; ρ is the var forecast_year_correlation).
singled as (
    select
        told.*,
        row_number() over (
            partition by pool, basis, level, member, month_no, method, year_no, known_year, unit_id
            order by indicator_code
        ) as unit_place,
        row_number() over (
            partition by pool, basis, level, member, month_no, method, year_no, known_year, indicator_code
            order by unit_id
        ) as indicator_place,
        row_number() over (
            partition by pool, basis, level, member, month_no, method, year_no, known_year
            order by unit_id, indicator_code
        ) as year_place
    from told
    where pool in ('kind', 'peers')
    union all
    -- one unit and indicator have one error a year: every one of them tells something of its own
    select
        told.*,
        1 as unit_place,
        1 as indicator_place,
        row_number() over (
            partition by pool, basis, level, member, month_no, method, year_no, known_year order by unit_id
        ) as year_place
    from told
    where pool = 'indicator'
    union all
    select
        told.*,
        1 as unit_place,
        1 as indicator_place,
        1 as year_place
    from told
    where pool = 'unit'
),

ranked as (
    select
        singled.*,
        row_number() over (
            partition by pool, basis, level, member, month_no, method, year_no order by size
        ) as place,
        count(*) over in_pool as lessons,
        case
            when pool = 'unit' or min(unit_id) over in_pool < max(unit_id) over in_pool
                then sum(case when unit_place = 1 then 1 else 0 end) over in_pool
            else sum(case when indicator_place = 1 then 1 else 0 end) over in_pool
        end as tellers,
        sum(case when year_place = 1 then 1 else 0 end) over in_pool as years
    from singled
    window in_pool as (partition by pool, basis, level, member, month_no, method, year_no)
),

width as (
    select
        ranked.pool,
        ranked.basis,
        ranked.level,
        ranked.member,
        ranked.month_no,
        ranked.method,
        ranked.year_no,
        max(ranked.size) as size
    from ranked
    cross join {{ ref('stg_deployment') }} as deployment
    where
        ranked.lessons >= {{ var('forecast_lessons') }}
        -- the last digits of a double decide no rank
        and ranked.place <= ceil(round(
            deployment.forecast_band_pct / 100 * ranked.lessons * (
                1
                + (1 + (ranked.tellers / cast(ranked.years as double) - 1) * {{ var('forecast_year_correlation') }})
                / ranked.tellers
            ),
            9
        ))
    group by
        ranked.pool, ranked.basis, ranked.level, ranked.member, ranked.month_no, ranked.method, ranked.year_no
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
    {{ double_as_value('forecast_exact') }} as forecast_value,
    case when forecast_exact is not null then forecast_method end as forecast_method,
    -- what was produced stays produced
    {{ double_as_value("case
        when half_width is not null and kind <> 'stock' and not is_signed and forecast_exact >= value_exact
            then greatest(forecast_exact - half_width, value_exact)
        else forecast_exact - half_width
    end") }} as forecast_low,
    {{ double_as_value('forecast_exact + half_width') }} as forecast_high,
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
