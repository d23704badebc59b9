-- One township's enterprises with this month's figures of one indicator.
select
    e.enterprise_id, e.name_zh, e.status, p.value_ytd, p.base_ytd, p.growth_pct, p.growth_note, p.growth_note_en,
    p.growth_note_pct, p.contribution_pp,
    p.contribution_share_pct, p.is_carried
from marts.dim_enterprise as e
inner join marts.fct_indicator_progress as p
    on
        e.enterprise_id = p.unit_id and p.level = 'enterprise' and p.basis = 'reported'
        and p.indicator_code = $indicator and p.period = $period
where e.township_code = $township
order by p.contribution_pp desc nulls last, p.value_ytd desc nulls last, e.enterprise_id asc
