-- Tasks as last reported (domain.md A, target form TASK). A later ledger replaces what an earlier one said of the same
-- task. A task is overdue by the day of the latest receipt, not by today: the same workbooks always give the same table.
with latest as (
    select
        task.*,
        row_number() over (partition by task.task_id order by task.seq desc, task.sheet asc, task.cell asc) as from_latest
    from {{ ref('stg_task') }} as task
    where task.status = 'accepted'
),

horizon as (
    select cast(max(received_at) as date) as judged_on
    from {{ ref('stg_submission') }}
    where status = 'accepted'
)

select
    latest.task_id,
    latest.year,
    latest.indicator_code,
    latest.category,
    case when latest.township_code is null then 'county' else 'township' end as level,
    latest.township_code,
    latest.name_zh,
    latest.reported_for,
    latest.planned_on,
    latest.done_on,
    latest.progress_pct,
    case
        when latest.state = 'cancelled' then 'cancelled'
        when latest.state = 'done' and latest.done_on > latest.planned_on then 'done_late'
        when latest.state = 'done' then 'done'
        when latest.planned_on < horizon.judged_on then 'overdue'
        else 'open'
    end as status,
    horizon.judged_on,
    latest.state_text,
    latest.evidence,
    latest.remark,
    latest.submission_id,
    latest.form_code,
    latest.file_name,
    latest.sheet,
    latest.cell,
    latest.raw_text,
    latest.received_at
from latest
cross join horizon
where latest.from_latest = 1
