-- The frozen list of key energy users in a month: energy, value added and intensity of each, and what each did to the
-- list's intensity. With intensity I = E / V of the list and share w of its value added, the change I1 - I0 is exactly
-- the sum over enterprises of w1 (i1 - i0), its own efficiency, and (w1 - w0)(i0 - I0), its weight. Both in percent of I0.
with member as (
    select
        unit_id,
        max(case when indicator_code = 'EN01' then value_ytd end) as intensity,
        max(case when indicator_code = 'EN01' then base_ytd end) as intensity_base,
        max(case when indicator_code = 'EN01' then growth_pct end) as growth_pct,
        max(case when indicator_code = 'EN01' then growth_note end) as growth_note,
        max(case when indicator_code = 'EN01' then growth_note_en end) as growth_note_en,
        max(case when indicator_code = 'EN01' then growth_note_pct end) as growth_note_pct,
        max(case when indicator_code = 'EN00' then value_ytd end) as energy,
        max(case when indicator_code = 'EN00' then base_ytd end) as energy_base,
        max(case when indicator_code = 'TE02' then value_ytd end) as added,
        max(case when indicator_code = 'TE02' then base_ytd end) as added_base,
        bool_or(coalesce(is_carried, false)) as is_carried,
        bool_or(indicator_code = 'EN01') as is_listed
    from marts.fct_indicator_progress
    where
        level = 'enterprise' and basis = 'reported' and period = $period
        and indicator_code in ('EN00', 'EN01', 'TE02')
    group by unit_id
),

counted as (
    select
        *,
        cast(case when intensity is not null and intensity_base is not null then energy end as double) as e1,
        cast(case when intensity is not null and intensity_base is not null then energy_base end as double) as e0,
        cast(case when intensity is not null and intensity_base is not null then added end as double) as v1,
        cast(case when intensity is not null and intensity_base is not null then added_base end as double) as v0
    from member
    where is_listed
),

whole as (
    select
        *,
        sum(e0) over () / nullif(sum(v0) over (), 0) as i0,
        v1 / nullif(sum(v1) over (), 0) as w1,
        v0 / nullif(sum(v0) over (), 0) as w0
    from counted
)

select
    unit_id, intensity, intensity_base, growth_pct, growth_note, growth_note_en, growth_note_pct, energy, energy_base,
    added, added_base, is_carried,
    100 * w1 * (e1 / nullif(v1, 0) - e0 / nullif(v0, 0)) / nullif(i0, 0) as efficiency_pct,
    100 * (w1 - w0) * (e0 / nullif(v0, 0) - i0) / nullif(i0, 0) as weight_pct
from whole
order by coalesce(100 * w1 * (e1 / nullif(v1, 0) - e0 / nullif(v0, 0)) / nullif(i0, 0), -1e9) desc, unit_id asc
