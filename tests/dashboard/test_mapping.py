"""Mapping an unknown layout over HTTP: who may confirm it, and that it is kept as `tew map --accept` keeps it."""

from __future__ import annotations

import io
import re

import flask.testing
import openpyxl
import pytest

from dagster_project.settings import Settings
from dagster_project.warehouse import mappings
from dashboard.access import activity
from dashboard.access.accounts import Account, Accounts
from dashboard.app import create_app

SITE = {"Origin": "http://localhost", "X-Tew-Request": "1"}
PASSWORD = "A-long-enough-password"
ROWS = (
    ("示范县2026年10月乡企生产进度",),
    ("单位：万元",),
    ("报送地", "产出增加值总额", "缴纳的税金"),
    ("云溪街道", 1201, 90),
    ("枫林湖镇", 3300, 210),
)


def workbook() -> io.BytesIO:
    book, content = openpyxl.Workbook(), io.BytesIO()
    for row in ROWS:
        book.active.append(row)
    book.save(content)
    content.seek(0)
    return content


def signed_in(settings: Settings, account: Account) -> flask.testing.FlaskClient:
    Accounts(settings).add(account, PASSWORD)
    browser = create_app(settings).server.test_client()
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', browser.get("/login").text)
    assert found
    fields = {"csrf_token": found[1], "name": account.name, "password": PASSWORD}
    assert browser.post("/login", data=fields, headers=SITE).status_code == 302
    return browser


def checked(browser: flask.testing.FlaskClient) -> dict[str, object]:
    sent = {"files": (workbook(), "own.xlsx")}
    answer = browser.post("/submissions/check", data=sent, headers=SITE, content_type="multipart/form-data")
    assert answer.status_code == 200
    return answer.json


@pytest.mark.parametrize(
    "account", [Account("wang", "township_reporter", unit="529901001"), Account("zhao", "section", None, ("coal",))]
)
def test_who_does_not_answer_for_the_county_confirms_no_mapping(home: Settings, account: Account) -> None:
    browser = signed_in(home, account)
    said = checked(browser)
    assert said["books"][0]["mappable"] is False  # type: ignore[index]
    for path in ("/submissions/map", "/submissions/map/accept"):
        body = {"token": said["token"], "number": 0, "changes": {}}
        assert browser.post(path, json=body, headers=SITE).status_code == 403
    assert mappings.accepted(home) == []


def test_staff_correct_and_confirm_it_and_the_act_is_logged(home: Settings) -> None:
    browser = signed_in(home, Account("chen", "staff"))
    said = checked(browser)
    assert said["books"][0]["mappable"] is True  # type: ignore[index]
    body = {"token": said["token"], "number": 0, "changes": {"C": "XX99"}}
    wrong = browser.post("/submissions/map", json=body, headers=SITE)
    assert wrong.status_code == 400 and "XX99" in wrong.json["error"]
    body["changes"] = {"C": "-"}
    # Another site's page cannot set the header, nor come from our origin.
    for headers in ({"Origin": "http://localhost"}, {**SITE, "Origin": "http://evil.example"}):
        assert browser.post("/submissions/map/accept", json=body, headers=headers).status_code == 403
    answer = browser.post("/submissions/map/accept", json=body, headers=SITE)
    assert answer.status_code == 200 and answer.json["book"]["observations"] == 2
    (event,) = mappings.accepted(home)
    assert (event["by"], event["mapping_id"]) == ("chen", answer.json["mapping"])
    assert [row["target"] for row in activity.search(home, act="mapping")] == [event["mapping_id"]]
    # Nothing is mapped twice, nor what waits no longer.
    assert browser.post("/submissions/map", json=body, headers=SITE).status_code == 403
    assert browser.post("/submissions/map", json={**body, "token": "x"}, headers=SITE).status_code == 404
