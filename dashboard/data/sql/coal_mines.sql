-- Coal mines as they stood in a month, each with what the audit said of output over capacity for that month.
with alert as (
    select
        unit_id,
        min(message_zh) as alert_zh,
        min(message_en) as alert_en
    from marts.fct_issue
    where rule = 'V25' and status <> 'resolved' and period = $period and unit_id is not null
    group by unit_id
)

select
    mine.enterprise_id,
    mine.name_zh,
    coalesce(state.township_code, mine.township_code) as township_code,
    coalesce(state.status, mine.status) as status,
    coalesce(state.capacity_tonnes_per_year, mine.capacity_tonnes_per_year) as capacity,
    alert.alert_zh,
    alert.alert_en
from marts.dim_enterprise as mine
left join marts.dim_enterprise_state as state
    on mine.enterprise_id = state.enterprise_id and $period between state.valid_from and state.valid_to
left join alert on mine.enterprise_id = alert.unit_id
where mine.is_coal_mine and (mine.registered_from is null or mine.registered_from <= last_day($period::date))
order by mine.enterprise_id
