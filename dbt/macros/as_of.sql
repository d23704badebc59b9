{#-
    What was known at the end of an earlier day (UTC): dbt's var `as_of` or the environment's TEW_DBT_AS_OF, YYYY-MM-DD;
    empty means all that is known. Only staging applies it, so that every model above shows that day
    (dagster_project/warehouse/as_of.py).
-#}
{% macro as_of() -%}
    {{ return(var('as_of', env_var('TEW_DBT_AS_OF', ''))) }}
{%- endmacro %}

{#- The first moment that was not known yet. -#}
{% macro as_of_end() -%}
    cast({{ add_days("cast('" ~ as_of() ~ "' as date)", 1) }} as timestamp)
{%- endmacro %}

{#- Submissions as they stood: a file sent later but dated earlier is known since the latest receipt up to its intake,
    and must not open a negative interval (docs/architecture.md, Decisions); a later withdrawal was not known yet. -#}
{% macro known_submissions() -%}
    (
        select
            received.*,
            {% if as_of() -%}
            case
                when received.status <> 'withdrawn' or received.withdrawn_at < {{ as_of_end() }} then received.status
                else 'accepted'
            end as status_then,
            case when received.withdrawn_at < {{ as_of_end() }} then received.withdrawn_at end as withdrawn_then
            {%- else -%}
            received.status as status_then,
            received.withdrawn_at as withdrawn_then
            {%- endif %}
        from (
            select
                submission.*,
                max(received_at) over (order by seq rows between unbounded preceding and current row) as known_from
            from {{ source('raw', 'submission') }} as submission
        ) as received
        {%- if as_of() %}
            where received.known_from < {{ as_of_end() }}
        {%- endif %}
    )
{%- endmacro %}

{#- For rows that staging reads without their submission: those of submissions that were known. -#}
{% macro if_known(relation) -%}
    {% if as_of() -%}
    where {{ relation }}.submission_id in (select known.submission_id from {{ known_submissions() }} as known)
    {%- endif %}
{%- endmacro %}
