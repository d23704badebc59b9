({indicator}, {period}) in (
    select (cell.indicator_code, cell.period)
    from marts.fct_suppression as cell
    where cell.level = 'county' and list_position($scope_suppressed, cell.level) > 0
)
