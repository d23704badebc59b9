"""What identifies one enterprise stays in the bureau: pages of outside roles, files for others, the bulletin (domain.md G)."""

from __future__ import annotations

import io
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docx
import flask.testing
import openpyxl
import pytest

from dagster_project.settings import Settings, load_settings
from dagster_project.warehouse.read import PublishedReader
from dashboard.access import activity
from dashboard.access.accounts import Account, Accounts
from dashboard.access.roles import load_roles
from dashboard.app import create_app
from dashboard.data.store import Store
from tests.dashboard.test_access import GOOD, sign_in
from tests.program import tew

TOWN = "529901101"


@pytest.fixture(scope="module")
def guarded(county_home: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    root: Path = tmp_path_factory.mktemp("suppressed") / "home"
    root.mkdir()
    shutil.copytree(county_home.published, root / "published")
    settings = load_settings(home=root)
    Accounts(settings).add(Account("zhang", "leader", person="Zhang & Co"), GOOD)
    return settings


@pytest.fixture(scope="module")
def leader(guarded: Settings) -> Iterator[flask.testing.FlaskClient]:
    browser = create_app(guarded).server.test_client()
    sign_in(browser, "zhang")
    yield browser


def ask(settings: Settings, sql: str, **params: Any) -> list[tuple[Any, ...]]:
    return PublishedReader(settings).query(sql, params or None)[1]


@pytest.fixture(scope="module")
def hidden(guarded: Settings) -> tuple[str, str, str]:
    """(month, indicator, township) of a figure that identifies an enterprise, on the overview's list of indicators."""
    rows = ask(
        guarded,
        "SELECT strftime(s.period, '%Y-%m'), s.indicator_code, t.name_zh FROM marts.fct_suppression s "
        "JOIN marts.dim_indicator i USING (indicator_code) JOIN marts.dim_township t ON s.unit_id = t.township_code "
        "JOIN marts.fct_indicator_progress p ON p.unit_id = s.unit_id AND p.indicator_code = s.indicator_code "
        "AND p.period = s.period AND p.basis = 'comparable' "
        "WHERE s.level = 'township' AND s.reason = 'few_enterprises' AND p.value_ytd > 0 AND i.is_headline "
        "AND s.period = (SELECT max(period) FROM marts.fct_suppression) ORDER BY 2, 3 LIMIT 1",
    )
    assert rows, "the county has a township with one plant of a kind"
    month, indicator, town = rows[0]
    return str(month), str(indicator), str(town)


def sheet(content: bytes) -> list[list[Any]]:
    return [[cell.value for cell in row] for row in openpyxl.load_workbook(io.BytesIO(content)).active.iter_rows()]


def test_a_file_for_others_has_a_star_and_the_bureaus_own_the_number(
    leader: flask.testing.FlaskClient, hidden: tuple[str, str, str]
) -> None:
    month, indicator, town = hidden
    address = f"/export/progress.xlsx?period={month}&indicator={indicator}"
    own, others = sheet(leader.get(address).data), sheet(leader.get(f"{address}&external=1").data)
    (inside,) = [row for row in own if row[0] == town]
    (outside,) = [row for row in others if row[0] == town]
    assert isinstance(inside[1], (int, float)) and outside[1:] == ["*"] * (len(outside) - 1)
    assert [row for row in others if row[0] and str(row[0]).startswith("* ")], "the star is explained"
    # Nothing but the starred rows differs.
    for before, after in zip(own[4:12], others[4:12], strict=True):
        assert after == before or after[1] == "*"


def test_who_took_it_out_stands_on_every_page(
    leader: flask.testing.FlaskClient, hidden: tuple[str, str, str], guarded: Settings
) -> None:
    answer = leader.get(f"/export/headline.xlsx?period={hidden[0]}")
    book = openpyxl.load_workbook(io.BytesIO(answer.data)).active
    footer = str(book.oddFooter.left.text)
    assert "Zhang & Co" in footer.replace("&&", "&") and "UTC" in footer
    cells = [str(row[0]) for row in sheet(answer.data) if row[0]]
    assert "Zhang & Co" in cells[-1] and ask(guarded, "SELECT 1") and "20" in cells[-2]
    row = activity.search(guarded, act="export")[0]
    assert row["user"] == "zhang" and row["version"]


def test_lists_of_enterprises_are_not_given_out(leader: flask.testing.FlaskClient) -> None:
    for name in ("enterprises", "unreported"):
        assert leader.get(f"/export/{name}.csv?external=1").status_code == 403
        assert leader.get(f"/export/{name}.csv").status_code == 200


@pytest.mark.parametrize(
    ("role", "unit", "levels"),
    [("township_reporter", TOWN, {"township"}), ("township_head", TOWN, set())],
)
def test_outside_roles_see_no_figure_that_identifies(guarded: Settings, role: str, unit: str, levels: set[str]) -> None:
    """A reporter knows its own enterprises, so its own township's figures stay; the county's go."""
    store = Store(PublishedReader(guarded))
    store.scope_of = lambda: load_roles(guarded).scope(Account("x", role, unit))
    whole = Store(PublishedReader(guarded))
    months = ask(guarded, "SELECT DISTINCT period FROM marts.fct_suppression ORDER BY 1 DESC LIMIT 3")
    for (month,) in months:
        params = {"basis": "comparable", "period": month, "previous": month}
        county = ask(guarded, "SELECT value FROM marts.dim_setting WHERE key = 'county_code'")[0][0]
        starred = {
            (level, place, code)
            for level, place, code in ask(
                guarded, "SELECT level, unit_id, indicator_code FROM marts.fct_suppression WHERE period = $p", p=month
            )
        }
        grid = store.draw(lambda snapshot, given=params: snapshot.rows("township_grid", **given))
        seen = {("township", row["unit_id"], row["indicator_code"]) for row in grid if row["period"] == month}
        at = {"level": "county", "unit_id": county, "basis": "comparable", "since": month, "period": month}
        rows = store.draw(lambda snapshot, given=at: snapshot.rows("unit_progress", **given))
        seen |= {("county", county, row["indicator_code"]) for row in rows}
        assert {level for level, _, _ in seen & starred} <= levels
        everything = whole.draw(lambda snapshot, given=at: snapshot.rows("unit_progress", **given))
        gone = {row["indicator_code"] for row in everything} - {row["indicator_code"] for row in rows}
        assert gone == {code for level, _, code in starred if level == "county"} & {
            row["indicator_code"] for row in everything
        }
        # A share of the county's growth would give its total away.
        for row in grid:
            if ("county", county, row["indicator_code"]) in starred and row["period"] == month:
                assert row.get("contribution_share_pct") is None and row.get("contribution_pp") is None


def test_no_column_that_looks_back_tells_of_a_month_that_is_hidden(guarded: Settings) -> None:
    """环比 gives last month away, 比年初 December, 两年平均 the year before last: where one is hidden, all of them go."""
    ((town, code, period),) = ask(
        guarded,
        "SELECT unit_id, indicator_code, max(period) FROM marts.fct_indicator_progress AS p WHERE basis = 'comparable' "
        "AND level = 'township' AND coalesce(growth_month_pct, change_since_year_end, growth_two_year_pct) IS NOT NULL "
        "AND (unit_id, indicator_code) IN (SELECT (unit_id, indicator_code) FROM marts.fct_suppression) "
        "AND (unit_id, indicator_code, period) NOT IN (SELECT (unit_id, indicator_code, period) FROM marts.fct_suppression) "
        "GROUP BY ALL ORDER BY ALL LIMIT 1",
    )
    columns = ("value_month_derived", "growth_month_pct", "change_since_year_end", "growth_two_year_pct")
    at = {"level": "township", "unit_id": town, "basis": "comparable", "since": period, "period": period}
    store = Store(PublishedReader(guarded))
    store.scope_of = lambda: load_roles(guarded).scope(Account("x", "township_head", town))
    for reader, is_open in ((store, False), (Store(PublishedReader(guarded)), True)):
        rows = reader.draw(lambda snapshot: snapshot.rows("unit_progress", **at))
        told = {row["indicator_code"] for row in rows if any(row[column] is not None for column in columns)}
        assert (code in told) is is_open
        assert len(told) > 5, "of the others they are told"


def test_the_bulletin_for_others_leaves_them_out(
    guarded: Settings, hidden: tuple[str, str, str], tmp_path: Path
) -> None:
    month, _, _ = hidden
    inside, outside = tmp_path / "in.docx", tmp_path / "out.docx"
    assert tew(guarded, "bulletin", "--period", month, "-o", str(inside)).returncode == 0
    done = tew(guarded, "bulletin", "--period", month, "--external", "-o", str(outside), "--json")
    assert done.returncode == 0, done.stderr
    starred = {
        (unit, code)
        for unit, code in ask(
            guarded,
            "SELECT unit_id, indicator_code FROM marts.fct_suppression WHERE strftime(period, '%Y-%m') = $m",
            m=month,
        )
    }
    told = {(figure["unit_id"], figure["indicator"]) for figure in json.loads(done.stdout)["figures"]}
    assert told and not told & starred
    # Case 18 on paper: one mine in a township is a star for others and its number for the bureau's leader.
    coal = [
        name
        for unit, name in ask(
            guarded,
            "SELECT DISTINCT s.unit_id, t.name_zh FROM marts.fct_suppression s "
            "JOIN marts.dim_township t ON s.unit_id = t.township_code "
            "WHERE s.indicator_code = 'CO01' AND strftime(s.period, '%Y-%m') = $m ORDER BY 1",
            m=month,
        )
        if (unit, "CO01") in starred
    ]
    assert coal, "the county has a township with one mine"
    own, others = printed_rows(inside, coal), printed_rows(outside, coal)
    assert own.keys() == others.keys() == set(coal)
    for name in coal:
        for number, shown in zip(own[name][1:3], others[name][1:3], strict=True):
            assert shown == "*" and number != "*", (name, number, shown)
    # A mine that reports nothing this month is a dash inside; at least one is a number.
    assert any(re.fullmatch(r"[\d,.]+", number) for name in coal for number in own[name][1:3])


def printed_rows(path: Path, names: list[str]) -> dict[str, list[str]]:
    """The rows of the bulletin's table of coal, by township: the last table that has them all."""
    found: dict[str, list[str]] = {}
    for table in docx.Document(str(path)).tables:
        rows = {row.cells[0].text: [cell.text for cell in row.cells] for row in table.rows}
        if set(names) <= rows.keys():
            found = {name: rows[name] for name in names}
    return found
