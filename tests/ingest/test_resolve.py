"""Townships by name and date, enterprises by code and name, repeated rows (domain.md C.2, D.1, D.4, I.14)."""

from __future__ import annotations

from datetime import date

import pytest

from dagster_project.ingest.model import KnownEnterprise
from dagster_project.ingest.resolve import Directory
from tests.ingest.conftest import Reader
from tests.ingest.sheets import at, figures, rules

MONTH = "\n{period}乡镇企业主要经济指标\n乡镇|增加值累计|实交税金累计\n云溪街道|1|2\n{name}|3|4\n"


@pytest.mark.parametrize(
    ("name", "period", "code", "notice"),
    [
        ("枫林湖镇", "2026年3月", "529901100", None),
        ("枫林湖", "2026年3月", "529901100", None),
        ("示范县枫林湖镇", "2026年3月", "529901100", None),
        ("麦田乡", "2026年3月", "529901202", None),
        ("县直", "2026年3月", "529901900", None),
        ("新桥坝镇", "2026年3月", "529901103", "resolve.former_name"),
        ("新桥坝镇", "2023年3月", "529901103", None),
        ("滨河镇", "2026年3月", "529901002", "resolve.successor"),
        ("滨河镇", "2024年6月", "529901106", None),
        ("滨河街道", "2024年3月", "529901106", "resolve.successor"),
        ("滨河", "2024年3月", "529901106", "resolve.successor"),
        ("石门乡", "2025年2月", "529901204", None),
        ("百合乡", "2024年12月", "529901205", None),
    ],
)
def test_names_by_date(read: Reader, name: str, period: str, code: str, notice: str | None) -> None:
    intake = read(MONTH.format(period=period, name=name))
    assert ("TE01", code, "ytd") in figures(intake)
    assert rules(intake) == ({notice} if notice else set())


@pytest.mark.parametrize(
    ("name", "period", "rule"),
    [
        ("石门乡", "2025年3月", "resolve.ended_township"),
        ("百合乡", "2025年1月", "resolve.left_township"),
        ("枫林胡镇", "2026年3月", "resolve.unknown_township"),
    ],
)
def test_rows_of_ended_or_unknown_townships_stay_out_of_force(read: Reader, name: str, period: str, rule: str) -> None:
    intake = read(MONTH.format(period=period, name=name))
    assert set(figures(intake)) == {("TE01", "529901001", "ytd"), ("TE03", "529901001", "ytd")}
    assert figures(intake, accepted=False) == {("TE01", None, "ytd"): "3", ("TE03", None, "ytd"): "4"}
    assert at(intake, rule) == ["A4"]
    if rule == "resolve.unknown_township":
        (issue,) = intake.issues
        assert "枫林湖镇" in issue.message_zh  # offered, never applied


def test_chains_of_successors(directory: Directory) -> None:
    assert directory.township_at("529901106", date(2026, 1, 1)) == "529901002"
    assert directory.township_at("529901204", date(2026, 1, 1)) == "529901101"
    assert directory.township_at("529901205", date(2026, 1, 1)) is None


ROWS = """
示范县规模以上企业生产情况（2026年3月）
所在乡镇|企业名称|统一社会信用代码|工业总产值|
|||累计|
{rows}
"""


def test_codes_eaten_padded_failing(read: Reader) -> None:
    """domain.md I.14."""
    intake = read(
        ROWS.format(
            rows="卫山镇|甲厂|9.15202E+17|1|\n卫山镇|乙厂|74951247|2|\n卫山镇|丙厂|91350211M0000XUF46|3|\n卫山镇|丁厂|12AB|4|"
        )
    )
    assert figures(intake) == {
        ("BF02", "074951247", "ytd"): "2",
        ("BF02", "91350211M0000XUF46", "ytd"): "3",
    }
    assert [(i.rule, i.cell, i.severity) for i in intake.issues if i.rule.startswith("V32")] == [
        ("V32", "C4", "error"),
        ("V32", "C5", "info"),
        ("V32.check_digit", "C6", "warning"),
        ("V32", "C7", "error"),
    ]


def test_a_wrong_code_beside_an_exact_name_is_told(read: Reader) -> None:
    intake = read(ROWS.format(rows="站前镇|示范铝业有限公司|91529901780001003B|1|"))
    assert figures(intake) == {("BF02", "91529901780001003A", "ytd"): "1"}
    assert rules(intake, "warning") == {"V32.check_digit", "V33"}


def test_names_within_their_township_never_by_similarity(read: Reader) -> None:
    intake = read(
        ROWS.format(
            rows="枫林湖镇|枫林湖食品有限责任公司||1|\n枫林湖镇|枫林湖食品厂||2|\n云溪街道|示范铝业有限公司||3|\n|站前煤矿(停)||4|"
        )
    )
    assert figures(intake) == {
        ("BF02", "9152990178000137X3", "ytd"): "1",
        ("BF02", "91529901780002858K", "ytd"): "4",
    }
    assert at(intake, "resolve.unknown_enterprise") == ["B5", "B6"]
    mine = next(e for e in intake.parsed.coverage if e.unit_id == "91529901780002858K")
    assert mine.status == "suspended"


def test_an_alias_means_the_enterprise_of_its_own_township(read: Reader, directory: Directory) -> None:
    """What a person said a name means (enterprise_aliases.csv) goes first, and never over a township's border."""
    directory.aliases["老煤矿"] = {"91529901780002858K", "91529901780003228M"}
    intake = read(ROWS.format(rows="站前镇|老煤矿||1|\n新桥镇|老煤矿||2|\n云溪街道|老煤矿||3|"))
    assert figures(intake) == {
        ("BF02", "91529901780002858K", "ytd"): "1",
        ("BF02", "91529901780003228M", "ytd"): "2",
    }
    assert at(intake, "resolve.unknown_enterprise") == ["B6"]


def test_the_rows_township_beats_the_registers(read: Reader) -> None:
    intake = read(ROWS.format(rows="卫山镇|示范铝业有限公司|91529901780001003A|1|"))
    (one,) = intake.parsed.observations
    assert (one.unit_id, one.township_code) == ("91529901780001003A", "529901102")
    assert rules(intake) == {"V33"}
    absorbed = read(ROWS.format(rows="石门乡|示范铝业有限公司|91529901780001003A|1|"))
    (one,) = absorbed.parsed.observations  # an enterprise's ground follows the merger, and its figure stays in force
    assert (one.township_code, one.status) == ("529901101", "accepted")


def test_a_month_is_held_against_the_register_of_that_month(read: Reader, directory: Directory) -> None:
    code = "91529901780001003A"
    directory.register(KnownEnterprise(code, "示范铝业有限公司", "529901100", valid_from=date(2020, 1, 1)))
    directory.register(KnownEnterprise(code, "示范新材有限公司", "529901102", valid_from=date(2026, 4, 1)))
    early = ROWS.format(rows=f"枫林湖镇|示范铝业有限公司|{code}|1|")
    assert "V33" not in rules(read(early))
    assert "V33" in rules(read(ROWS.format(rows=f"云溪街道|示范铝业有限公司|{code}|1|")))


def test_a_sound_unknown_code_is_registered_provisionally_and_then_known(read: Reader, directory: Directory) -> None:
    text = ROWS.format(rows="卫山镇|某新厂|91110000101623741K|1|")
    intake = read(text)
    assert rules(intake) == {"resolve.provisional"}
    directory.learn(intake)
    assert rules(read(text)) == set()
    assert directory.enterprises["91110000101623741K"].is_provisional


def test_repeated_rows(read: Reader) -> None:
    intake = read(MONTH.format(period="2026年3月", name="云溪街道"))
    assert figures(intake) == {("TE01", "529901001", "ytd"): "1", ("TE03", "529901001", "ytd"): "2"}
    assert sorted(str(cell) for cell in at(intake, "V32.twice")) == ["B3", "B4", "C3", "C4"]


def test_messages_say_where_what_and_what_to_do(read: Reader) -> None:
    intake = read(MONTH.format(period="2026年3月", name="枫林胡镇"), file="三月.xlsx")
    (issue,) = intake.issues
    for part in ("三月.xlsx", "Sheet1", "A4", "枫林胡镇"):
        assert part in issue.message_zh and part in issue.message_en
