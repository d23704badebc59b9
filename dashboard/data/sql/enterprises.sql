-- Enterprises with this month's figures of one indicator.
select
    e.enterprise_id, e.credit_code, e.name_zh, e.township_code, e.industry_code, e.is_above_scale,
    e.is_agro_processing,
    e.is_pharma, e.is_coal_mine, e.is_key_energy_user, e.status, p.value_month, p.value_ytd, p.base_ytd, p.growth_pct,
    p.growth_note, p.growth_note_en, p.growth_note_pct, p.contribution_pp, p.contribution_share_pct, p.is_carried
from marts.dim_enterprise as e
left join marts.fct_indicator_progress as p
    on
        e.enterprise_id = p.unit_id and p.level = 'enterprise' and p.basis = 'reported'
        and p.indicator_code = $indicator and p.period = $period
order by p.value_ytd desc nulls last, e.enterprise_id asc
