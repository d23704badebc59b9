-- One row per unit and predecessor, through any number of changes (domain.md D.2): the share of the predecessor's
-- figures that continues in the unit. `first_effective` is when the predecessor ended, `effective_from` when its
-- figures reached the unit.
with recursive link as (
    select
        from_code,
        to_code,
        effective_from,
        cast(weight as decimal(24, 12)) as weight
    from {{ ref('stg_township_link') }}
    where to_code is not null and from_code <> to_code
    union all
    -- a successor named in the register alone continues the whole unit
    select
        township.township_code as from_code,
        township.successor_code as to_code,
        {{ add_days('township.valid_to', 1) }} as effective_from,
        cast(1 as decimal(24, 12)) as weight
    from {{ ref('stg_township') }} as township
    left join {{ ref('stg_township_link') }} as known on township.township_code = known.from_code
    where township.successor_code is not null and township.valid_to is not null and known.from_code is null
),

chain as (
    select
        to_code as unit_id,
        from_code as predecessor_id,
        effective_from as first_effective,
        effective_from,
        weight,
        1 as depth
    from link
    union all
    select
        link.to_code as unit_id,
        chain.predecessor_id,
        chain.first_effective,
        link.effective_from,
        cast(chain.weight * link.weight as decimal(24, 12)) as weight,
        chain.depth + 1 as depth
    from chain
    inner join link on chain.unit_id = link.from_code and chain.effective_from <= link.effective_from
    where chain.depth < 12
),

folded as (
    select
        unit_id,
        predecessor_id,
        min(first_effective) as first_effective,
        min(effective_from) as effective_from,
        sum(weight) as weight
    from chain
    where unit_id <> predecessor_id
    group by unit_id, predecessor_id
)

select
    folded.unit_id,
    folded.predecessor_id,
    folded.first_effective,
    folded.effective_from,
    cast(folded.weight as decimal(24, 12)) as weight,
    -- a rename or change of rank: the same unit under another code
    unit.durable_id = predecessor.durable_id as is_same_unit,
    -- a partial transfer leaves the predecessor in being
    coalesce(predecessor.valid_to < folded.first_effective, false) as predecessor_ended
from folded
inner join {{ ref('stg_township') }} as unit on folded.unit_id = unit.township_code
inner join {{ ref('stg_township') }} as predecessor on folded.predecessor_id = predecessor.township_code
