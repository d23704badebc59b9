-- What holds of each month that was approved, closed or reopened, and how many figures changed after it was closed.
select
    closing.period, closing.status, closing.version, closing.approved_by, closing.approved_at, closing.closed_by,
    closing.closed_at, closing.reopened_by, closing.reopened_at, closing.reason,
    count(revision.indicator_code) as revisions
from marts.fct_month_closing as closing
left join marts.fct_revision as revision
    on closing.period = revision.period and closing.version = revision.closed_with
where closing.is_latest
group by
    closing.period, closing.status, closing.version, closing.approved_by, closing.approved_at, closing.closed_by,
    closing.closed_at, closing.reopened_by, closing.reopened_at, closing.reason
order by closing.period
