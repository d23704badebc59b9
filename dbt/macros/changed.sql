{#-
    A refresh makes anew only the years that what arrived can change, and those after them (warehouse/increments.py, which
    decides the first of them and proves it). A model that says `materialized=by_year()` keeps its rows of earlier years;
    what it reads of others it may narrow by `lately`. One condition holds all of this: no row depends on what was
    reported for a later year. On Spark, and wherever nothing is kept, every model is made whole.
-#}

{#- How a model whose rows carry a `period` is made. -#}
{% macro by_year() -%}
    {{ return('by_year' if target.type == 'duckdb' else 'table') }}
{%- endmacro %}

{#- The first day of the years to be made anew, as text; none where everything is. -#}
{% macro changed_since() -%}
    {%- if execute and target.type == 'duckdb' -%}
        {%- set told = run_query(
            "select 1 as one from duckdb_tables() where database_name = 'kept' and schema_name = 'main'"
            ~ " and table_name = 'changed'"
        ) -%}
        {%- if told | length > 0 -%}
            {{ return(run_query('select cast(since as varchar) as since from kept.main.changed').columns[0].values()[0]) }}
        {%- endif -%}
    {%- endif -%}
    {{ return(none) }}
{%- endmacro %}

{#- Is `day` in a year to be made anew, or within `months` before the first of them? -#}
{% macro is_lately(day, months=0) -%}
    {%- set since = changed_since() -%}
    {%- if since is none -%}true
    {%- else -%}{{ day }} >= {{ add_months("cast('" ~ since ~ "' as date)", -months) }}
    {%- endif -%}
{%- endmacro %}

{#- The rows of a model from `months` before the years to be made anew on; all of them where everything is. -#}
{% macro lately(model, months=0) -%}
    {%- set relation = ref(model) -%}
    {%- if changed_since() is none -%}{{ relation }}
    {%- else -%}(select * from {{ relation }} where {{ is_lately('period', months) }})
    {%- endif -%}
{%- endmacro %}

{% materialization by_year, adapter='duckdb' %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set since = changed_since() -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- if existing is none or since is none -%}
        {{ drop_relation_if_exists(existing) }}
        {% call statement('main') -%}
            {{ create_table_as(False, target_relation, sql) }}
        {%- endcall %}
        {% do persist_docs(target_relation, model) %}
    {%- else -%}
        {% call statement('forget') -%}
            delete from {{ target_relation }} where period >= cast('{{ since }}' as date)
        {%- endcall %}
        {% call statement('main') -%}
            insert into {{ target_relation }} by name
            select *
            from (
            {{ sql }}
            ) as fresh
            where fresh.period >= cast('{{ since }}' as date)
        {%- endcall %}
    {%- endif -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
