-- What an enterprise was, from when to when: its register over time, and the events decided about it.
-- The first state reaches back to before the register, so that earlier reports find a location and a scope.
with register as (
    select
        roster.*,
        max(case when roster.is_provisional then 0 else 1 end) over (partition by roster.enterprise_id) as is_registered
    from {{ ref('stg_roster') }} as roster
),

-- what forms say of a unit: 关闭 closes it, a later report opens it again (domain.md C.2)
told as (
    select
        enterprise_id,
        period,
        seq,
        status
    from (
        select
            coverage.unit_id as enterprise_id,
            coverage.period,
            coverage.seq,
            coverage.status,
            lag(coverage.status) over (partition by coverage.unit_id order by coverage.period, coverage.seq) as before
        from {{ ref('stg_coverage') }} as coverage
        inner join (select distinct enterprise_id from register) as known on coverage.unit_id = known.enterprise_id
        where coverage.level = 'enterprise' and coverage.status in ('closed', 'reported')
    ) as spoken
    where (status = 'closed' and coalesce(before, '') <> 'closed') or (status = 'reported' and before = 'closed')
),

change as (
    select
        enterprise_id,
        valid_from,
        seq,
        credit_code,
        name_zh,
        township_code,
        industry_code,
        is_above_scale,
        is_agro_processing,
        is_pharma,
        is_coal_mine,
        is_key_energy_user,
        capacity_tonnes_per_year,
        unit_status,
        is_provisional
    from register
    where is_registered = 0 or not is_provisional
    union all
    select
        enterprise_id,
        period as valid_from,
        seq,
        cast(null as string) as credit_code,
        cast(null as string) as name_zh,
        cast(null as string) as township_code,
        cast(null as string) as industry_code,
        cast(null as boolean) as is_above_scale,
        cast(null as boolean) as is_agro_processing,
        cast(null as boolean) as is_pharma,
        cast(null as boolean) as is_coal_mine,
        cast(null as boolean) as is_key_energy_user,
        cast(null as decimal(24, 6)) as capacity_tonnes_per_year,
        case when status = 'closed' then 'closed' else 'active' end as unit_status,
        false as is_provisional
    from told
    union all
    select
        event.enterprise_id,
        event.effective_from as valid_from,
        -- an event is decided upon the register of its day, and goes after it
        cast(9000000000 as bigint) as seq,
        cast(null as string) as credit_code,
        cast(null as string) as name_zh,
        case when event.event = 'moved' then event.other_id end as township_code,
        cast(null as string) as industry_code,
        case when scope.flag = 'is_above_scale' then event.event = 'entered_scope' end as is_above_scale,
        case when scope.flag = 'is_agro_processing' then event.event = 'entered_scope' end as is_agro_processing,
        case when scope.flag = 'is_pharma' then event.event = 'entered_scope' end as is_pharma,
        case when scope.flag = 'is_coal_mine' then event.event = 'entered_scope' end as is_coal_mine,
        case when scope.flag = 'is_key_energy_user' then event.event = 'entered_scope' end as is_key_energy_user,
        cast(null as decimal(24, 6)) as capacity_tonnes_per_year,
        case
            when event.event in ('closed', 'merged_into') then 'closed'
            when event.event = 'suspended' then 'suspended'
            when event.event in ('opened', 'resumed') then 'active'
        end as unit_status,
        false as is_provisional
    from {{ ref('stg_enterprise_event') }} as event
    left join {{ ref('stg_scope') }} as scope
        on event.scope = scope.scope and event.event in ('entered_scope', 'left_scope')
),

filled as (
    select
        enterprise_id,
        valid_from,
        seq,
        is_provisional,
        {% for column in [
            'credit_code', 'name_zh', 'township_code', 'industry_code', 'is_above_scale', 'is_agro_processing',
            'is_pharma', 'is_coal_mine', 'is_key_energy_user', 'capacity_tonnes_per_year', 'unit_status',
        ] %}
        {{ last_known(column, 'enterprise_id', 'valid_from, seq') }} as {{ column }},
        {% endfor %}
        row_number() over (partition by enterprise_id, valid_from order by seq desc) as from_latest
    from change
),

state as (
    select
        filled.*,
        row_number() over (partition by enterprise_id order by valid_from) as state_no,
        row_number() over (partition by enterprise_id order by valid_from desc) as states_left,
        lead(valid_from) over (partition by enterprise_id order by valid_from) as next_from
    from filled
    where from_latest = 1
)

select
    enterprise_id,
    credit_code,
    name_zh,
    township_code,
    industry_code,
    coalesce(is_above_scale, false) as is_above_scale,
    coalesce(is_agro_processing, false) as is_agro_processing,
    coalesce(is_pharma, false) as is_pharma,
    coalesce(is_coal_mine, false) as is_coal_mine,
    coalesce(is_key_energy_user, false) as is_key_energy_user,
    capacity_tonnes_per_year,
    coalesce(unit_status, 'active') as unit_status,
    is_provisional,
    valid_from as registered_from,
    case when state_no = 1 then make_date(1900, 1, 1) else valid_from end as valid_from,
    case when next_from is null then make_date(9999, 12, 31) else {{ add_days('next_from', -1) }} end as valid_to,
    states_left = 1 as is_latest
from state
