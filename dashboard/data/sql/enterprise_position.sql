-- Where one enterprise stands in its township and its industry by one indicator's year to date.
with ranked as (
    select
        e.enterprise_id,
        rank() over (partition by e.township_code order by p.value_ytd desc nulls last) as township_rank,
        count(*) over (partition by e.township_code) as township_of,
        rank() over (partition by e.industry_code order by p.value_ytd desc nulls last) as industry_rank,
        count(*) over (partition by e.industry_code) as industry_of
    from marts.dim_enterprise as e
    inner join marts.fct_indicator_progress as p
        on
            e.enterprise_id = p.unit_id and p.level = 'enterprise' and p.basis = 'reported'
            and p.indicator_code = $indicator and p.period = $period
    where p.value_ytd is not null
)

select township_rank, township_of, industry_rank, industry_of
from ranked
where enterprise_id = $enterprise
