-- Tasks of a year as last reported, of one unit where it is given: overdue ones first, then open, then done.
select
    task_id, indicator_code, category, level, township_code, name_zh, planned_on, done_on, progress_pct, status, judged_on,
    evidence, remark, submission_id, file_name, sheet, cell
from marts.fct_task
where
    year = $year
    and ($indicator is null or indicator_code = $indicator)
    and ($township is null or township_code = $township)
order by
    case status when 'overdue' then 0 when 'open' then 1 when 'done_late' then 2 when 'done' then 3 else 4 end,
    planned_on asc nulls last, township_code asc nulls first, name_zh asc
