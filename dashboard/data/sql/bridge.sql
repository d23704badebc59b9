-- The change of one figure from its base, split into what made it (reported basis).
select component, amount, points, base_period
from marts.fct_bridge
where level = $level and unit_id = $unit_id and indicator_code = $indicator and period = $period
