"""A word about an issue, said in the page: by whom it may be, kept as `tew explain` keeps it, shown afterwards."""

from __future__ import annotations

from dagster_project.settings import Settings
from dagster_project.warehouse.archive import Journal
from dagster_project.warehouse.read import PublishedReader
from dashboard.access import activity
from dashboard.access.accounts import Account, Accounts
from tests.dashboard.test_access import GOOD, SITE, client, sign_in

OWN = {**SITE, "X-Tew-Request": "1"}


def _warning(settings: Settings) -> dict[str, str]:
    sql = (
        "select submission_id, sheet, cell, rule from marts.fct_issue where severity = 'warning' and cell is not null "
        "order by all limit 1"
    )
    submission, sheet, cell, rule = PublishedReader(settings).query(sql)[1][0]
    return {"submission": submission, "sheet": sheet, "cell": cell, "rule": rule}


def test_who_hands_in_explains_and_the_section_accepts(small_home: Settings) -> None:
    issue = _warning(small_home)
    accounts = Accounts(small_home)
    for name, role, unit in (
        ("li", "staff", None),
        ("zhang", "leader", None),
        ("wang", "township_reporter", "529901101"),
    ):
        accounts.add(Account(name, role, unit, person=f"{name} person"), GOOD)
    staff, leader, reporter = (client(small_home) for _ in range(3))
    for browser, name in ((staff, "li"), (leader, "zhang"), (reporter, "wang")):
        sign_in(browser, name)
    assert staff.get("/issues/acts").json["acts"] == ["explain", "accept"]
    assert leader.get("/issues/acts").json["acts"] == []
    assert reporter.get("/issues/acts").json["acts"] == ["explain"]
    body = {**issue, "text": "two lines were started up", "by": "somebody else"}
    assert leader.post("/issues/explain", json=body, headers=OWN).status_code == 403
    assert reporter.post("/issues/accept", json=body, headers=OWN).status_code == 403
    assert staff.post("/issues/explain", json=body, headers=SITE).status_code == 403, "not from our page"
    # The county's own workbook is none of a township's.
    assert reporter.post("/issues/explain", json=body, headers=OWN).status_code == 404
    assert staff.post("/issues/explain", json={**body, "text": " "}, headers=OWN).status_code == 400
    assert staff.post("/issues/explain", json={**body, "cell": "ZZ99"}, headers=OWN).status_code == 400
    assert staff.post("/issues/explain", json=body, headers=OWN).json["by"] == "li person"
    assert staff.post("/issues/accept", json={**body, "text": "seen on the spot"}, headers=OWN).status_code == 200
    said = [
        event for event in Journal(small_home.journal).replay().others if event["event"] in ("explained", "accepted")
    ]
    assert [(event["event"], event["by"]) for event in said] == [("explained", "li person"), ("accepted", "li person")]
    assert [one["kind"] for one in leader.get("/issues/acts").json["said"]] == ["explained", "accepted"]
    assert reporter.get("/issues/acts").json["said"] == []
    assert [row["act"] for row in activity.search(small_home)][:2] == ["issue_accept", "issue_explain"]
