-- Accidents in force, with their class by decree 493 (domain.md B.8): the gravest of the three tests, by the table of
-- the day on which the accident happened.
with latest as (
    select
        incident.*,
        row_number() over (partition by incident.incident_id order by incident.seq desc, incident.sheet asc, incident.cell asc)
            as from_latest
    from {{ ref('stg_incident') }} as incident
    where incident.status = 'accepted'
),

classed as (
    select
        latest.incident_id,
        class.class_zh,
        class.class_en,
        class.rank,
        row_number() over (partition by latest.incident_id order by class.rank desc) as gravest
    from latest
    inner join {{ ref('stg_accident_class') }} as class
        on {{ in_force_on('class', 'latest.occurred_on') }}
        and (
            latest.deaths >= class.deaths_min
            or latest.serious_injuries >= class.injuries_min
            or coalesce(latest.direct_loss, 0) >= class.loss_min
        )
    where latest.from_latest = 1
)

select
    latest.incident_id,
    latest.occurred_on,
    make_date(year(latest.occurred_on), month(latest.occurred_on), 1) as period,
    latest.enterprise_id,
    coalesce(latest.township_code, state.township_code) as township_code,
    latest.category,
    latest.deaths,
    latest.serious_injuries,
    latest.direct_loss,
    latest.declared_class,
    classed.class_zh as class,
    classed.class_en,
    classed.rank as class_rank,
    latest.counted_in_rate,
    -- an accident of an unknown unit counts: an illegal pit is in no register (domain.md J.5)
    coalesce(state.is_coal_mine, true) as is_coal_mine,
    latest.submission_id,
    latest.form_code,
    latest.file_name,
    latest.sheet,
    latest.cell,
    latest.raw_text,
    latest.received_at
from latest
left join classed on latest.incident_id = classed.incident_id and classed.gravest = 1
left join {{ ref('int_enterprise_state') }} as state
    on latest.enterprise_id = state.enterprise_id
    and latest.occurred_on between state.valid_from and state.valid_to
where latest.from_latest = 1
