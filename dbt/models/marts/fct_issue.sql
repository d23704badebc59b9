-- What intake and audit found, and what only shows when submissions meet: two forms that disagree (FORM), a reported
-- row that is not the sum of its parts (SUM), a workbook that changed a closed month (CLOSED). None of them blocks publication: they judge reporters, not our arithmetic.
with found as (
    select
        issue.submission_id || '-' || cast(issue.issue_no as string) as issue_id,
        issue.submission_id,
        submission.file_name,
        issue.sheet,
        issue.cell,
        issue.severity,
        issue.rule,
        issue.message_zh,
        issue.message_en,
        issue.raw_text,
        issue.indicator_code,
        issue.level,
        issue.unit_id,
        issue.period,
        issue.status
    from {{ ref('stg_issue') }} as issue
    left join {{ ref('stg_submission') }} as submission on issue.submission_id = submission.submission_id
    union all
    select
        'FORM-' || pair.level || '-' || pair.unit_id || '-' || pair.indicator_code || '-' || cast(pair.period as string)
        || '-' || pair.measure || '-' || pair.other_form as issue_id,
        pair.other_submission_id as submission_id,
        pair.other_file as file_name,
        pair.other_sheet as sheet,
        pair.other_cell as cell,
        'warning' as severity,
        'FORM' as rule,
        {% for language in ['zh', 'en'] %}
        {{ filled('message.' ~ language, {
            'indicator_' ~ language: 'indicator.name_' ~ language,
            'period': 'substr(cast(pair.period as string), 1, 7)',
            'form_a': 'pair.kept_form',
            'file_a': 'pair.kept_file',
            'sheet_a': 'pair.kept_sheet',
            'cell_a': 'pair.kept_cell',
            'value_a': 'cast(pair.kept_value as decimal(24, 2))',
            'form_b': 'pair.other_form',
            'file_b': 'pair.other_file',
            'sheet_b': 'pair.other_sheet',
            'cell_b': 'pair.other_cell',
            'value_b': 'cast(pair.other_value as decimal(24, 2))',
        }) }} as message_{{ language }},
        {% endfor %}
        pair.other_raw_text as raw_text,
        pair.indicator_code,
        pair.level,
        pair.unit_id,
        pair.period,
        'open' as status
    from {{ ref('int_form_disagreement') }} as pair
    inner join {{ ref('dim_indicator') }} as indicator on pair.indicator_code = indicator.indicator_code
    inner join {{ ref('stg_message') }} as message on message.key = 'marts.forms_differ'
    union all
    select
        'SUM-' || pair.level || '-' || pair.unit_id || '-' || pair.indicator_code || '-' || cast(pair.period as string)
            as issue_id,
        pair.submission_id,
        pair.file_name,
        pair.sheet,
        pair.cell,
        case when pair.is_incomplete then 'info' else 'warning' end as severity,
        'SUM' as rule,
        {% for language in ['zh', 'en'] %}
        {{ filled('message.' ~ language, {
            'indicator_' ~ language: 'indicator.name_' ~ language,
            'period': 'substr(cast(pair.period as string), 1, 7)',
            'unit_' ~ language: 'township.name_' ~ language,
            'reported': 'cast(pair.own_ytd as decimal(24, 2))',
            'ours': 'cast(pair.sum_ytd as decimal(24, 2))',
            'difference': 'cast(pair.own_ytd - pair.sum_ytd as decimal(24, 2))',
        }) }} as message_{{ language }},
        {% endfor %}
        pair.raw_text,
        pair.indicator_code,
        pair.level,
        pair.unit_id,
        pair.period,
        'open' as status
    from {{ ref('int_sum_disagreement') }} as pair
    inner join {{ ref('dim_indicator') }} as indicator on pair.indicator_code = indicator.indicator_code
    inner join {{ ref('dim_township') }} as township on pair.unit_id = township.township_code
    inner join {{ ref('stg_message') }} as message on message.key = 'marts.sum_differs'
    union all
    select
        'CLOSED-' || late.submission_id || '-' || cast(late.period as string) as issue_id,
        late.submission_id,
        late.file_name,
        cast(null as string) as sheet,
        cast(null as string) as cell,
        'warning' as severity,
        'CLOSED' as rule,
        {% for language in ['zh', 'en'] %}
        {{ filled('message.' ~ language, {
            'period': 'substr(cast(late.period as string), 1, 7)',
            'version': 'late.version',
            'changed': 'late.changed',
            'added': 'late.added',
        }) }} as message_{{ language }},
        {% endfor %}
        cast(null as string) as raw_text,
        cast(null as string) as indicator_code,
        submission.reporter_level as level,
        submission.reporter_unit_id as unit_id,
        late.period,
        'open' as status
    from (
        select
            submission_id,
            period,
            max(file_name) as file_name,
            max(closed_with) as version,
            sum(case when revision_no > 0 then 1 else 0 end) as changed,
            sum(case when revision_no = 0 then 1 else 0 end) as added
        from {{ ref('fct_revision') }}
        where is_after_closing
        group by submission_id, period
    ) as late
    inner join {{ ref('stg_submission') }} as submission on late.submission_id = submission.submission_id
    inner join {{ ref('stg_message') }} as message on message.key = 'marts.closed_month_changed'
)

select
    found.issue_id,
    found.submission_id,
    found.file_name,
    found.sheet,
    found.cell,
    found.severity,
    found.rule,
    found.message_zh,
    found.message_en,
    found.raw_text,
    found.indicator_code,
    found.level,
    found.unit_id,
    found.period,
    case when act.accepted_at is not null then 'accepted' else found.status end as status,
    act.explanation,
    act.accepted_by,
    act.accepted_reason,
    act.accepted_at
from found
left join {{ ref('stg_act') }} as act
    on found.submission_id = act.submission_id
    and found.cell = act.cell
    and found.rule = act.rule
    and coalesce(found.sheet, '') = coalesce(act.sheet, '')
