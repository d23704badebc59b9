"""The published formula of the appraisal is the one the scores came from.

Belongs here: the macro in the published file against fct_score. Does not belong here: the families' golden numbers
(dbt/models/marts/unit_tests.yml).
"""

from __future__ import annotations

from dagster_project.settings import Settings
from dagster_project.warehouse.pointer import current_version, version_file
from tests.published import open_copy

ARGUMENTS = (
    "rule_family, parameters, full_mark, score_min, score_max, completion, gap_pp, actual, target, due_target, "
    "x, x_min, x_max, is_lower_better, place, deaths, injuries, above_average"
)


def test_scores_can_be_computed_again_and_add_up(county_home: Settings) -> None:
    version = current_version(county_home)
    assert version is not None
    with open_copy(version_file(county_home, version)) as connection:
        scored, differing = connection.execute(
            f"select count(*), count_if(marts.appraisal_score({ARGUMENTS}) is distinct from score) "
            "from marts.fct_score where status = 'scored'"
        ).fetchall()[0]
        assert scored > 100 and differing == 0
        wrong = connection.execute(
            "select card.township_code, card.period from marts.fct_scorecard as card inner join marts.fct_score as score "
            "on card.township_code = score.township_code and card.period = score.period "
            "group by all having min(card.total) is distinct from sum(score.score)"
        ).fetchall()
        assert wrong == []
        vetoed = connection.execute(
            "select total, rank, grade, veto_reason from marts.fct_scorecard where vetoed"
        ).fetchall()
        assert vetoed and all(total > 0 and rank and reason for total, rank, _, reason in vetoed)
        assert len({grade for _, _, grade, _ in vetoed}) == 1
