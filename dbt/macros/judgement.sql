{#-
    Growth, gap, lamp and the order of ranks, each written once: a figure as it stands (int_growth, int_target_progress,
    fct_indicator_progress) and as it stood before a revision (fct_revision) are judged by the same lines. Each reads the
    columns that its comment names. What does not belong here: where the figures come from.
-#}

{#- value_exact, base_exact, delta, is_difference -#}
{% macro growth_pct() -%}
    case
        when value_exact is null or base_exact is null then null
        when is_difference then delta
        when base_exact > 0 and value_exact >= 0 then (value_exact / base_exact - 1) * 100
    end
{%- endmacro %}

{#- value_real, base_exact -#}
{% macro growth_real_pct() -%}
    case
        when base_exact > 0 and value_real >= 0 then (value_real / base_exact - 1) * 100
    end
{%- endmacro %}

{#- growth_basis, growth_real_pct, growth_pct: what a growth or reduction target is held against (domain.md J.2) -#}
{% macro growth_judged_pct(relation) -%}
    {{ no_negative_zero("case when " ~ relation ~ ".growth_basis = 'real' and " ~ relation ~ ".growth_real_pct is not null
        then " ~ relation ~ ".growth_real_pct else " ~ relation ~ ".growth_pct end") }}
{%- endmacro %}

{#- value_exact, base_exact, is_difference, is_reported -#}
{% macro growth_note_code() -%}
    case
        -- reported, but no figure follows from it (百万吨死亡率 without output)
        when value_exact is null and is_reported then 'undefined'
        when value_exact is null then 'not_reported'
        when base_exact is null then 'base_missing'
        when is_difference then null
        when base_exact > 0 and value_exact < 0 then 'turned_negative'
        when base_exact > 0 then null
        when base_exact = 0 and value_exact > 0 then 'new'
        when base_exact = 0 and value_exact < 0 then 'turned_negative'
        when base_exact = 0 then 'zero_base'
        when value_exact >= 0 then 'turned_positive'
        when value_exact >= base_exact then 'loss_narrowed'
        else 'loss_widened'
    end
{%- endmacro %}

{#- target_value, target_form, kind: a loss to be kept within bounds, or a result that is to break even -#}
{% macro target_is_bound() -%}
    target_value <= 0 and target_form in ('level', 'floor', 'task', 'full') and kind <> 'stock'
{%- endmacro %}

{#- is_bound, actual_value, target_value -#}
{% macro level_ratio_pct() -%}
    case when not is_bound then {{ quotient('actual_value', 'target_value') }} * 100 end
{%- endmacro %}

{#- is_bound, target_form, kind, target_value, start_value, actual_value, growth_judged_pct -#}
{% macro attainment_pct() -%}
    case
        when is_bound then null
        when target_form in ('level', 'floor', 'task', 'full') and kind = 'stock'
            then case
                when target_value > start_value
                    then (actual_value - start_value) / (target_value - start_value) * 100
            end
        when target_form in ('level', 'floor', 'task', 'full', 'cap')
            then {{ quotient('actual_value', 'target_value') }} * 100
        -- a rise is a gap, never an achievement
        when target_form = 'reduction' and growth_judged_pct <= 0
            then {{ quotient('-growth_judged_pct', 'target_value') }} * 100
    end
{%- endmacro %}

{#- target_value, actual_value, target_form, growth_judged_pct, delta, kind, direction, is_cumulative, time_progress_pct,
    attainment_pct -#}
{% macro gap_pp() -%}
    case
        when target_value is null or actual_value is null then null
        when target_form = 'growth' then growth_judged_pct - target_value
        when target_form = 'share' then delta - target_value
        when target_form = 'reduction' then -growth_judged_pct - target_value
        when target_form = 'full' and kind = 'ratio' then actual_value - target_value
        when target_form = 'cap' and is_cumulative then time_progress_pct - attainment_pct
        when target_form = 'cap' then 100 - attainment_pct
        -- a rate that must come down
        when direction in ('down', 'cap') and kind = 'ratio' then 100 - attainment_pct
        when is_cumulative or kind = 'stock' then attainment_pct - time_progress_pct
        else attainment_pct - 100
    end
{%- endmacro %}

{#- what gap_pp() reads, is_carried, is_reported, gap_pp, is_bound, start_value, level_ratio_pct, and of the lamp rule
    green_min_pp, yellow_min_pp, uses_time_progress, is_zero_goal -#}
{% macro lamp() -%}
    case
        when is_carried or (actual_value is null and not is_reported) then 'grey'
        when actual_value is null or target_value is null then null
        when target_form = 'cap' then case
            when actual_value > target_value then 'red'
            when is_zero_goal and actual_value > 0 then 'yellow'
            when uses_time_progress and is_cumulative and actual_value > round(target_value * time_progress_pct / 100, 9)
                then 'yellow'
            else 'green'
        end
        when target_form = 'reduction' then case
            when gap_pp is null then null
            when round(gap_pp, 9) >= 0 then 'green'
            when growth_judged_pct < 0 then 'yellow'
            else 'red'
        end
        -- a stock whose target lies at or below its start only has to hold it
        when kind = 'stock' and attainment_pct is null and target_form in ('level', 'floor', 'task', 'full') then case
            when start_value is null then null
            when level_ratio_pct - 100 >= green_min_pp then 'green'
            when level_ratio_pct - 100 >= yellow_min_pp then 'yellow'
            else 'red'
        end
        when is_bound and direction in ('down', 'cap') then case
            when actual_value <= target_value then 'green'
            else 'red'
        end
        -- a loss may use the year's bound up month by month, as deaths use up a cap
        when is_bound then case
            when actual_value >= round(case when is_cumulative then target_value * time_progress_pct / 100 else target_value end, 9)
                then 'green'
            when actual_value >= target_value then 'yellow'
            else 'red'
        end
        when gap_pp is null then null
        -- eleven twelfths are not less than eleven twelfths: the last digits of a double decide no lamp
        when round(gap_pp, 9) >= green_min_pp then 'green'
        when round(gap_pp, 9) >= yellow_min_pp then 'yellow'
        else 'red'
    end
{%- endmacro %}

{#- gap_pp: by gap first; as columns of `relation` -#}
{% macro rank_gap_key(relation) -%}
    round({{ relation }}.gap_pp, 9)
{%- endmacro %}

{#- gap_pp, growth_note_code, growth_pct; a loss turned out of a profit stands last -#}
{% macro rank_growth_key(relation, direction) -%}
    case
        when {{ relation }}.gap_pp is not null then cast(0 as double)
        when {{ relation }}.growth_note_code = 'turned_negative' then cast(-1e15 as double)
        when {{ direction }} in ('down', 'cap') then -round({{ relation }}.growth_pct, 9)
        else round({{ relation }}.growth_pct, 9)
    end
{%- endmacro %}
