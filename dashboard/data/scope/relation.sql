{relation} as (select {columns} from marts.{relation} where {predicate})
