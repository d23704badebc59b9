{#-
    The one formula of the appraisal (domain.md E.2, E.3): every family F-A … F-I, its parameters read from the scheme's
    JSON. fct_score computes with it, and the same text is published as the scalar macro marts.appraisal_score, so that
    a simulation cannot differ from what is published. Arguments are SQL expressions of one row:
      completion   share of the target attained (1 = 100 %), by the calendar or of the whole year as the scheme says
      gap_pp       points ahead of the target; due_target: the target as far as the calendar has run
      x, x_min, x_max, is_lower_better   the figure compared with peers of the class
      place        rank inside the class; deaths, injuries: persons, in the year so far
      above_average   the growth is above the county's
    Null where the figure, the target or the parameters the family needs are missing.
-#}
{% macro appraisal_raw(a) -%}
    {%- set p = a.parameters -%}
    {%- set w = 'cast(' ~ a.full_mark ~ ' as double)' -%}
    {%- set r = a.completion -%}
    {%- set steps = '(round(abs(1 - ' ~ r ~ ') / coalesce(' ~ json_number(p, 'step_size') ~ ', 0.1), 9))' -%}
    {%- set counted = "(case coalesce(" ~ json_text(p, 'step') ~ ", 'linear') when 'floor' then floor" ~ steps
        ~ " when 'ceil' then ceil" ~ steps ~ ' else ' ~ steps ~ ' end)' -%}
    {%- set points = 'coalesce(' ~ json_number(p, 'p') ~ ', 0) * ' ~ counted -%}
    {%- set delta = "(case coalesce(" ~ json_text(p, 'mode') ~ ", 'ratio') when 'gap' then " ~ a.gap_pp
        ~ " when 'units' then cast(" ~ a.actual ~ ' as double) - ' ~ a.due_target
        ~ ' else round((' ~ r ~ ' - 1) * 100, 9) end)' -%}
    {%- set low = 'coalesce(' ~ json_number(p, 'lo') ~ ', 50)' -%}
    {%- set high = 'coalesce(' ~ json_number(p, 'hi') ~ ', 100)' -%}
    {%- set position = '(' ~ a.x ~ ' - ' ~ a.x_min ~ ') / nullif(' ~ a.x_max ~ ' - ' ~ a.x_min ~ ', 0)' -%}
    {%- set satisfied = '(' ~ a.x ~ ' - ' ~ json_number(p, 'xs') ~ ') / nullif(' ~ json_number(p, 'xh') ~ ' - '
        ~ json_number(p, 'xs') ~ ', 0)' -%}
    case {{ a.family }}
        when 'F-A' then case
            when {{ r }} < 1 then {{ w }} * {{ r }}
            when {{ r }} >= 1 then {{ w }} + least(
                coalesce({{ json_number(p, 'a') }}, 0) * round(({{ r }} - 1) * 100, 9),
                coalesce({{ json_number(p, 'cap') }}, 1e9)
            )
        end
        when 'F-B' then case
            when {{ r }} is null then null
            when round({{ r }}, 9) <= {{ json_number(p, 'zero_at') }} then cast(0 as double)
            when {{ r }} < 1 then {{ w }} - least({{ points }}, coalesce({{ json_number(p, 'cap') }}, 1e9))
            else {{ w }} + least({{ points }}, coalesce({{ json_number(p, 'cap') }}, 0))
        end
        when 'F-C' then case
            when {{ delta }} >= 0 then {{ w }} + least(
                coalesce({{ json_number(p, 'up') }}, 0) * {{ delta }}, coalesce({{ json_number(p, 'cap') }}, 1e9)
            )
            when {{ delta }} < 0 then {{ w }} + coalesce({{ json_number(p, 'down') }}, 0) * {{ delta }}
        end
        when 'F-D' then case
            when {{ a.gap_pp }} is not null then least(
                coalesce({{ json_number(p, 'share') }}, 0.8) * {{ w }}
                + coalesce({{ json_number(p, 'per_point') }}, 0.5) * {{ a.gap_pp }},
                coalesce({{ json_number(p, 'k') }} * {{ w }}, 1e9)
            )
        end
        when 'F-E' then case
            when {{ a.place }} is null then null
            when {{ json_number(p, 'target_share') }} is null
                then {{ w }} * greatest(1 - coalesce({{ json_number(p, 'step') }}, 0.05) * ({{ a.place }} - 1), 0)
            else {{ w }} * {{ json_number(p, 'target_share') }} * (case when {{ r }} >= 1 then 1 else 0 end)
                + {{ w }} * (1 - {{ json_number(p, 'target_share') }})
                * greatest(1 - coalesce({{ json_number(p, 'step') }}, 0.05) * ({{ a.place }} - 1), 0)
        end
        when 'F-F' then case
            when {{ a.x }} is null then null
            when {{ a.x_max }} = {{ a.x_min }} then {{ w }} * {{ high }} / 100
            when {{ a.is_lower_better }}
                then {{ w }} * ({{ high }} - ({{ high }} - {{ low }}) * ({{ position }})) / 100
            else {{ w }} * ({{ low }} + ({{ high }} - {{ low }}) * ({{ position }})) / 100
        end
        when 'F-G' then case
            when {{ satisfied }} is null then null
            when {{ json_text(p, 'mode') }} = 'exponential'
                then {{ w }} * least(greatest(60 * exp(ln(cast(100 as double) / 60) * ({{ satisfied }})), 0), 100) / 100
            else {{ w }} * least(greatest(60 + 40 * ({{ satisfied }}), 0), 100) / 100
        end
        when 'F-H' then case
            when {{ a.x }} is not null and {{ json_number(p, 'std') }} is not null then least(
                greatest({{ w }} * {{ a.x }} / nullif({{ json_number(p, 'std') }}, 0), coalesce({{ json_number(p, 'lo') }}, 0)),
                coalesce({{ json_number(p, 'hi') }}, 1e9)
            )
        end
        when 'F-I' then case
            when {{ json_text(p, 'mode') }} = 'deduct' then {{ w }}
                - coalesce({{ a.deaths }}, 0) * coalesce({{ json_number(p, 'per_death') }}, 0)
                - coalesce({{ a.injuries }}, 0) * coalesce({{ json_number(p, 'per_injury') }}, 0)
            when {{ a.actual }} <= {{ a.target }} then {{ w }}
            when {{ a.actual }} > {{ a.target }} then cast(0 as double)
        end
    end
{%- endmacro %}

{#- Floor and cap, two decimals half up (domain.md E.3: the printed table has to add up), then the bonus; never below 0. -#}
{% macro appraisal_score(a) -%}
    case when ({{ appraisal_raw(a) }}) is not null then cast(
        round(cast(least(
            greatest({{ appraisal_raw(a) }}, coalesce(cast({{ a.score_min }} as double), 0)),
            coalesce(cast({{ a.score_max }} as double), 1e9)
        ) as decimal(24, 6)), 2)
        + case when {{ a.above_average }}
            then round(cast(coalesce({{ json_number(a.parameters, 'bonus_above_average') }}, 0) as decimal(24, 6)), 2)
            else 0
        end as decimal(24, 6)
    ) end
{%- endmacro %}

{#- The names under which the formula reads one row; the same for the model and for the published macro. -#}
{% macro appraisal_arguments() -%}
    {{ return([
        'family', 'parameters', 'full_mark', 'score_min', 'score_max', 'completion', 'gap_pp', 'actual', 'target',
        'due_target', 'x', 'x_min', 'x_max', 'is_lower_better', 'place', 'deaths', 'injuries', 'above_average'
    ]) }}
{%- endmacro %}

{#- marts.appraisal_score: the formula for whoever simulates (the dashboard's what-if, analysts). Only the published file
    holds it; where another engine makes the marts, publish_appraisal_score writes it into that file afterwards. -#}
{% macro publish_appraisal(relation) -%}
    {{ return(adapter.dispatch('publish_appraisal', 'tew')(relation)) }}
{%- endmacro %}
{% macro spark__publish_appraisal(relation) -%}
{%- endmacro %}
{% macro default__publish_appraisal(relation) -%}
    {%- set a = {} -%}
    {%- for name in appraisal_arguments() -%}{%- do a.update({name: name}) -%}{%- endfor -%}
    create or replace macro {{ relation.database }}.{{ relation.schema }}.appraisal_score({{ appraisal_arguments() | join(', ') }}) as (
        {{ appraisal_score(a) }}
    )
{%- endmacro %}

{% macro publish_appraisal_score() -%}
    {%- do run_query(publish_appraisal(api.Relation.create(
        database=target.database, schema='marts', identifier='fct_score'
    ))) -%}
{%- endmacro %}
