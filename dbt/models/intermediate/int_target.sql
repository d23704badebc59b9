{{ config(materialized=by_year()) }}
-- The target that holds for a unit in each month of its year: one row per level, unit, indicator, month, tier and form.
-- After a merger the targets of the predecessors join those of the unit, unless a document issued since then sets them
-- anew (domain.md D.3.5). A blank target stays as a row without a value: it is pending.
with issued as (
    select
        version.level,
        version.unit_id,
        version.indicator_code,
        year(version.period) as year_no,
        case when version.measure = 'target_stretch' then 'stretch' else 'must' end as tier,
        case
            when version.measure = 'target_growth' then 'growth'
            else coalesce(version.target_form, indicator.target_form, 'level')
        end as target_form,
        case when version.measure = 'target_growth' then 1 else 0 end as is_growth_column,
        cast(version.value as double) as target_value,
        version.received_at,
        row_number() over (
            partition by
                version.level, version.unit_id, version.indicator_code, year(version.period),
                case when version.measure = 'target_stretch' then 'stretch' else 'must' end,
                case
                    when version.measure = 'target_growth' then 'growth'
                    else coalesce(version.target_form, indicator.target_form, 'level')
                end
            order by
                case when version.value is null then 1 else 0 end,
                case when version.measure = 'target_growth' then 1 else 0 end,
                version.line_no
        ) as choice
    from {{ lately('int_observation_version') }} as version
    inner join {{ ref('stg_indicator') }} as indicator on version.indicator_code = indicator.indicator_code
    where version.status = 'in_force' and version.measure in ('target', 'target_growth', 'target_stretch')
),

month_of_year as (
    select 1 as month_no
    {% for month in range(2, 13) %}
    union all
    select {{ month }} as month_no
    {% endfor %}
),

line as (
    select * from {{ ref('int_township_predecessor') }}
),

unit_month as (
    select distinct
        issued.level,
        issued.unit_id,
        issued.indicator_code,
        issued.tier,
        issued.target_form,
        make_date(issued.year_no, month_of_year.month_no, 1) as period
    from issued
    cross join month_of_year
    where issued.choice = 1
    union
    select distinct
        issued.level,
        line.unit_id,
        issued.indicator_code,
        issued.tier,
        issued.target_form,
        make_date(issued.year_no, month_of_year.month_no, 1) as period
    from issued
    inner join line on issued.level = 'township' and issued.unit_id = line.predecessor_id and line.predecessor_ended
    cross join month_of_year
    where
        issued.choice = 1
        and year(line.effective_from) = issued.year_no
        and line.effective_from <= make_date(issued.year_no, month_of_year.month_no, 1)
),

joined as (
    select
        unit_month.level,
        unit_month.unit_id,
        unit_month.indicator_code,
        unit_month.period,
        unit_month.tier,
        unit_month.target_form,
        own.target_value as own_value,
        own.is_growth_column,
        own.unit_id is not null as has_own,
        sum(case
            when own.unit_id is null or own.received_at < line.effective_from then predecessor.target_value * line.weight
        end) as brought_value,
        max(case when line.is_same_unit then predecessor.target_value end) as same_unit_value,
        max(predecessor.is_growth_column) as brought_growth_column
    from unit_month
    left join issued as own
        on unit_month.level = own.level
        and unit_month.unit_id = own.unit_id
        and unit_month.indicator_code = own.indicator_code
        and year(unit_month.period) = own.year_no
        and unit_month.tier = own.tier
        and unit_month.target_form = own.target_form
        and own.choice = 1
    left join line
        on unit_month.level = 'township'
        and unit_month.unit_id = line.unit_id
        and line.predecessor_ended
        and year(line.effective_from) = year(unit_month.period)
        and line.effective_from <= unit_month.period
    left join issued as predecessor
        on line.predecessor_id = predecessor.unit_id
        and predecessor.level = 'township'
        and unit_month.indicator_code = predecessor.indicator_code
        and year(unit_month.period) = predecessor.year_no
        and unit_month.tier = predecessor.tier
        and unit_month.target_form = predecessor.target_form
        and predecessor.choice = 1
    group by
        unit_month.level, unit_month.unit_id, unit_month.indicator_code, unit_month.period, unit_month.tier,
        unit_month.target_form, own.target_value, own.is_growth_column, own.unit_id
)

select
    joined.level,
    joined.unit_id,
    joined.indicator_code,
    joined.period,
    joined.tier,
    joined.target_form,
    coalesce(joined.is_growth_column, joined.brought_growth_column, 0) as is_growth_column,
    case
        -- amounts add; a rate that was set for a unit does not
        when joined.target_form in ('level', 'floor', 'cap', 'task') and indicator.kind <> 'ratio'
            then case
                when joined.has_own then joined.own_value + coalesce(joined.brought_value, 0)
                else joined.brought_value
            end
        when joined.has_own then joined.own_value
        else joined.same_unit_value
    end as target_value
from joined
inner join {{ ref('stg_indicator') }} as indicator on joined.indicator_code = indicator.indicator_code
left join {{ ref('stg_township') }} as township
    on joined.level = 'township' and joined.unit_id = township.township_code
where
    township.township_code is null
    or (
        joined.period >= make_date(year(township.valid_from), month(township.valid_from), 1)
        and (township.valid_to is null or joined.period <= township.valid_to)
    )
