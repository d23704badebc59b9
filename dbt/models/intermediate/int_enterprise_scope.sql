-- Which enterprise belonged to which scope (规上, 制药, 重点耗能 …), from when to when. `expected_from`: a unit of the
-- county's first register may have reported before it, one that a later register brought was not there.
with member as (
    select
        scope.scope,
        state.enterprise_id,
        state.township_code,
        state.unit_status,
        state.valid_from,
        state.valid_to,
        case
            when state.registered_from > min(state.registered_from) over () then greatest(state.valid_from, state.registered_from)
            else state.valid_from
        end as expected_from,
        {% for flag in ['flag', 'flag_2'] %}
        case scope.{{ flag }}
            when 'is_above_scale' then state.is_above_scale
            when 'is_agro_processing' then state.is_agro_processing
            when 'is_pharma' then state.is_pharma
            when 'is_coal_mine' then state.is_coal_mine
            when 'is_key_energy_user' then state.is_key_energy_user
            else scope.{{ flag }} is null
        end as holds_{{ flag }},
        {% endfor %}
        scope.industry_pattern is null
        or {{ matches('coalesce(state.industry_code, \'\')', 'scope.industry_pattern') }} as holds_industry
    from {{ ref('int_enterprise_state') }} as state
    cross join {{ ref('stg_scope') }} as scope
)

select
    scope,
    enterprise_id,
    township_code,
    unit_status,
    valid_from,
    valid_to,
    expected_from
from member
where holds_flag and holds_flag_2 and holds_industry
