-- The enterprises of one township with their figures of one indicator.
select p.unit_id, p.value_month, p.value_ytd, p.base_ytd, p.is_carried
from marts.fct_indicator_progress as p
inner join marts.dim_enterprise as e on p.unit_id = e.enterprise_id
where
    p.level = 'enterprise' and p.basis = 'reported' and p.indicator_code = $indicator and p.period = $period
    and e.township_code = $township
order by p.value_ytd desc nulls last, p.unit_id asc
