"""Judged again: a month or the parts of a sum come in after somebody who is measured against them."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as settings_of
from hypothesis import strategies as st

from dagster_project.settings import Settings, load_settings
from dagster_project.warehouse import refresh, store, taking_in
from dagster_project.warehouse.errors import WarehouseError
from dagster_project.warehouse.taking_in import REJUDGE_KEY, IngestReport
from tests.warehouse import workbooks
from tests.warehouse.workbooks import START, TOWNS


def take_in(settings: Settings) -> IngestReport:
    refresh.receive(settings)
    return refresh.ingest_pending(settings)


def issues(settings: Settings, rule: str, file_name: str) -> list[tuple[Any, ...]]:
    with store.open_store(settings) as opened:
        return opened.connection.execute(
            "SELECT i.cell, i.severity, i.status, i.message_zh, i.message_en FROM raw.issue i "
            "JOIN raw.submission s USING (submission_id) WHERE i.rule = ? AND s.file_name = ? ORDER BY i.seq, i.issue_no",
            [rule, file_name],
        ).fetchall()


def everything(settings: Settings) -> list[tuple[Any, ...]]:
    with store.open_store(settings) as opened:
        return opened.connection.execute("SELECT * FROM raw.issue ORDER BY ALL").fetchall()


def month(settings: Settings, name: str, number: int, at: int, **figures: Any) -> None:
    workbooks.townships(settings.inbox / name, number, {TOWNS[0]: (figures["month"], figures["ytd"])}, mtime=START + at)


def test_a_late_month_re_judges_the_one_after_it_and_its_correction_settles_it(home: Settings) -> None:
    month(home, "1.xlsx", 1, 0, month=100, ytd=100)
    month(home, "3.xlsx", 3, 10, month=120, ytd=320)
    take_in(home)
    assert issues(home, "V02", "3.xlsx") == [], "nothing is known of February"
    month(home, "2.xlsx", 2, 20, month=150, ytd=250)
    report = take_in(home)
    assert report.rejudged == ["3.xlsx"]
    told = issues(home, "V02", "3.xlsx")
    assert [row[:3] for row in told] == [("D5", "warning", "open")]
    assert "250" in told[0][3] and "320" in told[0][3]
    month(home, "2b.xlsx", 2, 30, month=100, ytd=200)
    assert take_in(home).rejudged == ["3.xlsx"]
    told = issues(home, "V02", "3.xlsx")
    assert [row[:3] for row in told] == [("D5", "info", "resolved")]
    assert "2b.xlsx" in told[0][3] and "2b.xlsx" in told[0][4]
    with store.open_store(home) as opened:
        counted = opened.connection.execute("SELECT warnings FROM raw.submission WHERE file_name = '3.xlsx'").fetchone()
    assert counted == (0,)
    before = everything(home)
    refresh.discard_work(home)
    report = take_in(home)
    assert everything(home) == before, "a rebuild says the same"
    with store.open_store(home) as opened:
        stand = opened.connection.execute("SELECT severity, count(*) FROM raw.issue GROUP BY 1").fetchall()
    assert report.issues == {"error": 0, "warning": 0, "info": 0} | dict(stand)


def test_a_killed_refresh_still_judges_again(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    month(home, "1.xlsx", 1, 0, month=100, ytd=100)
    month(home, "3.xlsx", 3, 10, month=120, ytd=320)
    take_in(home)
    month(home, "2.xlsx", 2, 20, month=150, ytd=250)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(taking_in.rejudging, "affected", killed)
        with pytest.raises(KeyboardInterrupt):
            take_in(home)
    with store.open_store(home) as opened:
        assert opened.meta(REJUDGE_KEY)
    assert refresh.ingest_pending(home).rejudged == ["3.xlsx"]
    assert [row[0] for row in issues(home, "V02", "3.xlsx")] == ["D5"]


def county(settings: Settings, name: str, year: int, ytd: float, base: float | None, at: int) -> None:
    rows: list[list[object]] = [
        [f"示范县乡镇企业主要指标汇总表（{year}年1—2月）"],
        ["指标名称", "计量单位", "代码", "本月", "本月止累计", "去年同期累计"],
        ["一、增加值", "万元", "01", ytd / 2, ytd, base],
    ]
    workbooks.write(settings.inbox / name, rows, mtime=START + at)


def parts(settings: Settings, name: str, figures: list[tuple[float, float, float]], at: int) -> None:
    rows: list[list[object]] = [
        ["示范县乡镇企业主要经济指标完成情况表（2026年1—2月）"],
        ["", "", "", "单位：万元"],
        ["序号", "乡镇", "增加值", "", ""],
        ["", "", "本月", "累计", "同期"],
        *([number, town, *values] for number, (town, values) in enumerate(zip(TOWNS, figures, strict=True), 1)),
    ]
    workbooks.write(settings.inbox / name, rows, ("A1:E1", "C3:E3", "A3:A4", "B3:B4"), START + at)


@pytest.mark.parametrize(("bases", "told"), [((150, 120), ("info", "resolved")), ((150, 145), ("warning", "open"))])
def test_parts_that_come_in_later_settle_the_countys_restated_base(
    home: Settings, bases: tuple[float, float], told: tuple[str, str]
) -> None:
    county(home, "2025.xlsx", 2025, 300, None, 0)
    county(home, "2026.xlsx", 2026, 330, 270, 10)
    take_in(home)
    assert [row[:3] for row in issues(home, "V11", "2026.xlsx")] == [("F3", "warning", "open")]
    parts(home, "towns.xlsx", [(90, 180, bases[0]), (75, 150, bases[1])], 20)
    take_in(home)
    assert [row[:3] for row in issues(home, "V11", "2026.xlsx")] == [("F3", *told)]


# ------------------------------------------------------------------------------------------------------ withdrawals


def test_a_withdrawn_month_is_no_measure_and_the_one_it_beat_is_judged_again(home: Settings) -> None:
    month(home, "1.xlsx", 1, 0, month=100, ytd=100)
    month(home, "2.xlsx", 2, 10, month=100, ytd=200)
    month(home, "2b.xlsx", 2, 20, month=150, ytd=250)
    month(home, "3.xlsx", 3, 30, month=120, ytd=320)
    take_in(home)
    assert [row[:3] for row in issues(home, "V02", "3.xlsx")] == [("D5", "warning", "open")]
    refresh.withdraw(home, "S000003", "typing")
    assert take_in(home).rejudged == ["3.xlsx"]
    told = issues(home, "V02", "3.xlsx")
    assert [row[:3] for row in told] == [("D5", "info", "resolved")] and "2b.xlsx" in told[0][3]
    # January is sent anew: it is the month in force again, 2.xlsx, that is judged beside it
    month(home, "1b.xlsx", 1, 40, month=90, ytd=90)
    assert take_in(home).rejudged == ["2.xlsx"]
    refresh.withdraw(home, "S000005", "typing")
    assert take_in(home).rejudged == ["2.xlsx"]
    assert [row[1:3] for row in issues(home, "V02", "2.xlsx")] == [("info", "resolved")]
    before = everything(home)
    refresh.discard_work(home)
    take_in(home)
    assert everything(home) == before


def test_an_issue_that_parts_had_settled_stands_again_without_them(home: Settings) -> None:
    county(home, "2025.xlsx", 2025, 300, None, 0)
    county(home, "2026.xlsx", 2026, 330, 270, 10)
    parts(home, "towns.xlsx", [(90, 180, 150), (75, 150, 120)], 20)
    take_in(home)
    assert [row[1:3] for row in issues(home, "V11", "2026.xlsx")] == [("info", "resolved")]
    refresh.withdraw(home, "S000003", "wrong file")
    take_in(home)
    assert [row[1:3] for row in issues(home, "V11", "2026.xlsx")] == [("warning", "open")]


# month, its figure, by how much its year to date is off; the same figures twice are one content
FILES = st.lists(
    st.tuples(st.integers(1, 4), st.sampled_from([100, 150]), st.sampled_from([0, 40])), min_size=4, max_size=6
)


@settings_of(
    max_examples=2, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(files=FILES, data=st.data())
def test_after_withdrawals_all_is_as_after_a_rebuild(
    home: Settings, tmp_path_factory: pytest.TempPathFactory, files: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    withdrawn = data.draw(st.lists(st.integers(0, len(files) - 1), min_size=1, max_size=2, unique=True))
    own = load_settings(home=tmp_path_factory.mktemp("homes"), seeds=home.seeds, settle_seconds=0)
    for at, (number, flow, slip) in enumerate(files):
        month(own, f"{at}.xlsx", number, at, month=flow, ytd=100 * number + slip)
    take_in(own)
    for at in withdrawn:
        with contextlib.suppress(WarehouseError):  # a content in force already was no submission of its own
            refresh.withdraw(own, f"S{at + 1:06d}", "typing")
            take_in(own)
    before = everything(own)
    refresh.discard_work(own)
    take_in(own)
    assert everything(own) == before


# --------------------------------------------------------------------------------------------------- late registers

REGISTER = "名录.xlsx"


def as_it_stands(settings: Settings) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Figures and issues by file, whatever the order in which the files came."""
    with store.open_store(settings) as opened:
        figures = opened.connection.execute(
            "SELECT s.file_name, o.unit_id, o.township_code, o.period, o.measure, o.value, o.status, o.cell "
            "FROM raw.observation o JOIN raw.submission s USING (submission_id) WHERE s.status = 'accepted' ORDER BY ALL"
        ).fetchall()
        told = opened.connection.execute(
            "SELECT s.file_name, i.sheet, i.cell, i.rule, i.severity, i.status, i.message_zh FROM raw.issue i "
            "JOIN raw.submission s USING (submission_id) WHERE s.status = 'accepted' ORDER BY ALL"
        ).fetchall()
    return figures, told


def enterprise_months(settings: Settings) -> None:
    """March comes before February; one plant alone is named in February's sheet; a township's figure beside them."""
    both = list(workbooks.ENTERPRISES)
    workbooks.enterprises(settings.inbox / "1.xlsx", 1, {both[0]: (100, 100), both[1]: (10, 10)}, mtime=START + 1)
    workbooks.enterprises(settings.inbox / "3.xlsx", 3, {both[0]: (100, 350), both[1]: (10, 30)}, mtime=START + 2)
    month(settings, "乡镇.xlsx", 2, 3, month=100, ytd=200)
    take_in(settings)
    workbooks.enterprises(settings.inbox / "2.xlsx", 2, {both[0]: (100, 200)}, mtime=START + 4)
    take_in(settings)


def test_a_late_register_makes_all_as_if_it_had_come_first(home: Settings, tmp_path: Path) -> None:
    other = load_settings(home=tmp_path / "other", seeds=home.seeds, settle_seconds=0)
    workbooks.register(other.inbox / REGISTER, mtime=START)
    take_in(other)
    enterprise_months(other)
    enterprise_months(home)
    without = as_it_stands(home)
    workbooks.register(home.inbox / REGISTER, mtime=START + 50)
    report = take_in(home)
    assert set(report.reread) == {"1.xlsx", "2.xlsx", "3.xlsx"} and report.rejudged == ["3.xlsx"]
    assert as_it_stands(home) == as_it_stands(other)
    told = as_it_stands(home)[1]
    # February lacks a plant of the register; it and March, which came before it, do not follow from each other
    assert [one[0] for one in told if one[3] == "V35" and "枫林湖食品有限公司" in one[6]] == ["2.xlsx"]
    assert {one[0] for one in told if one[3] == "V02" and one[5] == "open"} == {"2.xlsx", "3.xlsx"}
    before = everything(home)
    refresh.discard_work(home)
    take_in(home)
    assert everything(home) == before, "a rebuild says the same"

    refresh.withdraw(home, "S000005", "another county's")
    take_in(home)
    assert as_it_stands(home) == without, "without the register all is as it was before it"
    before = everything(home)
    refresh.discard_work(home)
    take_in(home)
    assert everything(home) == before, "a rebuild says the same"
