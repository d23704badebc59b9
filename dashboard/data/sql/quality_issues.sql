-- Issues of a month's figures, or of its workbooks where an issue names no month: errors first.
select
    i.submission_id, i.file_name, i.sheet, i.cell, i.severity, i.rule, i.message_zh, i.message_en, i.raw_text, i.status,
    i.explanation, i.accepted_by, i.accepted_reason, i.accepted_at,
    coalesce(i.unit_id, s.reporter_unit_id) as unit_id, rule.name_zh, rule.name_en
from marts.fct_issue as i
left join marts.fct_submission as s on i.submission_id = s.submission_id
left join marts.dim_audit_rule as rule on i.rule = rule.rule
where
    coalesce(
        i.period, s.period,
        cast(date_trunc('month', s.received_at) as date)
    ) = $period
    and coalesce(s.status, 'accepted') <> 'withdrawn'
order by
    case i.severity when 'error' then 0 when 'warning' then 1 else 2 end, i.rule asc, i.file_name asc, i.sheet asc,
    i.cell asc
