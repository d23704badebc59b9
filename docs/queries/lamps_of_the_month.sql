-- The latest month's red and yellow lamps by township (comparable basis: one basis, one level).
select township.name_zh, indicator.name_zh as indicator, progress.attainment_pct, progress.gap_pp, progress.lamp
from marts.fct_indicator_progress as progress
inner join marts.dim_township as township on progress.unit_id = township.township_code
inner join marts.dim_indicator as indicator on progress.indicator_code = indicator.indicator_code
where progress.basis = 'comparable' and progress.level = 'township' and progress.lamp in ('red', 'yellow')
    and progress.period = (select max(period) from marts.fct_indicator_progress where level = 'county')
order by progress.gap_pp
