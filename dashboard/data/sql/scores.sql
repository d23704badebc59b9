-- Every score of a month, and beside it what it would be with the parameters of $patch in the rule of $simulated
-- (marts.appraisal_score is the formula the scores come from). Nothing is written.
select
    township_code, scheme_id, township_class, indicator_code, full_mark, score, rule_family, parameters, status,
    reason_code, reason_zh, reason_en, doc_no, target, target_form, actual, completion, completion_basis,
    trace_zh, trace_en,
    case
        when indicator_code <> $simulated or status <> 'scored' then score
        else marts.appraisal_score(
            rule_family, json_merge_patch(parameters, $patch), full_mark, score_min, score_max, completion, gap_pp,
            actual, target, due_target, x, x_min, x_max, is_lower_better, place, deaths, injuries, above_average
        )
    end as simulated_score
from marts.fct_score
where period = $period
order by township_class, township_code, indicator_code
