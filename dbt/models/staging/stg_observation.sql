-- A cell that an error holds back is in force from the moment on at which staff accepted every error on it.
with released as (
    select
        issue.submission_id,
        issue.sheet,
        issue.cell,
        max(act.said_at) as released_at
    from {{ source('raw', 'issue') }} as issue
    left join {{ source('raw', 'act') }} as act
        on issue.submission_id = act.submission_id
        and issue.cell = act.cell
        and issue.rule = act.rule
        and (act.sheet is null or act.sheet = issue.sheet)
        and act.kind = 'accepted'
        {% if as_of() %}
        and act.said_at < {{ as_of_end() }}
        {% endif %}
    where issue.severity = 'error' and issue.cell is not null
    group by issue.submission_id, issue.sheet, issue.cell
    having count(*) = count(act.said_at)
)

select
    observation.submission_id,
    observation.seq,
    observation.form_code,
    observation.indicator_code,
    observation.level,
    observation.unit_id,
    observation.township_code,
    observation.period,
    observation.measure,
    observation.line_no,
    observation.value,
    observation.null_reason,
    observation.is_estimated,
    observation.is_carried,
    observation.target_form,
    observation.sheet,
    observation.cell,
    observation.raw_text,
    observation.raw_unit,
    observation.unit_factor,
    observation.heading,
    case
        when observation.status = 'quarantined' and released.released_at is not null then 'accepted'
        else observation.status
    end as status,
    case when observation.status = 'quarantined' then released.released_at end as released_at,
    observation.received_at
from {{ source('raw', 'observation') }} as observation
left join released
    on observation.submission_id = released.submission_id
    and observation.sheet = released.sheet
    and observation.cell = released.cell
{{ if_known('observation') }}
