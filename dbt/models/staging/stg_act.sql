-- One row per issue that people spoke of: the latest explanation and the latest acceptance.
select
    submission_id,
    sheet,
    cell,
    rule,
    max(case when kind = 'explained' and place = 1 then text end) as explanation,
    max(case when kind = 'accepted' and place = 1 then text end) as accepted_reason,
    max(case when kind = 'accepted' and place = 1 then said_by end) as accepted_by,
    max(case when kind = 'accepted' and place = 1 then said_at end) as accepted_at
from (
    select
        act.*,
        row_number() over (
            partition by act.submission_id, act.sheet, act.cell, act.rule, act.kind order by act.act_no desc
        ) as place
    from {{ source('raw', 'act') }} as act
    {% if as_of() %}
    where act.said_at < {{ as_of_end() }}
    {% endif %}
) as said
group by submission_id, sheet, cell, rule
