-- Changes of township-level units as the registers in force state them (domain.md D.2). A later register replaces all
-- that an earlier one says of the same predecessor in the same year; a row that only repeats another counts once.
with known as (
    select
        change.*,
        max(change.seq) over (partition by change.form_code, change.subject) as last_seq,
        row_number() over (
            partition by change.form_code, change.change_id order by change.seq desc, change.sheet asc, change.cell asc
        ) as from_latest
    from {{ ref('stg_unit_change') }} as change
    where change.status = 'accepted'
)

select
    known.change_id,
    concat(known.submission_id, ':', known.sheet, ':', cast(known.event_no as string)) as event_id,
    known.year,
    known.effective_on,
    known.op,
    known.structure,
    known.province,
    known.predecessor_code,
    known.predecessor_name,
    known.predecessor_kind,
    known.predecessor_county,
    known.successor_code,
    known.successor_name,
    known.successor_kind,
    known.successor_county,
    known.is_continued,
    known.reason,
    known.doc_no,
    known.order_no,
    known.submission_id,
    known.form_code,
    known.file_name,
    known.sheet,
    known.cell,
    known.predecessor_cell,
    known.successor_cell,
    known.raw_text,
    known.received_at
from known
where known.seq = known.last_seq and known.from_latest = 1
