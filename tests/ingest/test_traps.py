"""Traps of domain.md C.2 that no other test holds, and the table that names a test for each (docs/traps.md)."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from dagster_project.ingest.codes import township_part
from dagster_project.ingest.vocabulary import Vocabulary
from tests.ingest.conftest import Reader
from tests.ingest.sheets import at, figures, rules

ROOT = Path(__file__).parents[2]
SYNONYMS = {
    "ytd": ("累计", "1-本月", "本月止累计", "年初累计", "1-4月", "累 计"),
    "base_ytd": ("同期", "上年同期", "去年同期", "上年同期累计"),
    "declared_growth": ("增长%", "±%", "增减%", "同比%", "比上年同期±%"),
    "target": ("计划", "年计划", "全年目标", "目标任务"),
    "": ("完成%", "占年计划%", "完成进度"),
}


@pytest.mark.parametrize(
    ("measure", "heading"), [(measure, one) for measure, words in SYNONYMS.items() for one in words]
)
def test_a_measure_by_each_of_its_names(read: Reader, measure: str, heading: str) -> None:
    first = "本月" if measure == "ytd" else "累计"
    intake = read(
        f"\n2026年4月乡镇企业主要经济指标\n乡镇|增加值||实交税金\n|{first}|{heading}|累计\n云溪街道|11|22|33\n"
    )
    others = {"month": "11", "ytd": "22"} if measure == "ytd" else {"ytd": "11"} | ({measure: "22"} if measure else {})
    assert {key[2]: value for key, value in figures(intake).items() if key[0] == "TE01"} == others
    assert rules(intake) == set()


@pytest.mark.parametrize(
    ("text", "reason"),
    [("ー", "na"), ("／", "na"), ("X", "na"), ("--", "na"), ("无", "not_reported"), ("技改", "suspended")],
)
def test_rarer_words_for_nothing(vocabulary: Vocabulary, text: str, reason: str) -> None:
    figure = vocabulary.figures.read(text)
    assert (figure.number, figure.null_reason) == (None, reason)


def test_a_picture_of_wps_in_a_cell_is_no_figure(read: Reader) -> None:
    intake = read('\n2026年4月乡镇企业主要经济指标\n乡镇|增加值累计|实交税金累计\n云溪街道|=DISPIMG("ID_1",1)|3\n')
    assert figures(intake) == {("TE03", intake.parsed.observations[-1].unit_id, "ytd"): "3"}
    assert at(intake, "parse.formula") == ["B3"]


def test_a_region_code_that_lost_its_digits_is_no_township() -> None:
    assert township_part("5.29901E+11") is None


def test_order_numbers_indents_signatures_and_garbage_are_no_rows(read: Reader) -> None:
    intake = read(
        """
2026年4月乡镇企业主要经济指标完成情况表
序号|乡镇|增加值累计
一、|合  计|30
（一）|　云溪街道|10
||
2、|枫林湖镇|20
注：因单位取舍，合计与分项略有出入。
分管领导：张三|审核人：李四|制表人：王五
|||x
"""
    )
    assert sorted(value for value in figures(intake).values()) == ["10", "20"]
    assert [str(total.value) for total in intake.parsed.totals] == ["30"]
    assert rules(intake, "error") == set()


def test_every_trap_names_a_test_that_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", (ROOT / "docs" / "traps.md").read_text(encoding="utf-8"))
    assert len(named) > 40
    held: dict[str, set[str]] = {}
    for path, name in named:
        if path not in held:
            tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
            held[path] = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert name in held[path], f"{path} has no {name}"
