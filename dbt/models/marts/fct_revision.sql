-- A figure that a later submission of the same form changed: the value before and after, and both submissions. A version
-- that says the same again is no revision; quarantined and withdrawn ones neither revise nor are revised. A figure that is
-- said for the first time after its month was closed differs from the frozen version, so it stands here too.
with said as (
    select
        form_code,
        level,
        unit_id,
        indicator_code,
        period,
        measure,
        seq,
        max(submission_id) as submission_id,
        max(file_name) as file_name,
        min(sheet) as sheet,
        min(cell) as cell,
        max(valid_from) as valid_from,
        {{ as_value('sum(value)') }} as value
    from {{ ref('int_observation_version') }}
    where status in ('in_force', 'superseded')
    group by form_code, level, unit_id, indicator_code, period, measure, seq
),

followed as (
    select
        said.*,
        lag(value) over by_key as previous_value,
        lag(submission_id) over by_key as previous_submission_id,
        row_number() over by_key as revision_no
    from said
    window by_key as (partition by form_code, level, unit_id, indicator_code, period, measure order by seq)
),

late as (
    select
        followed.*,
        closing.version as closed_with
    from followed
    left join {{ ref('stg_closing') }} as closing
        on followed.period = closing.period
        and closing.closed_at is not null
        and followed.seq > closing.after_seq
        and followed.seq <= coalesce(closing.reopened_seq, followed.seq)
)

select
    form_code,
    level,
    unit_id,
    indicator_code,
    period,
    measure,
    cast(revision_no - 1 as integer) as revision_no,
    previous_value,
    value as new_value,
    {{ as_value('value - previous_value') }} as difference,
    previous_submission_id,
    submission_id,
    file_name,
    sheet,
    cell,
    valid_from,
    closed_with is not null as is_after_closing,
    closed_with
from late
where
    (revision_no > 1 and (value <> previous_value or (value is null) <> (previous_value is null)))
    or (revision_no = 1 and closed_with is not null and value is not null)
