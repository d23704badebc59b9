-- What was decided about each month. A workbook counts as later than a round by its place in the order of intake.
select
    period,
    round_no,
    case
        when reopened_at is not null then 'reopened'
        when closed_at is not null then 'closed'
        else 'approved'
    end as status,
    version,
    last_seq,
    approved_by,
    approved_at,
    closed_by,
    closed_at,
    reopened_by,
    reopened_at,
    reopened_seq,
    reason,
    row_number() over (partition by period order by round_no desc) = 1 as is_latest
from {{ ref('stg_closing') }}
