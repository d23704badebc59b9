-- After the newest revision of a figure, lamp and rank of the ledger are those of the figure as it stands: the same
-- formulas, by another way.
{{ config(meta={'dagster': {'ref': {'name': 'fct_revision'}}}) }}
with newest as (
    select
        *,
        row_number() over (
            partition by form_code, level, unit_id, indicator_code, period, measure order by revision_no desc
        ) as revisions_left
    from {{ ref('fct_revision') }}
)

select
    newest.level,
    newest.unit_id,
    newest.indicator_code,
    newest.period,
    newest.measure,
    newest.new_lamp,
    progress.lamp,
    newest.new_rank,
    progress.rank
from newest
inner join {{ ref('fct_indicator_progress') }} as progress
    on newest.level = progress.level
    and newest.unit_id = progress.unit_id
    and newest.indicator_code = progress.indicator_code
    and newest.period = progress.period
    and progress.basis = case when newest.level = 'enterprise' then 'reported' else 'comparable' end
where
    newest.revisions_left = 1
    and newest.is_judged
    and (
        coalesce(newest.new_lamp, '') <> coalesce(progress.lamp, '')
        or coalesce(newest.new_rank, 0) <> coalesce(progress.rank, 0)
    )
