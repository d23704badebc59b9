{#-
    How Spark makes a table. It computes a CTE as often as it is named, and one that is named in others over and over
    again; DuckDB computes it once. So here every CTE that does work and is named more than once becomes a table of its
    own first, in schema scratch, which is emptied before the next model. The rows are the same, planning and computing
    are not: a model of 40 CTEs went from minutes to seconds.
    Does not belong here: SQL that the engines write differently (portable.sql).
-#}
{% macro spark__create_table_as(temporary, relation, compiled_code, language='sql') -%}
    {%- if temporary -%}
        {{ create_temporary_view(relation, compiled_code) }}
    {%- else -%}
        create table {{ relation }} {{ file_format_clause() }} {{ partition_cols(label="partitioned by") }} as
        {{ with_shared_parts(compiled_code) if execute else compiled_code }}
    {%- endif -%}
{%- endmacro %}

{#- The same query, its shared CTEs read from tables that this call makes. -#}
{% macro with_shared_parts(sql) -%}
    {%- set found = query_parts(sql) -%}
    {%- do run_query('drop schema if exists scratch cascade') -%}
    {%- do run_query('create schema scratch') -%}
    {%- set texts = {} -%}
    {%- for name, body in found.parts -%}
        {%- set later = found.parts[loop.index:] | map(attribute=1) | list + [found.main] -%}
        {%- set named = modules.re.findall('(?i)\\b(?:from|join)\\s+' ~ name ~ '\\b', later | join('\n')) | length -%}
        {%- set works = modules.re.search('(?i)\\b(?:join|group by|over|union|distinct)\\b', body) -%}
        {%- if named > 1 and works -%}
            {%- do run_query('create table scratch.' ~ name ~ ' as ' ~ whole_query(texts, body)) -%}
            {%- do texts.update({name: 'select * from scratch.' ~ name}) -%}
        {%- else -%}
            {%- do texts.update({name: body}) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(whole_query(texts, found.main)) }}
{%- endmacro %}

{#- `main` after those of the CTEs `texts` (name → body, in order) that it needs. -#}
{% macro whole_query(texts, main) -%}
    {%- set ns = namespace(read=main) -%}
    {%- set needed = [] -%}
    {%- for name, body in (texts.items() | list | reverse) -%}
        {%- if modules.re.search('(?i)\\b(?:from|join)\\s+' ~ name ~ '\\b', ns.read) -%}
            {%- do needed.insert(0, name ~ ' as (\n' ~ body ~ '\n)') -%}
            {%- set ns.read = ns.read ~ '\n' ~ body -%}
        {%- endif -%}
    {%- endfor -%}
    {#- a body may begin with CTEs of its own -#}
    {%- if needed and modules.re.match('(?i)\\s*(?:--[^\n]*\n\\s*)*with\\b', main) -%}
        {{ return('with ' ~ needed | join(',\n') ~ '\nselect * from (\n' ~ main ~ '\n)') }}
    {%- endif -%}
    {{ return(('with ' ~ needed | join(',\n') ~ '\n' if needed else '') ~ main) }}
{%- endmacro %}

{#- A query taken apart: `parts`, its CTEs as (name, body) in order, and `main`, what follows them. One without CTEs, or
    with recursive ones, is all main. -#}
{% macro query_parts(sql) -%}
    {%- set ns = namespace(depth=0, state='before', name='', start=0, main=none) -%}
    {%- set parts = [] -%}
    {%- for token in modules.re.finditer("--[^\n]*|/\\*(?s:.*?)\\*/|'(?:[^']|'')*'|[(),]|\\w+", sql) if ns.main is none -%}
        {%- set text = token.group() -%}
        {%- if text[:2] in ('--', '/*') or text[0] == "'" -%}
        {%- elif text == '(' -%}
            {%- if ns.depth == 0 -%}{%- set ns.start = token.end() -%}{%- endif -%}
            {%- set ns.depth = ns.depth + 1 -%}
        {%- elif text == ')' -%}
            {%- set ns.depth = ns.depth - 1 -%}
            {%- if ns.depth == 0 -%}
                {%- do parts.append((ns.name, sql[ns.start:token.start()])) -%}
                {%- set ns.state = 'after' -%}
            {%- endif -%}
        {%- elif ns.depth > 0 -%}
        {%- elif ns.state == 'before' -%}
            {%- if text | lower != 'with' -%}{%- set ns.main = sql -%}{%- endif -%}
            {%- set ns.state = 'name' -%}
        {%- elif ns.state == 'name' -%}
            {%- if text | lower == 'recursive' -%}{%- set ns.main = sql -%}{%- endif -%}
            {%- set ns.name = text -%}
            {%- set ns.state = 'as' -%}
        {%- elif ns.state == 'after' and text == ',' -%}
            {%- set ns.state = 'name' -%}
        {%- elif ns.state == 'after' -%}
            {%- set ns.main = sql[token.start():] -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return({'parts': [] if ns.main == sql else parts, 'main': ns.main}) }}
{%- endmacro %}
