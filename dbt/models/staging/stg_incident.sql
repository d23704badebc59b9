select
    incident.submission_id,
    incident.seq,
    incident.form_code,
    incident.incident_id,
    incident.occurred_on,
    incident.enterprise_id,
    incident.township_code,
    incident.category,
    incident.deaths,
    incident.serious_injuries,
    incident.direct_loss,
    incident.declared_class,
    incident.counted_in_rate,
    incident.sheet,
    incident.cell,
    incident.raw_text,
    incident.status,
    incident.received_at,
    submission.file_name
from {{ source('raw', 'incident') }} as incident
inner join {{ known_submissions() }} as submission
    on incident.submission_id = submission.submission_id and submission.status_then <> 'withdrawn'
