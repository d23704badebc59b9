"""Large files: what is no export, or not there, is refused. What is written stands in e2e/test_exports.py."""

from __future__ import annotations

from dagster_project.settings import Settings
from dashboard.acting import HEADER
from dashboard.app import create_app


def test_what_is_no_export_is_refused(home: Settings) -> None:
    browser = create_app(home).server.test_client()
    assert browser.post("/export/large", json={"kind": "xlsx"}).status_code == 403
    headers = {HEADER: "1"}
    assert browser.post("/export/large", json={"kind": "exe"}, headers=headers).status_code == 400
    assert browser.post("/export/large", json={"kind": "csv"}, headers=headers).status_code == 503
    assert browser.get("/export/large/x").status_code == 404
    assert browser.get("/export/large/x/file").status_code == 404
