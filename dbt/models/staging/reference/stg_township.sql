-- Units that reference data describes, and those that a form registered as it met them.
select
    township_code,
    durable_id,
    name_zh,
    name_en,
    kind,
    class,
    valid_from,
    valid_to,
    successor_code,
    sort_order,
    note
from {{ source('reference', 'townships') }}
union all
select
    met.township_code,
    met.township_code as durable_id,
    min(met.name_zh) as name_zh,
    min(met.name_en) as name_en,
    min(met.kind) as kind,
    cast(null as string) as class,
    make_date(1900, 1, 1) as valid_from,
    cast(null as date) as valid_to,
    cast(null as string) as successor_code,
    cast(null as integer) as sort_order,
    cast(null as string) as note
from {{ source('raw', 'township') }} as met
left join {{ source('reference', 'townships') }} as known on met.township_code = known.township_code
where
    known.township_code is null
    {% if as_of() %}
    and met.submission_id in (select heard.submission_id from {{ known_submissions() }} as heard)
    {% endif %}
group by met.township_code
