select
    roster.submission_id,
    roster.seq,
    roster.enterprise_id,
    roster.credit_code,
    roster.name_zh,
    roster.township_code,
    roster.industry_code,
    roster.is_above_scale,
    roster.is_agro_processing,
    roster.is_pharma,
    roster.is_coal_mine,
    roster.is_key_energy_user,
    roster.capacity_tonnes_per_year,
    roster.unit_status,
    roster.is_provisional,
    roster.valid_from,
    roster.sheet,
    roster.cell,
    roster.received_at
from {{ source('raw', 'enterprise') }} as roster
inner join {{ known_submissions() }} as submission
    on roster.submission_id = submission.submission_id and submission.status_then <> 'withdrawn'
