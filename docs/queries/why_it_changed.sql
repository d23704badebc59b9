-- Why did revenue change against last year? The change in exact parts, in amount and in points of the base.
select
    unit.name_zh,
    bridge.component,
    bridge.amount,
    round(bridge.points, 1) as points
from marts.fct_bridge as bridge
inner join marts.dim_township as unit on bridge.unit_id = unit.township_code
where
    bridge.level = 'township'
    and bridge.indicator_code = 'BF01'
    and bridge.period = (select max(period) from marts.fct_bridge where indicator_code = 'BF01')
order by unit.sort_order, bridge.component;
