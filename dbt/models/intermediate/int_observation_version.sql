{{ config(materialized=by_year()) }}
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
    from {{ lately('stg_observation') }} as observation
    inner join {{ ref('stg_submission') }} as submission on observation.submission_id = submission.submission_id
),

-- Nearly every key was read once, by one form: only the others need the windows below.
contested_key as (
    select level, unit_id, indicator_code, period, measure
    from cell
    where standing = 'accepted'
    group by level, unit_id, indicator_code, period, measure
    having count(*) > 1
),

-- One key twice in one submission without being told to add: the first cell stands, the other is kept beside it.
contested as (
    select
        cell.*,
        row_number() over (
            partition by
                cell.form_code, cell.level, cell.unit_id, cell.indicator_code, cell.period, cell.measure,
                cell.seq, cell.line_no
            order by cell.sheet nulls last, length(cell.cell) nulls last, cell.cell nulls last
        ) as occurrence
    from cell
    inner join contested_key
        on cell.level = contested_key.level
        and cell.unit_id = contested_key.unit_id
        and cell.indicator_code = contested_key.indicator_code
        and cell.period = contested_key.period
        and cell.measure = contested_key.measure
    where cell.standing = 'accepted'
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
    from contested
    where occurrence = 1
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
),

judged as (
    select
        contested.*,
        cast(coalesce(latest.form_precedence, 1) as bigint) as form_precedence,
        case
            when contested.occurrence > 1 then contested.known_from
            when version.superseded_at is not null then version.superseded_at
            when latest.form_precedence > 1 then greatest(contested.known_from, winner.won_from)
        end as valid_to,
        case
            when contested.occurrence > 1 or version.superseded_at is not null or latest.form_precedence > 1
                then 'superseded'
            else 'in_force'
        end as version_status
    from contested
    left join key_version as version
        on contested.form_code = version.form_code
        and contested.level = version.level
        and contested.unit_id = version.unit_id
        and contested.indicator_code = version.indicator_code
        and contested.period = version.period
        and contested.measure = version.measure
        and contested.seq = version.seq
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
),

-- A cell that stands alone is in force, unless its submission was withdrawn or audit holds it back.
alone as (
    select
        cell.*,
        1 as form_precedence,
        case
            when cell.standing = 'withdrawn' then greatest(cell.withdrawn_at, cell.known_from)
            when cell.standing = 'quarantined' then cell.known_from
        end as valid_to,
        case when cell.standing = 'accepted' then 'in_force' else cell.standing end as version_status
    from cell
    left join contested_key
        on cell.standing = 'accepted'
        and cell.level = contested_key.level
        and cell.unit_id = contested_key.unit_id
        and cell.indicator_code = contested_key.indicator_code
        and cell.period = contested_key.period
        and cell.measure = contested_key.measure
    where contested_key.measure is null
)

{% set read_columns = [
    'indicator_code', 'level', 'unit_id', 'township_code', 'period', 'measure', 'line_no', 'value', 'null_reason',
    'is_estimated', 'is_carried', 'target_form', 'submission_id', 'seq', 'file_name', 'form_code', 'sheet', 'cell',
    'heading', 'raw_text', 'raw_unit', 'unit_factor', 'received_at',
] %}
{% for standing in ['judged', 'alone'] %}
select
    {% for column in read_columns %}
    {{ column }},
    {% endfor %}
    known_from as valid_from,
    form_precedence,
    valid_to,
    version_status as status
from {{ standing }}
{{ 'union all' if not loop.last }}
{% endfor %}
