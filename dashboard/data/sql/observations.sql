-- Every cell in force of a span of months with where it was read; what the file of all cells holds, in its order.
select
    o.period,
    o.level,
    o.unit_id,
    u.name_zh as unit_name,
    t.name_zh as township_name,
    o.indicator_code,
    i.name_zh as indicator_name,
    i.unit,
    o.measure,
    o.value,
    o.null_reason,
    o.is_estimated,
    o.is_carried,
    o.form_code,
    o.file_name,
    o.sheet,
    o.cell,
    o.raw_text,
    o.raw_unit,
    o.unit_factor,
    o.submission_id,
    o.received_at
from marts.fct_observation as o
left join marts.dim_unit as u on o.level = u.level and o.unit_id = u.unit_id
left join marts.dim_township as t on o.township_code = t.township_code
left join marts.dim_indicator as i on o.indicator_code = i.indicator_code
where o.period between $since and $period
order by o.period, o.form_code, o.unit_id, o.indicator_code, o.measure, o.line_no
