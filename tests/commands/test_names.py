"""`tew names`: a name that no register knows waits in a queue; what a person says it means is read by from then on."""

from __future__ import annotations

import json
import shutil
from typing import Any

from dagster_project.settings import Settings
from dagster_project.warehouse import refresh
from dagster_project.warehouse.store import open_store
from tests.program import tew
from tests.warehouse import workbooks
from tests.warehouse.workbooks import CODES, ENTERPRISES, START

PLANT = "示范铝业有限公司"


def units(settings: Settings) -> dict[str, Any]:
    """Year to date → the unit that it is read for."""
    with open_store(settings) as store:
        rows = store.connection.execute(
            "SELECT value::INT, unit_id, status FROM raw.observation WHERE measure = 'ytd' ORDER BY 1"
        ).fetchall()
    return {value: (unit, status) for value, unit, status in rows}


def test_a_name_waits_until_a_person_says_what_it_means(home: Settings) -> None:
    workbooks.register(home.inbox / "r.xlsx")
    workbooks.townships(home.inbox / "t.xlsx", 1, {"站前老镇": (10, 10)}, mtime=START + 1)
    figures = {"示范铝业老厂": (20, 20), "枫林湖食品有限公司": (30, 30)}
    known = dict(ENTERPRISES)
    try:
        ENTERPRISES["示范铝业老厂"] = ("", "站前镇")
        workbooks.enterprises(home.inbox / "e.xlsx", 1, figures, mtime=START + 2)
    finally:
        ENTERPRISES.clear()
        ENTERPRISES.update(known)
    assert refresh.run_refresh(home).published
    assert units(home)[10] == (None, "quarantined") and units(home)[20] == (None, "quarantined")

    shown = tew(home, "names", "--json")
    assert shown.returncode == 0, shown.stderr
    queue = {entry["name"]: entry for entry in json.loads(shown.stdout)["names"]}
    assert set(queue) == {"站前老镇", "示范铝业老厂"}
    assert queue["站前老镇"]["kind"] == "township" and queue["站前老镇"]["file_name"] == "t.xlsx"
    assert {"code": CODES["站前镇"], "name": "站前镇"} in queue["站前老镇"]["similar"]
    assert "示范铝业老厂" in tew(home, "names").stdout

    assert tew(home, "names", "--name", "站前老镇", "--is", CODES["站前镇"]).returncode == 1, "nobody signs"
    unknown = tew(home, "names", "--name", "站前老镇", "--is", "999", "--by", "Li")
    assert unknown.returncode == 1 and "999" in unknown.stderr
    for name, code in (("站前老镇", CODES["站前镇"]), ("示范铝业老厂", ENTERPRISES[PLANT][0])):
        done = tew(home, "names", "--name", name, "--is", code, "--by", "Li")
        assert done.returncode == 0 and name in done.stdout, done.stderr
    expected = {
        10: (CODES["站前镇"], "accepted"),
        20: (ENTERPRISES[PLANT][0], "accepted"),
        30: (ENTERPRISES["枫林湖食品有限公司"][0], "accepted"),
    }
    refresh.ingest_pending(home)
    assert units(home) == expected
    shutil.rmtree(home.work)
    refresh.ingest_pending(home)
    assert units(home) == expected, "a rebuild reads by it too"
