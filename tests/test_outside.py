"""The product from outside, as a reviewer meets it: workbooks of a stranger in, the published file and the command out.

One test for each trap; the home is shared, and refreshed as often as its story needs it. Workbooks: outside_books.py.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from dagster_project.settings import Settings
from tests import outside_books as books
from tests.conftest import make_home


class Outside:
    """A home, what stands in its published file, and the figures that its first workbooks must yield."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.expected: list[books.Figure] = []

    def refresh(self) -> dict[str, object]:
        from dagster_project.warehouse import refresh

        report = refresh.run_refresh(self.settings)
        assert report.published, report
        return dict(vars(report)) if hasattr(report, "__dict__") else {}

    def rows(self, sql: str) -> list[tuple]:
        version = self.settings.current.read_text(encoding="utf-8").strip()
        path = self.settings.published / version / "warehouse.duckdb"
        with duckdb.connect(str(path), read_only=True) as connection:
            return connection.execute(sql).fetchall()


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Outside:
    made = Outside(make_home(tmp_path_factory.mktemp("outside")))
    inbox = made.settings.inbox
    inbox.mkdir(parents=True)
    for build in books.BUILDERS:
        made.expected += build(inbox)
    books.unit_changes(inbox)
    books.bad_input(inbox)
    books.october(inbox, "A.xlsx", {"枫林湖镇": (100, 14000), "站前镇": (200, 27000)}, 2000)
    made.refresh()
    return made


def test_every_figure_of_a_stranger_is_read(outside: Outside) -> None:
    found: dict[tuple, set[object]] = {}
    for row in outside.rows(
        "select file_name, indicator_code, level, unit_id, period::varchar, measure, coalesce(null_reason, '') , value "
        "from marts.fct_observation_version where status = 'in_force'"
    ):
        found.setdefault(row[:6], set()).add(row[6] or float(row[7]))
    wrong = [figure for figure in outside.expected if found.get(tuple(figure)[:6]) != {figure.value}]
    assert wrong == []
    assert len(outside.expected) > 70


def test_the_register_and_the_incidents_are_read(outside: Outside) -> None:
    rows = outside.rows(
        "select name_zh, township_code, is_above_scale, is_coal_mine, status from marts.dim_enterprise order by 1"
    )
    assert rows == [
        ("乙食品（示范）有限公司", "529901100", True, False, "suspended"),
        ("甲铝业有限公司", "529901101", True, False, "active"),
        ("红旗煤矿", "529901200", False, True, "active"),
    ]
    incidents = outside.rows(
        "select occurred_on::varchar, township_code, deaths, serious_injuries, direct_loss::double "
        "from marts.fct_safety_incident order by 1"
    )
    assert incidents == [("2026-08-03", "529901200", 1, 2, 120.5), ("2026-09-05", "529901101", 0, 1, 30.0)]


@pytest.mark.parametrize(
    ("file", "cell", "raw"),
    [
        ("空.xlsx", None, None),
        ("图片.xlsx", None, None),
        ("未知.xlsx", None, None),
        ("未来.xlsx", "A1", None),
        ("文字.xlsx", "C5", "约一百左右"),
        ("文字.xlsx", "B7", "不存在镇"),
    ],
)
def test_bad_input_is_told_with_file_and_cell(outside: Outside, file: str, cell: str | None, raw: str | None) -> None:
    issues = outside.rows(
        "select cell, raw_text, message_zh, message_en from marts.fct_issue "
        f"where severity = 'error' and rule <> 'V35' and file_name = '{file}'"
    )
    said = [issue for issue in issues if issue[0] == cell and issue[1] == raw]
    assert said, issues
    assert all(file in text and (cell or "") in text for text in said[0][2:])


def test_a_bad_cell_keeps_the_rest_of_its_workbook(outside: Outside) -> None:
    rows = outside.rows(
        "select cell, status, value::double from marts.fct_observation_version "
        "where file_name = '文字.xlsx' and indicator_code = 'TE01' order by cell"
    )
    assert rows == [
        ("C5", "quarantined", None),
        ("C6", "in_force", 100.0),
        ("C7", "quarantined", 1.0),
        ("D5", "in_force", 900.0),
        ("D6", "in_force", 1700.0),
        ("D7", "quarantined", 2.0),
    ]


def test_check_and_refresh_agree_on_an_unknown_layout(outside: Outside, tmp_path: Path) -> None:
    from dagster_project.cli import app

    result = CliRunner().invoke(
        app, ["check", "--json", str(outside.settings.inbox / "未知.xlsx")], env={"TEW_HOME": str(tmp_path)}
    )
    assert result.exit_code == 1, result.output
    told = json.loads(result.stdout)
    assert told[0]["ok"] is False and told[0]["errors"] == 1


def test_a_register_of_changes_is_kept_as_events_and_a_later_one_mends_it(outside: Outside) -> None:
    rows = outside.rows(
        "select predecessor_code, successor_code, op, structure, file_name, predecessor_cell, successor_cell "
        "from marts.fct_unit_change order by 1"
    )
    book = "区划变更.xlsx"
    assert rows == [
        ("529901104", "529901005", "merge_new", "n:1", book, "C6", "F6"),
        ("529901105", "529901005", "merge_new", "n:1", book, "C7", "F6"),
        ("529901106", "529901002", "rank_change", "1:1", book, "C4", "F4"),
        ("529901200", "529901112", "rank_change", "1:1", "区划变更补正.xlsx", "C3", "F3"),
    ]
    (events,) = outside.rows("select count(distinct event_id) from marts.fct_unit_change")[0]
    assert events == 3
    units = outside.rows("select name_zh, valid_to from marts.dim_township where township_code = '529901200'")
    assert units == [("王家乡", None)]  # a register changes no unit by itself


def test_the_county_takes_its_changes_over_as_reference_rows(outside: Outside) -> None:
    """What the reference data holds is not proposed again; what the register does not say stays blank and is asked."""
    from dagster_project.cli import app

    home = {"TEW_HOME": str(outside.settings.home)}
    result = CliRunner().invoke(app, ["changes", "--year", "2026", "--json"], env=home)
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert (len(told["events"]), told["already_held"]) == (3, 1)
    links = told["rows"]["township_links"]
    assert [(row["from_code"], row["to_code"], row["op"], row["weight"], row["effective_from"]) for row in links] == [
        ("529901104", "529901005", "merge_new", "1", ""),
        ("529901105", "529901005", "merge_new", "1", ""),
        ("529901200", "529901112", "rank_change", "1", ""),
    ]
    assert {row["doc_no"] for row in links} == {"示府发〔2026〕3号", "示府发〔2026〕4号"}
    new = told["rows"]["townships"]
    assert [(row["township_code"], row["durable_id"], row["name_zh"], row["kind"]) for row in new] == [
        ("529901005", "T-529901005", "暗溪街道", "street"),
        ("529901112", "T-529901200", "王家镇", "town"),
    ]
    asked = [row["key"].removeprefix("changes.decide_") for row in told["decisions"]]
    assert sorted(asked) == ["class", "class", "day", "day", "end", "end", "end"]
    shown = CliRunner().invoke(app, ["changes"], env=home).stdout
    assert "529901200,529901112,rank_change,,1,whole,示府发〔2026〕3号,certain," in shown
    elsewhere = CliRunner().invoke(app, ["changes", "--county", "110101"], env=home)
    assert elsewhere.exit_code == 1


def test_a_correction_of_one_township_and_a_return_to_the_first_figures(outside: Outside) -> None:
    """Runs last: it refreshes the shared home twice. A, then B with one township and a bad cell, then A's bytes again."""
    inbox = outside.settings.inbox
    first = (inbox / "A.xlsx").read_bytes()
    query = (
        "select unit_id, measure, value::double from marts.fct_observation where period = '2026-10-01' "
        "and indicator_code = 'TE01' and unit_id in ('529901100', '529901101') order by 1, 2"
    )
    before = outside.rows(query)
    assert before == [
        ("529901100", "month", 100.0),
        ("529901100", "ytd", 14000.0),
        ("529901101", "month", 200.0),
        ("529901101", "ytd", 27000.0),
    ]
    books.october(inbox, "B.xlsx", {"站前镇": ("二百多", 27010)}, 3000)
    outside.refresh()
    # the cell that cannot be read leaves the earlier figure in force; the township that B does not name stays
    assert outside.rows(query) == [*before[:3], ("529901101", "ytd", 27010.0)]
    again = inbox / "A 另名.xlsx"
    again.write_bytes(first)
    os.utime(again, (books.START + 4000,) * 2)
    outside.refresh()
    assert outside.rows(query) == before
    states = outside.rows(
        "select file_name, status, valid_to is null from marts.fct_observation_version where period = '2026-10-01' "
        "and indicator_code = 'TE01' and unit_id = '529901101' and measure = 'ytd' order by submission_id"
    )
    assert states == [
        ("A.xlsx", "superseded", False),
        ("B.xlsx", "superseded", False),
        ("A 另名.xlsx", "in_force", True),
    ]
