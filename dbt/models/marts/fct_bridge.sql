{{ config(materialized=by_year()) }}
-- The change of a level figure split exactly: one row per level, unit, indicator, period and component. Amounts of a unit
-- add up to value_ytd - base_ytd of its reported basis to the last digit. Only a figure that is a report of its own, and not
-- the sum of its parts, has a part that its enterprises leave unexplained.
with present as (
    select
        base.indicator_code,
        base.level,
        base.unit_id,
        base.township_code,
        -- the same place under another code after a rename or change of rank
        coalesce(township.durable_id, base.township_code) as place,
        base.kind,
        base.period,
        base.base_period,
        base.asof_period,
        base.value_ytd,
        base.reported_base_ytd as base_ytd,
        base.reported_base_source as base_source,
        base.comparable_base_ytd,
        base.comparable_base_source,
        base.printed_base_ytd,
        base.last_ytd,
        base.source
    from {{ lately('int_base') }} as base
    left join {{ ref('stg_township') }} as township on base.township_code = township.township_code
    where base.kind <> 'ratio'
),

earlier as (
    select
        figure.indicator_code,
        figure.level,
        figure.unit_id,
        coalesce(township.durable_id, figure.township_code) as place,
        figure.period,
        figure.source,
        figure.value_ytd
    from {{ lately('int_unit_figure', 12) }} as figure
    left join {{ ref('stg_township') }} as township on figure.township_code = township.township_code
    where figure.value_ytd is not null and figure.kind <> 'ratio' and figure.level <> 'county'
),

compared as (
    select distinct
        indicator_code,
        period,
        base_period
    from present
    where level <> 'enterprise' and asof_period = period
),

-- Enterprises: here now --------------------------------------------------------------------------------------------
here as (
    select
        present.indicator_code,
        present.place,
        present.period,
        sum(case when present.last_ytd is not null or present.printed_base_ytd is not null
            then present.value_ytd - coalesce(present.last_ytd, present.printed_base_ytd) else 0 end) as matched,
        sum(case when present.last_ytd is null and present.printed_base_ytd is null then present.value_ytd else 0 end)
            as entry,
        sum(case when stood.place <> present.place then stood.value_ytd else 0 end) as moved_in
    from present
    left join earlier as stood
        on stood.level = 'enterprise'
        and present.indicator_code = stood.indicator_code
        and present.unit_id = stood.unit_id
        and present.base_period = stood.period
    where present.level = 'enterprise' and present.value_ytd is not null and present.place is not null
    group by present.indicator_code, present.place, present.period
),

-- Enterprises: here then, and gone or elsewhere now; who is only silent stands on neither side ---------------------
there as (
    select
        compared.indicator_code,
        stood.place,
        compared.period,
        sum(case when present.unit_id is null then stood.value_ytd else 0 end) as left_out,
        sum(case when present.value_ytd is not null and present.place <> stood.place
            then stood.value_ytd else 0 end) as moved_out
    from compared
    inner join earlier as stood
        on stood.level = 'enterprise'
        and compared.indicator_code = stood.indicator_code
        and compared.base_period = stood.period
    left join present
        on present.level = 'enterprise'
        and stood.indicator_code = present.indicator_code
        and stood.unit_id = present.unit_id
        and compared.period = present.period
    where stood.place is not null
    group by compared.indicator_code, stood.place, compared.period
),

-- Townships --------------------------------------------------------------------------------------------------------
township as (
    select
        present.indicator_code,
        present.level,
        present.unit_id,
        present.period,
        present.base_period,
        present.value_ytd,
        present.base_ytd,
        present.source = 'enterprises' as is_sum,
        present.comparable_base_ytd,
        present.comparable_base_source,
        present.printed_base_ytd,
        present.last_ytd,
        coalesce(here.matched, 0) as matched,
        coalesce(here.entry, 0) as entry,
        -coalesce(there.left_out, 0) as departure,
        coalesce(here.moved_in, 0) - coalesce(there.moved_out, 0) as moved
    from present
    left join here
        on present.indicator_code = here.indicator_code
        and present.place = here.place
        and present.period = here.period
    left join there
        on present.indicator_code = there.indicator_code
        and present.place = there.place
        and present.period = there.period
    where present.level = 'township' and present.value_ytd is not null
),

-- townships that have no row any more, whose last year is in the county's
lost as (
    select
        stood.indicator_code,
        compared.period,
        sum(-coalesce(there.left_out, 0)) as departure,
        -- what its enterprises do not account for: gone with the boundary; with a sum, parts of mines that live on
        sum(
            case when link.from_code is null and stood.source <> 'enterprises'
                then -coalesce(there.moved_out, 0)
                else coalesce(there.left_out, 0) - stood.value_ytd
            end
        ) as moved,
        sum(
            case when link.from_code is null and stood.source <> 'enterprises'
                then coalesce(there.left_out, 0) + coalesce(there.moved_out, 0) - stood.value_ytd else 0
            end
        ) as departure_of_unit
    from compared
    inner join earlier as stood
        on stood.level = 'township'
        and compared.indicator_code = stood.indicator_code
        and compared.base_period = stood.period
    left join present
        on present.level = 'township'
        and stood.indicator_code = present.indicator_code
        and stood.place = present.place
        and compared.period = present.period
    left join (select distinct from_code from {{ ref('stg_township_link') }}) as link on stood.unit_id = link.from_code
    left join there
        on stood.indicator_code = there.indicator_code
        and stood.place = there.place
        and compared.period = there.period
    where present.unit_id is null
    group by stood.indicator_code, compared.period
),

enterprises as (
    select
        indicator_code,
        period,
        sum(matched) as matched,
        sum(entry) as entry
    from here
    group by indicator_code, period
),

enterprises_gone as (
    select
        indicator_code,
        period,
        sum(-left_out) as departure
    from there
    group by indicator_code, period
),

county as (
    select
        present.indicator_code,
        present.level,
        present.unit_id,
        present.period,
        present.base_period,
        present.value_ytd,
        present.base_ytd,
        false as is_sum,
        present.comparable_base_ytd,
        present.comparable_base_source,
        present.printed_base_ytd,
        present.last_ytd,
        coalesce(enterprises.matched, 0) as matched,
        coalesce(enterprises.entry, 0) as entry,
        coalesce(enterprises_gone.departure, 0) as departure,
        cast(0 as decimal(24, 6)) as moved
    from present
    left join enterprises
        on present.indicator_code = enterprises.indicator_code and present.period = enterprises.period
    left join enterprises_gone
        on present.indicator_code = enterprises_gone.indicator_code and present.period = enterprises_gone.period
    where present.level = 'county' and present.value_ytd is not null and present.source <> 'townships'
),

-- a printed base may be one of the old boundaries or of the new ones: the nearer tells
placed as (
    select
        own.*,
        coalesce(
            comparable_base_source = 'last_year'
            and comparable_base_ytd <> last_ytd
            and (printed_base_ytd is null or abs(printed_base_ytd - comparable_base_ytd) > abs(printed_base_ytd - last_ytd)),
            false
        ) as has_old_boundary,
        case
            when comparable_base_source = 'last_year' then comparable_base_ytd
            else last_ytd
        end as joined_ytd
    from (
        select * from township
        union all
        select * from county
    ) as own
),

restated as (
    select
        placed.*,
        case
            when is_sum then moved
            when has_old_boundary then joined_ytd - last_ytd
            else 0
        end as boundary,
        case
            when is_sum then value_ytd - coalesce(base_ytd, 0) - matched - entry - departure - moved
            when last_ytd is null or base_ytd is null then 0
            when has_old_boundary then last_ytd - base_ytd
            else joined_ytd - base_ytd
        end as restatement,
        {{ quotient('case when not is_sum then joined_ytd end', 'base_ytd') }} as times
    from placed
),

split as (
    select
        restated.*,
        {% set factors = [10, 100, 1000, 10000, 100000000] -%}
        coalesce(
            {% for factor in factors -%}
            times between {{ factor }} * 0.98 and {{ factor }} * 1.02
            or times between 0.98 / {{ factor }} and 1.02 / {{ factor }}
            {%- if not loop.last %} or {% endif %}
            {% endfor %},
            false
        ) as is_slip_of_units,
        case
            when is_sum then 0
            else value_ytd - coalesce(base_ytd, 0) - matched - entry - departure - boundary - restatement
        end as unexplained
    from restated
),

of_townships as (
    select
        indicator_code,
        period,
        sum(matched) as matched,
        sum(entry) as entry,
        sum(departure) as departure,
        sum(boundary) as boundary,
        sum(case when is_slip_of_units then 0 else restatement end) as revision,
        sum(case when is_slip_of_units then restatement else 0 end) as unit_correction,
        sum(unexplained) as unexplained
    from split
    where level = 'township'
    group by indicator_code, period
),

county_of_townships as (
    select
        present.indicator_code,
        present.unit_id,
        present.period,
        present.base_period,
        present.value_ytd,
        present.base_ytd,
        of_townships.matched,
        -- where nothing is known of the year before, nobody can be told to be new
        known.indicator_code is not null as has_year_before,
        case when known.indicator_code is not null then of_townships.entry else 0 end as entry,
        of_townships.departure + coalesce(lost.departure + lost.departure_of_unit, 0) as departure,
        of_townships.boundary + coalesce(lost.moved, 0) as boundary,
        of_townships.unit_correction,
        case when known.indicator_code is not null then of_townships.unexplained else 0 end as unexplained
    from present
    inner join of_townships
        on present.indicator_code = of_townships.indicator_code and present.period = of_townships.period
    -- a base that is the sum of the bases of today's townships never held the others
    left join lost
        on present.indicator_code = lost.indicator_code
        and present.period = lost.period
        and present.base_source <> 'parts'
    left join (select distinct indicator_code, period from earlier) as known
        on present.indicator_code = known.indicator_code and present.base_period = known.period
    where present.level = 'county' and present.source = 'townships' and present.value_ytd is not null
),

county_closed as (
    select
        county_of_townships.*,
        value_ytd - base_ytd - matched - entry - departure - boundary - unit_correction - unexplained as rest
    from county_of_townships
    where base_ytd is not null
),

wide as (
    select
        level,
        unit_id,
        indicator_code,
        period,
        base_period,
        value_ytd,
        base_ytd,
        matched,
        entry,
        departure,
        boundary,
        case when is_slip_of_units then 0 else restatement end as revision,
        case when is_slip_of_units then restatement else 0 end as unit_correction,
        unexplained
    from split
    where base_ytd is not null
    union all
    select
        'county' as level,
        unit_id,
        indicator_code,
        period,
        base_period,
        value_ytd,
        base_ytd,
        matched,
        entry,
        departure,
        boundary,
        case when has_year_before then rest else 0 end as revision,
        unit_correction,
        case when has_year_before then unexplained else rest end as unexplained
    from county_closed
)

{% for component, column in {
    'matched': 'matched', 'entry': 'entry', 'exit': 'departure', 'boundary': 'boundary', 'revision': 'revision',
    'unit_correction': 'unit_correction', 'unexplained': 'unexplained',
}.items() -%}
select
    level,
    unit_id,
    indicator_code,
    period,
    base_period,
    '{{ component }}' as component,
    {{ as_value(column) }} as amount,
    case when base_ytd > 0 then {{ no_negative_zero(quotient(column, 'base_ytd') ~ ' * 100') }} end as points
from wide
{% if component != 'matched' -%}
where {{ column }} <> 0
{% endif -%}
{% if not loop.last %}
union all
{% endif -%}
{% endfor %}
