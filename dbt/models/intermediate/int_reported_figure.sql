{{ config(materialized=by_year()) }}
-- What was reported of an indicator in a period, cells side by side: one row per indicator, unit, township of the row
-- and period. Three kinds of rows are made of other facts where the indicator itself was not reported: energy in tce
-- from fuels, an indicator of a scope (制药工业增加值 …) from its base indicator of the scope's enterprises, accidents
-- and deaths from the incident register (domain.md A, B.7, B.8, K).
with cell as (
    select
        indicator_code,
        level,
        unit_id,
        -- the row's own township: a mine that reports from two counties counts in both
        coalesce(township_code, '') as township_code,
        period,
        measure,
        -- "less than the smallest unit" counts as 0 in sums (domain.md C.2)
        case when value is null and null_reason = 'below_unit' then 0 else value end as value,
        null_reason,
        is_estimated,
        is_carried
    from {{ lately('int_observation_version') }}
    where status = 'in_force' and measure not in ('target', 'target_growth', 'target_stretch')
),

reported as (
    select
        indicator_code,
        level,
        unit_id,
        township_code,
        period,
        {% for measure in ['month', 'ytd', 'stock', 'base_month', 'base_ytd', 'declared_growth'] %}
        {{ as_value("sum(case when measure = '" ~ measure ~ "' then value end)") }} as value_{{ measure }},
        {% endfor %}
        max(case when measure in ('month', 'ytd', 'stock') then 1 else 0 end) as has_cell,
        max(case when measure in ('ytd', 'stock') and value is null then null_reason end) as null_reason,
        max(case when is_estimated then 1 else 0 end) as is_estimated,
        max(case when is_carried and measure in ('ytd', 'stock') then 1 else 0 end) as is_carried
    from cell
    group by indicator_code, level, unit_id, township_code, period
),

-- 吨标准煤 from fuels, by the coefficients of the month and the deployment's basis (当量 or 等价). An enterprise's own
-- measured coefficient goes before the reference where the tolerance allows it (else V28 asks); of a year to date only the
-- year's own, never the last month's. The base is converted alike.
energy as (
    select
        '{{ var("energy_total_code") }}' as indicator_code,
        reported.level,
        reported.unit_id,
        reported.township_code,
        reported.period,
        {% for measure in ['month', 'ytd', 'base_month', 'base_ytd'] %}
        {%- set used = 'measured.value_' ~ measure | replace('base_', '') %}
        {{ as_value("sum(reported.value_" ~ measure ~ " * cast(case
            when abs(" ~ used ~ " / coefficient.tce_per_unit - 1) <= coefficient.tolerance_pct / 100.0
                or coefficient.tolerance_pct is not null and " ~ used ~ " between coefficient.coef_low and coefficient.coef_high
                then " ~ used ~ "
            else coefficient.tce_per_unit
        end as decimal(12, 6)))") }}
            as value_{{ measure }},
        {% endfor %}
        max(reported.is_estimated) as is_estimated
    from reported
    cross join {{ ref('stg_deployment') }} as deployment
    inner join {{ ref('stg_energy_coefficient') }} as coefficient
        on reported.indicator_code = coefficient.fuel_code
        and coefficient.basis = deployment.energy_basis
        and {{ in_force_on('coefficient', 'reported.period') }}
    left join reported as measured
        on measured.indicator_code = concat(reported.indicator_code, '{{ var("measured_coefficient_suffix") }}')
        and reported.level = measured.level
        and reported.unit_id = measured.unit_id
        and reported.township_code = measured.township_code
        and reported.period = measured.period
    where reported.has_cell = 1
    group by reported.level, reported.unit_id, reported.township_code, reported.period
),

scoped as (
    select
        indicator.indicator_code,
        reported.level,
        reported.unit_id,
        reported.township_code,
        reported.period,
        reported.value_month,
        reported.value_ytd,
        reported.value_stock,
        reported.value_base_month,
        reported.value_base_ytd,
        reported.has_cell,
        reported.null_reason,
        reported.is_estimated,
        reported.is_carried
    from {{ ref('stg_indicator') }} as indicator
    inner join reported on indicator.scope_base_code = reported.indicator_code and reported.level = 'enterprise'
    inner join {{ ref('int_enterprise_scope') }} as member
        on reported.unit_id = member.enterprise_id
        and indicator.scope = member.scope
        and reported.period between member.valid_from and member.valid_to
),

-- The register of accidents is kept from its first sign on; a month without an accident is then 0, never blank.
kept_from as (
    select min(period) as period
    from (
        select min(period) as period from {{ ref('int_incident') }}
        union all
        select min(coverage.period) as period
        from {{ ref('stg_coverage') }} as coverage
        inner join {{ ref('stg_form') }} as form on coverage.form_code = form.form_code and form.subject = 'incidents'
        union all
        select min(submission.period) as period
        from {{ ref('stg_submission') }} as submission
        inner join {{ ref('stg_form') }} as form on submission.form_code = form.form_code and form.subject = 'incidents'
        where submission.status = 'accepted'
    ) as sign_of_it
),

month_kept as (
    select period
    from (
        -- of every year: a township speaks of accidents from its first mine on
        select distinct period
        from {{ ref('int_observation_version') }}
        where status = 'in_force' and measure in ('month', 'ytd', 'stock')
        union
        select distinct period from {{ ref('int_incident') }}
        union
        select distinct coverage.period
        from {{ ref('stg_coverage') }} as coverage
        inner join {{ ref('stg_form') }} as form on coverage.form_code = form.form_code and form.subject = 'incidents'
    ) as known
    where known.period >= (select kept_from.period from kept_from)
),

mine as (
    select
        state.enterprise_id,
        state.township_code,
        month_kept.period
    from {{ ref('int_enterprise_state') }} as state
    inner join month_kept on month_kept.period between state.valid_from and state.valid_to
    where state.is_coal_mine and state.township_code is not null and state.unit_status <> 'closed'
),

-- Where accidents are counted: the county, townships with mines or accidents, mines and other places of accidents.
safety_place as (
    select
        'county' as level,
        deployment.county_code as unit_id,
        '' as township_code,
        month_kept.period
    from month_kept
    cross join {{ ref('stg_deployment') }} as deployment
    where month_kept.period is not null
    union
    -- from its first mine on: the register speaks for the township after its last mine has closed, too
    select
        'township' as level,
        first_mine.township_code as unit_id,
        first_mine.township_code,
        month_kept.period
    from (select township_code, min(period) as period from mine group by township_code) as first_mine
    inner join month_kept on month_kept.period >= first_mine.period
    union
    select
        'township' as level,
        incident.township_code as unit_id,
        incident.township_code,
        month_kept.period
    from {{ ref('int_incident') }} as incident
    inner join month_kept on month_kept.period >= incident.period
    where incident.township_code is not null
    union
    select
        'township' as level,
        line.unit_id,
        line.unit_id as township_code,
        month_kept.period
    from {{ ref('int_incident') }} as incident
    inner join {{ ref('int_township_predecessor') }} as line on incident.township_code = line.predecessor_id
    inner join month_kept on month_kept.period >= incident.period and month_kept.period >= line.effective_from
    union
    select
        'enterprise' as level,
        enterprise_id as unit_id,
        township_code,
        period
    from mine
    union
    select
        'enterprise' as level,
        incident.enterprise_id as unit_id,
        incident.township_code,
        month_kept.period
    from {{ ref('int_incident') }} as incident
    inner join month_kept
        on month_kept.period >= incident.period and year(month_kept.period) = year(incident.period)
    left join mine on incident.enterprise_id = mine.enterprise_id and month_kept.period = mine.period
    where incident.enterprise_id is not null and incident.township_code is not null and mine.enterprise_id is null
),

-- An accident before a merger counts in the unit that continues the place.
incident_at as (
    select
        'county' as level,
        deployment.county_code as unit_id,
        incident.incident_id,
        make_date(1900, 1, 1) as counted_from
    from {{ ref('int_incident') }} as incident
    cross join {{ ref('stg_deployment') }} as deployment
    union all
    select
        'township' as level,
        township_code as unit_id,
        incident_id,
        make_date(1900, 1, 1) as counted_from
    from {{ ref('int_incident') }}
    union all
    select
        'township' as level,
        line.unit_id,
        incident.incident_id,
        line.effective_from as counted_from
    from {{ ref('int_incident') }} as incident
    inner join {{ ref('int_township_predecessor') }} as line
        on incident.township_code = line.predecessor_id
        and line.predecessor_ended
        and incident.period < line.first_effective
    union all
    select
        'enterprise' as level,
        enterprise_id as unit_id,
        incident_id,
        make_date(1900, 1, 1) as counted_from
    from {{ ref('int_incident') }}
),

incident_measure as (
    select
        incident.incident_id,
        incident.period,
        indicator.indicator_code,
        case
            when indicator.indicator_code = '{{ var("accidents_code") }}'
                then case when incident.class_rank >= deployment.major_accident_rank then 1 else 0 end
            else incident.deaths
        end as amount,
        -- the numerator of 百万吨死亡率: an accident may be set aside from the rate (domain.md J.5)
        case when incident.counted_in_rate then incident.deaths else 0 end as rate_amount
    from {{ ref('int_incident') }} as incident
    cross join {{ ref('stg_deployment') }} as deployment
    inner join {{ ref('stg_indicator') }} as indicator
        on indicator.indicator_code = '{{ var("accidents_code") }}'
        or (indicator.indicator_code = '{{ var("deaths_code") }}' and incident.is_coal_mine)
),

safety as (
    select
        indicator.indicator_code,
        place.level,
        place.unit_id,
        place.township_code,
        place.period,
        sum(case when measure.period = place.period then measure.amount else 0 end) as value_month,
        sum(coalesce(measure.amount, 0)) as value_ytd,
        sum(coalesce(measure.rate_amount, 0)) as rate_ytd
    from safety_place as place
    inner join {{ ref('stg_indicator') }} as indicator
        on indicator.indicator_code in ('{{ var("accidents_code") }}', '{{ var("deaths_code") }}')
    left join incident_at
        on place.level = incident_at.level
        and place.unit_id = incident_at.unit_id
        and place.period >= incident_at.counted_from
    left join incident_measure as measure
        on incident_at.incident_id = measure.incident_id
        and indicator.indicator_code = measure.indicator_code
        and place.period >= measure.period
        and year(place.period) = year(measure.period)
    where {{ is_lately('place.period') }}
    group by indicator.indicator_code, place.level, place.unit_id, place.township_code, place.period
)

select
    indicator_code,
    level,
    unit_id,
    township_code,
    period,
    value_month,
    value_ytd,
    value_stock,
    value_base_month,
    value_base_ytd,
    value_declared_growth,
    cast(null as decimal(24, 6)) as rate_ytd,
    has_cell,
    null_reason,
    is_estimated,
    is_carried,
    'reported' as source
from reported
where
    -- accidents and deaths never come from a monthly form while a register is kept (domain.md K)
    indicator_code not in ('{{ var("accidents_code") }}', '{{ var("deaths_code") }}')
    or (select kept_from.period from kept_from) is null
union all
select
    energy.indicator_code,
    energy.level,
    energy.unit_id,
    energy.township_code,
    energy.period,
    energy.value_month,
    energy.value_ytd,
    cast(null as decimal(24, 6)) as value_stock,
    energy.value_base_month,
    energy.value_base_ytd,
    cast(null as decimal(24, 6)) as value_declared_growth,
    cast(null as decimal(24, 6)) as rate_ytd,
    1 as has_cell,
    cast(null as string) as null_reason,
    energy.is_estimated,
    0 as is_carried,
    'fuels' as source
from energy
left join reported as own
    on energy.indicator_code = own.indicator_code
    and energy.level = own.level
    and energy.unit_id = own.unit_id
    and energy.period = own.period
    and own.has_cell = 1
where own.unit_id is null
union all
select
    scoped.indicator_code,
    scoped.level,
    scoped.unit_id,
    scoped.township_code,
    scoped.period,
    scoped.value_month,
    scoped.value_ytd,
    scoped.value_stock,
    scoped.value_base_month,
    scoped.value_base_ytd,
    cast(null as decimal(24, 6)) as value_declared_growth,
    cast(null as decimal(24, 6)) as rate_ytd,
    scoped.has_cell,
    scoped.null_reason,
    scoped.is_estimated,
    scoped.is_carried,
    'scope' as source
from scoped
left join reported as own
    on scoped.indicator_code = own.indicator_code
    and scoped.level = own.level
    and scoped.unit_id = own.unit_id
    and scoped.period = own.period
    and own.has_cell = 1
where own.unit_id is null
union all
select
    indicator_code,
    level,
    unit_id,
    township_code,
    period,
    {{ as_value('value_month') }} as value_month,
    {{ as_value('value_ytd') }} as value_ytd,
    cast(null as decimal(24, 6)) as value_stock,
    cast(null as decimal(24, 6)) as value_base_month,
    cast(null as decimal(24, 6)) as value_base_ytd,
    cast(null as decimal(24, 6)) as value_declared_growth,
    {{ as_value('rate_ytd') }} as rate_ytd,
    1 as has_cell,
    cast(null as string) as null_reason,
    0 as is_estimated,
    0 as is_carried,
    'incidents' as source
from safety
