-- Rounds of closing a month that were known, one row per month and round. What comes after `after_seq` in the
-- order of intake is later than the round: a round's version may be older than the reopening that went before it.
select
    period,
    round_no,
    version,
    last_seq,
    greatest(last_seq, coalesce(lag(reopened_seq) over (partition by period order by round_no), last_seq)) as after_seq,
    approved_by,
    approved_at,
    {%- for column in ['closed_by', 'closed_at', 'reopened_by', 'reopened_at', 'reopened_seq', 'reason'] %}
    {% if as_of() -%}
    case when {{ 'closed_at' if column in ['closed_by', 'closed_at'] else 'reopened_at' }} < {{ as_of_end() }}
        then {{ column }} end as {{ column }}
    {%- else -%}
    {{ column }}
    {%- endif %}{{ ',' if not loop.last }}
    {%- endfor %}
from {{ source('raw', 'closing') }}
{% if as_of() %}
where approved_at < {{ as_of_end() }}
{% endif %}
