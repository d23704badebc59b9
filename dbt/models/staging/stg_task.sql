select
    task.submission_id,
    task.seq,
    task.form_code,
    task.task_id,
    task.year,
    task.name_zh,
    task.indicator_code,
    task.category,
    task.township_code,
    task.reported_for,
    task.planned_on,
    task.done_on,
    task.progress_pct,
    task.state,
    task.state_text,
    task.evidence,
    task.remark,
    task.sheet,
    task.cell,
    task.raw_text,
    task.status,
    task.received_at,
    submission.file_name
from {{ source('raw', 'task') }} as task
inner join {{ known_submissions() }} as submission
    on task.submission_id = submission.submission_id and submission.status_then <> 'withdrawn'
