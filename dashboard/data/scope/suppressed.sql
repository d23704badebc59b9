({level}, {unit}, {indicator}, {period}) in (
    select (cell.level, cell.unit_id, cell.indicator_code, cell.period)
    from marts.fct_suppression as cell
    where list_position($scope_suppressed, cell.level) > 0
)
