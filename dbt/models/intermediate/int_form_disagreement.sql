{{ config(materialized=by_year()) }}
-- Two forms that report one key with different figures: the one in force first, the other beside it (design.md 3.5).
with figure as (
    select
        level,
        unit_id,
        indicator_code,
        period,
        measure,
        form_code,
        form_precedence,
        sum(value) as value,
        min(submission_id) as submission_id,
        min(file_name) as file_name,
        min(sheet) as sheet,
        min(cell) as cell,
        min(raw_text) as raw_text
    from {{ lately('int_observation_version') }}
    where
        (status = 'in_force' or (status = 'superseded' and form_precedence > 1))
        and measure in ('month', 'ytd', 'stock', 'target', 'target_growth', 'target_stretch')
        and value is not null
    group by level, unit_id, indicator_code, period, measure, form_code, form_precedence
)

select
    other.level,
    other.unit_id,
    other.indicator_code,
    other.period,
    other.measure,
    kept.form_code as kept_form,
    kept.file_name as kept_file,
    kept.sheet as kept_sheet,
    kept.cell as kept_cell,
    kept.value as kept_value,
    other.form_code as other_form,
    other.submission_id as other_submission_id,
    other.file_name as other_file,
    other.sheet as other_sheet,
    other.cell as other_cell,
    other.raw_text as other_raw_text,
    other.value as other_value
from figure as other
inner join figure as kept
    on other.level = kept.level
    and other.unit_id = kept.unit_id
    and other.indicator_code = kept.indicator_code
    and other.period = kept.period
    and other.measure = kept.measure
    and kept.form_precedence = 1
where
    other.form_precedence > 1
    and abs(other.value - kept.value)
    > greatest({{ var('disagreement_abs') }}, {{ var('disagreement_rel') }} * abs(kept.value))
