list_contains($scope_suppressed, {level}) and exists (
    select 1 from marts.fct_suppression as cell
    where
        cell.level = {level} and cell.unit_id = {unit} and cell.indicator_code = {indicator} and cell.period = {period}
)
