"""Names that no register knows, on the page: who may say what they mean, kept as `tew names` keeps it."""

from __future__ import annotations

import pytest

from dagster_project.settings import Settings
from dagster_project.warehouse import refresh
from dagster_project.warehouse.archive import Journal
from dashboard.access import activity
from dashboard.access.accounts import Account, Accounts
from tests.dashboard.test_access import GOOD, SITE, client, sign_in
from tests.warehouse import workbooks

OWN = {**SITE, "X-Tew-Request": "1"}
NAME, CODE = "站前老镇", workbooks.CODES["站前镇"]


@pytest.fixture
def waiting_home(small_home: Settings) -> Settings:
    """A published home in which one name waits."""
    workbooks.townships(small_home.inbox / "老镇.xlsx", 1, {NAME: (10, 10)})
    refresh.run_refresh(small_home)
    return small_home


def test_the_section_says_what_a_name_means_and_nobody_else(waiting_home: Settings) -> None:
    accounts = Accounts(waiting_home)
    for name, role, unit in (
        ("li", "staff", None),
        ("zhang", "leader", None),
        ("wang", "township_reporter", "529901101"),
    ):
        accounts.add(Account(name, role, unit, person=f"{name} person"), GOOD)
    staff, leader, reporter = (client(waiting_home) for _ in range(3))
    for browser, name in ((staff, "li"), (leader, "zhang"), (reporter, "wang")):
        sign_in(browser, name)
    told = staff.get("/names?lang=en").json
    entry = next(one for one in told["names"] if one["name"] == NAME)
    assert told["named"] and entry["kind"] == "township" and entry["place"].startswith("老镇.xlsx ")
    assert [CODE, f"站前镇 {CODE}"] in entry["similar"]
    body = {"name": NAME, "means": CODE, "by": "somebody else"}
    for browser in (leader, reporter):
        assert browser.get("/names").json["names"] == []
        assert browser.post("/names", json=body, headers=OWN).status_code == 403
    assert staff.post("/names", json=body, headers=SITE).status_code == 403, "not from our page"
    assert staff.post("/names", json={**body, "name": "别的名称"}, headers=OWN).status_code == 404
    unknown = staff.post("/names?lang=en", json={**body, "means": "999"}, headers=OWN)
    assert unknown.status_code == 400 and "999" in unknown.json["error"]
    assert staff.post("/names", json={**body, "means": ""}, headers=OWN).status_code == 400
    done = staff.post("/names?lang=en", json=body, headers=OWN)
    assert done.status_code == 200 and CODE in done.json["text"]
    kept = [event for event in Journal(waiting_home.journal).replay().others if event["event"] == "mapping"]
    assert [event["by"] for event in kept] == ["li person"]
    assert kept[0]["rows"] == {"township_aliases": [{"alias": NAME, "township_code": CODE}]}
    assert next(row["act"] for row in activity.search(waiting_home)) == "mapping"
