-- What every score of family F-A would be with 1 mark a point instead of what the scheme says (a simulation).
select township_code, indicator_code, period, score,
    marts.appraisal_score(
        rule_family, json_merge_patch(parameters, '{"a": 1}'), full_mark, score_min, score_max, completion, gap_pp,
        actual, target, due_target, x, x_min, x_max, is_lower_better, place, deaths, injuries, above_average
    ) as simulated
from marts.fct_score
where rule_family = 'F-A' and status = 'scored'
order by period, township_code
