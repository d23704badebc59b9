({level}, {unit}, {indicator}) in (
    select (cell.level, cell.unit_id, cell.indicator_code)
    from marts.fct_suppression as cell
    where list_position($scope_suppressed, cell.level) > 0
)
