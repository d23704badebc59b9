-- Every cell ever read, with when it was known and whether it is in force.
-- Supersession is per form, key by key: all lines of a later submission replace all lines of the earlier one.
-- Where two forms report one key, a figure goes before a blank, then the indicator's source_form order decides, then
-- the form's source_rank, then the later submission (design.md 3.5).
with cell as (
    select
        observation.*,
        submission.file_name,
        greatest(submission.known_from, coalesce(observation.released_at, submission.known_from)) as known_from,
        submission.withdrawn_at,
        case
            when submission.status = 'withdrawn' then 'withdrawn'
            when observation.status = 'quarantined' or observation.level is null or observation.unit_id is null
                then 'quarantined'
            else 'accepted'
        end as standing
    from {{ ref('stg_observation') }} as observation
    inner join {{ ref('stg_submission') }} as submission on observation.submission_id = submission.submission_id
),

-- One key twice in one submission without being told to add: the first cell stands, the other is kept beside it.
numbered as (
    select
        cell.*,
        case
            when cell.standing = 'accepted' then row_number() over (
                partition by
                    cell.form_code, cell.level, cell.unit_id, cell.indicator_code, cell.period, cell.measure,
                    cell.seq, cell.line_no, cell.standing
                order by cell.sheet nulls last, length(cell.cell) nulls last, cell.cell nulls last
            )
            else 1
        end as occurrence
    from cell
),

key_version as (
    select
        form_code,
        level,
        unit_id,
        indicator_code,
        period,
        measure,
        seq,
        max(known_from) as known_from,
        max(case when value is not null then 1 else 0 end) as has_value,
        lead(max(known_from)) over (
            partition by form_code, level, unit_id, indicator_code, period, measure order by seq
        ) as superseded_at
    from numbered
    where standing = 'accepted' and occurrence = 1
    group by form_code, level, unit_id, indicator_code, period, measure, seq
),

latest as (
    select
        version.*,
        row_number() over (
            partition by version.level, version.unit_id, version.indicator_code, version.period, version.measure
            order by
                version.has_value desc,
                case
                    when instr('|' || indicator.source_form || '|', '|' || version.form_code || '|') > 0
                        then instr('|' || indicator.source_form || '|', '|' || version.form_code || '|')
                    else 100000 + coalesce(form.source_rank, 99999)
                end,
                version.seq desc
        ) as form_precedence,
        count(*) over (
            partition by version.level, version.unit_id, version.indicator_code, version.period, version.measure
        ) as forms_reporting
    from key_version as version
    left join {{ ref('stg_indicator') }} as indicator on version.indicator_code = indicator.indicator_code
    left join {{ ref('stg_form') }} as form on version.form_code = form.form_code
    where version.superseded_at is null
),

winner as (
    select level, unit_id, indicator_code, period, measure, known_from as won_from
    from latest
    where form_precedence = 1 and forms_reporting > 1
)

select
    numbered.indicator_code,
    numbered.level,
    numbered.unit_id,
    numbered.township_code,
    numbered.period,
    numbered.measure,
    numbered.line_no,
    numbered.value,
    numbered.null_reason,
    numbered.is_estimated,
    numbered.is_carried,
    numbered.target_form,
    numbered.submission_id,
    numbered.seq,
    numbered.file_name,
    numbered.form_code,
    numbered.sheet,
    numbered.cell,
    numbered.heading,
    numbered.raw_text,
    numbered.raw_unit,
    numbered.unit_factor,
    numbered.received_at,
    numbered.known_from as valid_from,
    coalesce(latest.form_precedence, 1) as form_precedence,
    case
        when numbered.standing = 'withdrawn' then greatest(numbered.withdrawn_at, numbered.known_from)
        when numbered.standing = 'quarantined' then numbered.known_from
        when numbered.occurrence > 1 then numbered.known_from
        when version.superseded_at is not null then version.superseded_at
        when latest.form_precedence > 1 then greatest(numbered.known_from, winner.won_from)
    end as valid_to,
    case
        when numbered.standing <> 'accepted' then numbered.standing
        when numbered.occurrence > 1 or version.superseded_at is not null or latest.form_precedence > 1
            then 'superseded'
        else 'in_force'
    end as status
from numbered
left join key_version as version
    on numbered.standing = 'accepted'
    and numbered.form_code = version.form_code
    and numbered.level = version.level
    and numbered.unit_id = version.unit_id
    and numbered.indicator_code = version.indicator_code
    and numbered.period = version.period
    and numbered.measure = version.measure
    and numbered.seq = version.seq
left join latest
    on version.form_code = latest.form_code
    and version.level = latest.level
    and version.unit_id = latest.unit_id
    and version.indicator_code = latest.indicator_code
    and version.period = latest.period
    and version.measure = latest.measure
    and version.seq = latest.seq
left join winner
    on latest.level = winner.level
    and latest.unit_id = winner.unit_id
    and latest.indicator_code = winner.indicator_code
    and latest.period = winner.period
    and latest.measure = winner.measure
