{{ config(materialized=by_year()) }}
-- A figure that a later submission of the same form changed: the value before and after, both submissions, and what that
-- did to the unit's lamp and rank. A version that says the same again is no revision; quarantined and withdrawn ones
-- neither revise nor are revised. A figure that is said for the first time after its month was closed differs from the
-- frozen version, so it stands here too.
-- Lamp and rank are asked of one figure: all else as it is known now, this figure once as before and once as after the
-- revision, judged by the formulas of every other figure (macros/judgement.sql) and placed among the peers of today.
with touched as (
    -- nearly every figure was said once, before its month was closed: only the others need the windows below
    select
        version.level,
        version.unit_id,
        version.indicator_code,
        version.period
    from {{ lately('int_observation_version') }} as version
    left join (
        select
            period,
            min(after_seq) as after_seq
        from {{ ref('stg_closing') }}
        where closed_at is not null
        group by period
    ) as closed on version.period = closed.period
    where version.status in ('in_force', 'superseded')
    group by version.level, version.unit_id, version.indicator_code, version.period
    having min(version.seq) <> max(version.seq) or max(version.seq) > min(closed.after_seq)
),

line as (
    select
        version.form_code,
        version.level,
        version.unit_id,
        version.indicator_code,
        version.period,
        version.measure,
        version.seq,
        version.submission_id,
        version.file_name,
        version.sheet,
        version.cell,
        version.valid_from,
        version.value,
        version.null_reason,
        version.status,
        -- one key twice in one submission: the first cell stands (int_observation_version)
        row_number() over (
            partition by
                version.form_code, version.level, version.unit_id, version.indicator_code, version.period,
                version.measure, version.seq, version.line_no
            order by version.sheet nulls last, length(version.cell) nulls last, version.cell nulls last
        ) as occurrence,
        -- what else the workbook says of the unit's figure: beside it, a blank is no silence
        count(
            case
                when
                    version.measure in ('month', 'ytd', 'stock')
                    and (version.value is not null or version.null_reason = 'below_unit')
                    then 1
            end
        ) over (
            partition by
                version.form_code, version.level, version.unit_id, version.indicator_code, version.period, version.seq
        ) as figures_said,
        max(case when version.is_carried and version.measure in ('ytd', 'stock') then 1 else 0 end) over (
            partition by
                version.form_code, version.level, version.unit_id, version.indicator_code, version.period, version.seq
        ) as is_footnoted
    from {{ lately('int_observation_version') }} as version
    inner join touched
        on version.level = touched.level
        and version.unit_id = touched.unit_id
        and version.indicator_code = touched.indicator_code
        and version.period = touched.period
    where version.status in ('in_force', 'superseded')
),

said as (
    select
        form_code,
        level,
        unit_id,
        indicator_code,
        period,
        measure,
        seq,
        max(submission_id) as submission_id,
        max(file_name) as file_name,
        min(sheet) as sheet,
        min(cell) as cell,
        max(valid_from) as valid_from,
        {{ as_value('sum(value)') }} as value,
        -- as it counts: "less than the smallest unit" is 0 (domain.md C.2)
        {{ as_value("sum(case when value is null and null_reason = 'below_unit' then 0 else value end)") }} as counted,
        max(case when value is null then null_reason end) as null_reason,
        max(is_footnoted) as is_footnoted,
        max(figures_said) as figures_said,
        max(case when status = 'in_force' then 1 else 0 end) as is_standing
    from line
    where occurrence = 1
    group by form_code, level, unit_id, indicator_code, period, measure, seq
),

followed as (
    select
        said.*,
        lag(value) over by_key as previous_value,
        lag(counted) over by_key as previous_counted,
        lag(null_reason) over by_key as previous_null_reason,
        lag(is_footnoted) over by_key as previous_footnoted,
        lag(figures_said) over by_key as previous_figures_said,
        lag(submission_id) over by_key as previous_submission_id,
        row_number() over by_key as revision_no
    from said
    window by_key as (partition by form_code, level, unit_id, indicator_code, period, measure order by seq)
),

late as (
    select
        followed.*,
        closing.version as closed_with
    from followed
    left join {{ ref('stg_closing') }} as closing
        on followed.period = closing.period
        and closing.closed_at is not null
        and followed.seq > closing.after_seq
        and followed.seq <= coalesce(closing.reopened_seq, followed.seq)
),

revised as (
    select *
    from late
    where
        (revision_no > 1 and (value <> previous_value or (value is null) <> (previous_value is null)))
        or (revision_no = 1 and closed_with is not null and value is not null)
),

-- What the unit's figure is made of today ------------------------------------------------------------------------------
standing as (
    select
        said.form_code,
        said.level,
        said.unit_id,
        said.indicator_code,
        said.period,
        said.measure,
        said.counted,
        -- which of the reported figures int_own_figure takes: the first that is no blank
        row_number() over (
            partition by said.level, said.unit_id, said.indicator_code, said.period
            order by
                case when said.counted is null then 1 else 0 end,
                case said.measure when 'stock' then 1 when 'ytd' then 2 else 3 end
        ) as choice
    from said
    inner join {{ ref('dim_indicator') }} as indicator on said.indicator_code = indicator.indicator_code
    where
        said.is_standing = 1
        and (
            said.measure in ('ytd', 'month')
            or (said.measure = 'stock' and indicator.kind not in ('flow', 'count'))
        )
    union all
    select
        form_code,
        level,
        unit_id,
        indicator_code,
        period,
        measure,
        counted,
        1 as choice
    from said
    where is_standing = 1 and measure = 'base_ytd' and counted is not null
),

-- a merger in the year: what the predecessors brought stands behind a blank (int_unit_figure)
heir as (
    select distinct
        unit_id,
        year(first_effective) as year_no
    from {{ ref('int_township_predecessor') }}
    where predecessor_ended
),

-- The figure as it was and as it became --------------------------------------------------------------------------------
asked as (
    select
        revised.form_code,
        revised.level,
        revised.unit_id,
        revised.indicator_code,
        revised.period,
        revised.measure,
        revised.revision_no,
        side.name as side,
        growth.basis,
        growth.kind,
        growth.direction,
        growth.growth_basis,
        growth.growth_basis in ('diff_pp', 'diff') as is_difference,
        growth.price_level,
        target.target_form,
        target.target_value,
        target.start_value,
        target.is_cumulative,
        target.time_progress_pct,
        target.green_min_pp,
        target.yellow_min_pp,
        target.uses_time_progress,
        target.is_zero_goal,
        standing.counted as standing_value,
        growth.value_ytd,
        growth.value_exact as value_now,
        growth.base_ytd,
        growth.base_exact as base_now,
        case when side.name = 'new' then revised.counted else revised.previous_counted end as side_value,
        case when side.name = 'new' then revised.null_reason else revised.previous_null_reason end as null_reason,
        coalesce(case when side.name = 'new' then revised.is_footnoted else revised.previous_footnoted end, 0) = 1
            as is_footnoted,
        coalesce(case when side.name = 'new' then revised.figures_said else revised.previous_figures_said end, 0)
            as figures_said
    from revised
    inner join standing
        on revised.form_code = standing.form_code
        and revised.level = standing.level
        and revised.unit_id = standing.unit_id
        and revised.indicator_code = standing.indicator_code
        and revised.period = standing.period
        and revised.measure = standing.measure
        and standing.choice = 1
    inner join {{ lately('int_growth') }} as growth
        on revised.level = growth.level
        and revised.unit_id = growth.unit_id
        and revised.indicator_code = growth.indicator_code
        and revised.period = growth.period
        and growth.basis = case when revised.level = 'enterprise' then 'reported' else 'comparable' end
    left join {{ lately('int_target_progress') }} as target
        on growth.basis = target.basis
        and growth.level = target.level
        and growth.unit_id = target.unit_id
        and growth.indicator_code = target.indicator_code
        and growth.period = target.period
        and target.precedence = 1
        and target.tier = 'must'
    left join heir on revised.unit_id = heir.unit_id and year(revised.period) = heir.year_no
    cross join (select 'previous' as name union all select 'new' as name) as side
    where
        case
            -- printed beside a December figure, it is also what a stock's target starts from
            when revised.measure = 'base_ytd'
                then growth.base_source = 'printed'
                    and not growth.is_carried
                    and not (growth.kind = 'stock' and month(revised.period) = 12)
            else growth.source = 'reported' and (standing.counted is not null or heir.unit_id is null)
        end
),

restated as (
    select
        asked.*,
        -- nothing said: the unit carries an older figure or has none, grey either way. Unknown where it, or perhaps an
        -- enterprise, was at rest, where the unit has no such figure, and where another figure stood beside the blank.
        side_value is null or (is_footnoted and measure <> 'base_ytd') as is_silent,
        case
            when side_value is not null then true
            else measure <> 'base_ytd'
                and level <> 'enterprise'
                and figures_said = 0
                and coalesce(null_reason, '') not in ('suspended', 'closed', 'na')
        end as is_known,
        -- reported at all, as int_growth has it
        side_value is not null as is_reported,
        is_footnoted and measure <> 'base_ytd' as is_carried,
        case
            when measure = 'base_ytd' then value_now
            when standing_value is null then cast(side_value as double)
            else cast({{ as_value('value_ytd + side_value - standing_value') }} as double)
        end as value_exact,
        case
            when measure = 'base_ytd' then cast({{ as_value('base_ytd + side_value - standing_value') }} as double)
            else base_now
        end as base_exact
    from asked
),

compared as (
    select
        restated.*,
        value_exact as actual_value,
        value_exact / price_level as value_real,
        value_exact - base_exact as delta
    from restated
),

grown as (
    select
        compared.*,
        {{ growth_pct() }} as growth_pct,
        {{ growth_real_pct() }} as growth_real_pct,
        {{ growth_note_code() }} as growth_note_code
    from compared
),

faced as (
    select
        grown.*,
        {{ growth_judged_pct('grown') }} as growth_judged_pct,
        {{ target_is_bound() }} as is_bound
    from grown
),

attained as (
    select
        faced.*,
        {{ level_ratio_pct() }} as level_ratio_pct,
        {{ attainment_pct() }} as attainment_pct
    from faced
),

gauged as (
    select
        attained.*,
        {{ gap_pp() }} as gap_pp
    from attained
),

judged as (
    select
        gauged.*,
        {{ lamp() }} as lamp,
        coalesce({{ rank_gap_key('gauged') }}, -1e300) as gap_key,
        coalesce({{ rank_growth_key('gauged', 'direction') }}, -1e300) as growth_key
    from gauged
    where is_known
),

peer as (
    select
        progress.unit_id,
        progress.indicator_code,
        progress.period,
        township.class as unit_class,
        coalesce({{ rank_gap_key('progress') }}, -1e300) as gap_key,
        coalesce({{ rank_growth_key('progress', 'indicator.direction') }}, -1e300) as growth_key
    from {{ lately('fct_indicator_progress') }} as progress
    inner join {{ ref('dim_township') }} as township on progress.unit_id = township.township_code
    inner join {{ ref('dim_indicator') }} as indicator on progress.indicator_code = indicator.indicator_code
    where progress.basis = 'comparable' and progress.level = 'township' and progress.rank is not null
),

placed as (
    select
        judged.form_code,
        judged.level,
        judged.unit_id,
        judged.indicator_code,
        judged.period,
        judged.measure,
        judged.revision_no,
        judged.side,
        max(judged.lamp) as lamp,
        case
            when
                max(township.class) <> ''
                and not max(judged.is_silent)
                and (max(judged.gap_key) > -1e300 or max(judged.growth_key) > -1e300)
                then cast(1 + count(peer.unit_id) as integer)
        end as place
    from judged
    left join {{ ref('dim_township') }} as township
        on judged.level = 'township' and judged.unit_id = township.township_code
    left join peer
        on judged.indicator_code = peer.indicator_code
        and judged.period = peer.period
        and judged.unit_id <> peer.unit_id
        and township.class = peer.unit_class
        and (
            peer.gap_key > judged.gap_key
            or (peer.gap_key = judged.gap_key and peer.growth_key > judged.growth_key)
        )
    group by
        judged.form_code, judged.level, judged.unit_id, judged.indicator_code, judged.period, judged.measure,
        judged.revision_no, judged.side
)

select
    revised.form_code,
    revised.level,
    revised.unit_id,
    revised.indicator_code,
    revised.period,
    revised.measure,
    cast(revised.revision_no - 1 as integer) as revision_no,
    revised.previous_value,
    revised.value as new_value,
    {{ as_value('revised.value - revised.previous_value') }} as difference,
    {% for side in ['previous', 'new'] %}
    case when previous.side is not null and new.side is not null then {{ side }}.lamp end as {{ side }}_lamp,
    case when previous.side is not null and new.side is not null then {{ side }}.place end as {{ side }}_rank,
    {% endfor %}
    previous.side is not null and new.side is not null as is_judged,
    revised.previous_submission_id,
    revised.submission_id,
    revised.file_name,
    revised.sheet,
    revised.cell,
    revised.valid_from,
    revised.closed_with is not null as is_after_closing,
    revised.closed_with
from revised
{% for side in ['previous', 'new'] %}
left join placed as {{ side }}
    on {{ side }}.side = '{{ side }}'
    {% for column in ['form_code', 'level', 'unit_id', 'indicator_code', 'period', 'measure', 'revision_no'] %}
    and revised.{{ column }} = {{ side }}.{{ column }}
    {% endfor %}
{% endfor %}
