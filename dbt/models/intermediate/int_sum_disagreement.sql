{{ config(materialized=by_year()) }}
-- A reported row that is not the sum of its parts: the county's against its townships, a township's against its
-- enterprises where these exceed it or where the indicator covers exactly the enterprises of a scope. Both figures stay;
-- ours is published for the county, the report for the township (design.md 3.5, Levels).
with pair as (
    select
        figure.indicator_code,
        figure.level,
        figure.unit_id,
        figure.period,
        figure.own_ytd,
        figure.sum_ytd,
        figure.reported_units < figure.expected_units as is_incomplete
    from {{ lately('int_unit_figure') }} as figure
    inner join {{ ref('stg_indicator') }} as indicator on figure.indicator_code = indicator.indicator_code
    where
        figure.own_ytd is not null
        and figure.sum_ytd is not null
        and figure.source in ('townships', 'reported')
        and not figure.is_carried
        and abs(figure.own_ytd - figure.sum_ytd)
        > greatest({{ var('disagreement_abs') }}, {{ var('disagreement_rel') }} * abs(figure.own_ytd))
        and (
            figure.level = 'county'
            or indicator.scope is not null
            or (figure.sum_ytd > figure.own_ytd and not coalesce(indicator.is_signed, false))
        )
),

cell as (
    select
        version.indicator_code,
        version.level,
        version.unit_id,
        version.period,
        version.submission_id,
        version.file_name,
        version.sheet,
        version.cell,
        version.raw_text,
        row_number() over (
            partition by version.indicator_code, version.level, version.unit_id, version.period
            order by case version.measure when 'ytd' then 1 when 'stock' then 2 else 3 end, version.line_no
        ) as choice
    from {{ lately('int_observation_version') }} as version
    where
        version.status = 'in_force'
        and version.measure in ('ytd', 'stock', 'month')
        and version.level in ('county', 'township')
)

select
    pair.indicator_code,
    pair.level,
    pair.unit_id,
    pair.period,
    pair.own_ytd,
    pair.sum_ytd,
    pair.is_incomplete,
    cell.submission_id,
    cell.file_name,
    cell.sheet,
    cell.cell,
    cell.raw_text
from pair
inner join cell
    on pair.indicator_code = cell.indicator_code
    and pair.level = cell.level
    and pair.unit_id = cell.unit_id
    and pair.period = cell.period
    and cell.choice = 1
