{{ config(materialized=by_year()) }}
select
    indicator_code,
    level,
    unit_id,
    township_code,
    period,
    measure,
    value,
    null_reason,
    is_estimated,
    is_carried,
    target_form,
    submission_id,
    seq,
    file_name,
    form_code,
    sheet,
    cell,
    line_no,
    heading,
    raw_text,
    raw_unit,
    unit_factor,
    received_at,
    valid_from
from {{ lately('int_observation_version') }}
where status = 'in_force'
