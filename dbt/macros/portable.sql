{#-
    What DuckDB and Spark write differently, behind one name each (design.md principle 11, measured.md).
    Models use these and otherwise only SQL that both read alike.
-#}

{#- The date `months` whole months after `day` (a month's first day stays one). -#}
{% macro add_months(day, months) -%}
    {{ return(adapter.dispatch('add_months', 'tew')(day, months)) }}
{%- endmacro %}
{% macro default__add_months(day, months) -%}
    cast({{ day }} + to_months(cast({{ months }} as integer)) as date)
{%- endmacro %}
{% macro spark__add_months(day, months) -%}
    add_months({{ day }}, {{ months }})
{%- endmacro %}

{#- The date `days` days after `day`. -#}
{% macro add_days(day, days) -%}
    {{ return(adapter.dispatch('add_days', 'tew')(day, days)) }}
{%- endmacro %}
{% macro default__add_days(day, days) -%}
    cast(cast({{ day }} as date) + cast({{ days }} as integer) as date)
{%- endmacro %}
{% macro spark__add_days(day, days) -%}
    date_add({{ day }}, {{ days }})
{%- endmacro %}

{#- `moment` shifted by `hours`. -#}
{% macro add_hours(moment, hours) -%}
    {{ return(adapter.dispatch('add_hours', 'tew')(moment, hours)) }}
{%- endmacro %}
{% macro default__add_hours(moment, hours) -%}
    ({{ moment }} + to_hours(cast({{ hours }} as integer)))
{%- endmacro %}
{% macro spark__add_hours(moment, hours) -%}
    ({{ moment }} + make_dt_interval(0, cast({{ hours }} as int)))
{%- endmacro %}

{#- Whole days from `earlier` to `later`. -#}
{% macro days_between(earlier, later) -%}
    {{ return(adapter.dispatch('days_between', 'tew')(earlier, later)) }}
{%- endmacro %}
{% macro default__days_between(earlier, later) -%}
    date_diff('day', cast({{ earlier }} as date), cast({{ later }} as date))
{%- endmacro %}
{% macro spark__days_between(earlier, later) -%}
    cast(datediff({{ later }}, {{ earlier }}) as bigint)
{%- endmacro %}

{#- Does `text` contain a match of the regular expression `pattern`? -#}
{% macro matches(text, pattern) -%}
    {{ return(adapter.dispatch('matches', 'tew')(text, pattern)) }}
{%- endmacro %}
{% macro default__matches(text, pattern) -%}
    regexp_matches({{ text }}, {{ pattern }})
{%- endmacro %}
{% macro spark__matches(text, pattern) -%}
    ({{ text }} rlike {{ pattern }})
{%- endmacro %}

{#- The last value of `expression` that is not null, in the window so far. -#}
{% macro last_known(expression, partition_by, order_by) -%}
    {{ return(adapter.dispatch('last_known', 'tew')(expression, partition_by, order_by)) }}
{%- endmacro %}
{% macro default__last_known(expression, partition_by, order_by) -%}
    last_value({{ expression }} ignore nulls) over (
        partition by {{ partition_by }} order by {{ order_by }}
        rows between unbounded preceding and current row
    )
{%- endmacro %}
{% macro spark__last_known(expression, partition_by, order_by) -%}
    last_value({{ expression }}, true) over (
        partition by {{ partition_by }} order by {{ order_by }}
        rows between unbounded preceding and current row
    )
{%- endmacro %}

{#- A number out of a JSON object in a text, null where the key is missing. -#}
{% macro json_number(text, key) -%}
    {{ return(adapter.dispatch('json_number', 'tew')(text, key)) }}
{%- endmacro %}
{% macro default__json_number(text, key) -%}
    try_cast(json_extract_string({{ text }}, '$.{{ key }}') as double)
{%- endmacro %}
{% macro spark__json_number(text, key) -%}
    try_cast(get_json_object({{ text }}, '$.{{ key }}') as double)
{%- endmacro %}

{#- A text out of a JSON object in a text, null where the key is missing. -#}
{% macro json_text(text, key) -%}
    {{ return(adapter.dispatch('json_text', 'tew')(text, key)) }}
{%- endmacro %}
{% macro default__json_text(text, key) -%}
    json_extract_string({{ text }}, '$.{{ key }}')
{%- endmacro %}
{% macro spark__json_text(text, key) -%}
    get_json_object({{ text }}, '$.{{ key }}')
{%- endmacro %}

{#- The texts of a group, in the order of `order_by`, parted by semicolons. -#}
{% macro joined_texts(text, order_by) -%}
    {{ return(adapter.dispatch('joined_texts', 'tew')(text, order_by)) }}
{%- endmacro %}
{% macro default__joined_texts(text, order_by) -%}
    string_agg({{ text }}, '; ' order by {{ order_by }})
{%- endmacro %}
{% macro spark__joined_texts(text, order_by) -%}
    listagg({{ text }}, '; ') within group (order by {{ order_by }})
{%- endmacro %}
