{#- Types and small rules of figures, so that each is written once (design.md 3.5). -#}

{#- Values and money. -#}
{% macro as_value(expression) -%}
    cast({{ expression }} as decimal(24, 6))
{%- endmacro %}

{#- A value computed as a DOUBLE. Two steps: engines round half of the last place by the binary number (DuckDB) or by its
    decimal text (Spark), so that 258.8333335 would end in 3 or in 4; eight places first make it a half for both. -#}
{% macro double_as_value(expression) -%}
    cast(cast({{ expression }} as decimal(28, 8)) as decimal(24, 6))
{%- endmacro %}

{#- n / d as DOUBLE, null where d is 0 or null. -#}
{% macro quotient(n, d) -%}
    (cast({{ n }} as double) / nullif(cast({{ d }} as double), 0))
{%- endmacro %}

{#- Months since year 0: differences of it are whole months, which a gap in the series cannot hide. -#}
{% macro month_index(day) -%}
    (year({{ day }}) * 12 + month({{ day }}))
{%- endmacro %}

{#- -0.0 is never shown (domain.md B.2). -#}
{% macro no_negative_zero(expression) -%}
    (case when {{ expression }} = 0 then cast(0 as double) else {{ expression }} end)
{%- endmacro %}

{#- A message of messages.csv with its {fields} filled by SQL expressions. -#}
{% macro filled(template, fields) -%}
    {%- set ns = namespace(sql=template) -%}
    {%- for name, expression in fields.items() -%}
        {%- set ns.sql = "replace(" ~ ns.sql ~ ", '{" ~ name ~ "}', coalesce(cast(" ~ expression ~ " as string), ''))" -%}
    {%- endfor -%}
    {{ ns.sql }}
{%- endmacro %}

{#- Is the row (aliased `rule`) of a dated reference table in force on `day`? -#}
{% macro in_force_on(rule, day) -%}
    ({{ rule }}.valid_from is null or {{ rule }}.valid_from <= {{ day }})
    and ({{ rule }}.valid_to is null or {{ rule }}.valid_to >= {{ day }})
{%- endmacro %}
