"""Closing a month in the page: by whom, what the browser is told, and the frozen version behind its address."""

from __future__ import annotations

from datetime import date

from dagster_project.settings import Settings
from dagster_project.warehouse import closing, pointer, refresh
from dagster_project.warehouse.read import PublishedReader
from dashboard.access import activity
from dashboard.access.accounts import Account, Accounts
from dashboard.app import create_app, draw
from dashboard.data.store import Store
from tests.dashboard.test_access import GOOD, SITE, client, sign_in

OWN = {**SITE, "X-Tew-Request": "1"}


def newest(settings: Settings) -> date:
    sql = "SELECT max(period) FROM marts.fct_indicator_progress WHERE level = 'county' AND value_ytd IS NOT NULL"
    found: date = PublishedReader(settings).query(sql)[1][0][0]
    return found


def test_a_leader_approves_and_the_section_closes(small_home: Settings) -> None:
    month = newest(small_home)
    text = f"{month:%Y-%m}"
    accounts = Accounts(small_home)
    for name, role in (("zhang", "leader"), ("li", "staff")):
        accounts.add(Account(name, role, person=f"{name} person"), GOOD)
    accounts.add(Account("wang", "township_reporter", "529901101"), GOOD)
    leader, staff, reporter = (client(small_home) for _ in range(3))
    for browser, name in ((leader, "zhang"), (staff, "li"), (reporter, "wang")):
        sign_in(browser, name)
    assert leader.get(f"/months/{text}").json == {"acts": ["approve"], "named": True}
    assert reporter.get(f"/months/{text}").json["acts"] == []
    body = {"period": text, "reason": "r", "by": "somebody else"}
    assert reporter.post("/months/approve", json=body, headers=OWN).status_code == 403
    assert leader.post("/months/close", json=body, headers=OWN).status_code == 403
    assert leader.post("/months/approve", json=body, headers=SITE).status_code == 403, "not from our page"
    early = staff.post("/months/close?lang=en", json=body, headers=OWN)
    assert early.status_code == 400 and "not approved" in early.json["error"]
    assert leader.post("/months/approve", json=body, headers=OWN).status_code == 200
    assert staff.get(f"/months/{text}").json["acts"] == ["close"]
    assert staff.post("/months/close", json=body, headers=OWN).status_code == 200
    done = closing.latest(small_home)[month]
    # Who it was is the account's word, not the browser's.
    assert (done.state, done.approved_by, done.closed_by) == ("closed", "zhang person", "li person")
    acts = [row["act"] for row in activity.search(small_home)]
    assert acts[:2] == ["month_close", "month_approve"] and acts.count("refused") == 3
    assert staff.post("/months/reopen", json={**body, "reason": " "}, headers=OWN).status_code == 400
    assert staff.post("/months/reopen", json=body, headers=OWN).status_code == 200
    assert staff.post("/months/erase", json=body, headers=OWN).status_code == 404


def test_a_closed_month_shows_its_badge_and_opens_its_version(small_home: Settings) -> None:
    month = newest(small_home)
    frozen = closing.close(small_home, month, "Li", "Wang").version
    assert refresh.run_refresh(small_home).published
    store = Store(PublishedReader(small_home), earlier=lambda version: PublishedReader(small_home, version=version))
    now = str(draw(store, "/", "")[0])
    assert f"version={frozen}" in now and "badge closed" in now
    before = str(draw(store, "/", f"?version={frozen}")[0])
    assert f"'data-version': '{frozen}'" in before or f"data-version={frozen!r}" in before or frozen in before
    assert "badge closed" not in before
    assert pointer.current_version(small_home) not in before
    page = str(draw(store, "/submissions", f"?period={month:%Y-%m}")[0])
    assert "Li" in page and "Wang" in page
    for version in ("nosuch", "..", "20990101T000000Z-000009"):
        assert "tew query --version" in str(draw(store, "/", f"?version={version}")[0])
    # Downloads follow the address too, and an unknown version is no error of the server.
    browser = create_app(small_home).server.test_client()
    assert browser.get(f"/export/headline.csv?version={frozen}").status_code == 200
    assert browser.get("/export/headline.csv?version=nosuch").status_code == 404
