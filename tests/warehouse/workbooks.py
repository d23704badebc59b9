"""Small real workbooks for the warehouse's tests: a township table, a register, a table of enterprises."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import openpyxl

# Two townships of the demonstration county, and two enterprises with sound credit codes (workbooks/specimens).
TOWNS = ("枫林湖镇", "站前镇")
CODES = {"枫林湖镇": "529901100", "站前镇": "529901101"}
ENTERPRISES = {
    "示范铝业有限公司": ("91529901780001003A", "站前镇"),
    "枫林湖食品有限公司": ("9152990178000137X3", "枫林湖镇"),
}
START = 1_769_000_000


def write(path: Path, rows: Sequence[Sequence[object]], merges: Sequence[str] = (), mtime: float = START) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    book = openpyxl.Workbook()
    sheet = book.active
    for row in rows:
        sheet.append(list(row))
    for merge in merges:
        sheet.merge_cells(merge)
    book.save(path)
    os.utime(path, (mtime, mtime))
    return path


def _span(year: int, month: int) -> str:
    return f"{year}年1月" if month == 1 else f"{year}年1—{month}月"


def townships(
    path: Path, month: int, figures: Mapping[str, tuple[object, object]], *, year: int = 2026, mtime: float = START
) -> Path:
    """TE-M1: value added of townships, (this month, year to date) each, in 万元."""
    rows: list[list[object]] = [
        [f"示范县乡镇企业主要经济指标完成情况表（{_span(year, month)}）"],
        ["", "", "", "单位：万元"],
        ["序号", "乡镇", "增加值", ""],
        ["", "", "本月", "累计"],
    ]
    rows += [[number, name, *values] for number, (name, values) in enumerate(figures.items(), start=1)]
    return write(path, rows, ("A1:D1", "C3:D3", "A3:A4", "B3:B4"), mtime)


def register(path: Path, names: Sequence[str] = tuple(ENTERPRISES), *, mtime: float = START) -> Path:
    """RO-Y1: the register, with the named enterprises."""
    rows: list[list[object]] = [
        ["示范县乡镇企业名录（2026年）"],
        [
            "序号",
            "统一社会信用代码",
            "企业名称",
            "所在乡镇",
            "行业代码",
            "规模以上",
            "农产品加工",
            "制药",
            "煤矿",
            "重点用能",
            "状态",
        ],
    ]
    for number, name in enumerate(names, start=1):
        code, town = ENTERPRISES[name]
        rows.append([number, code, name, town, "3216", "是", "否", "否", "否", "否", "正常"])
    return write(path, rows, ("A1:K1",), mtime)


def enterprises(path: Path, month: int, figures: Mapping[str, tuple[object, object]], *, mtime: float = START) -> Path:
    """TE-M3: gross output of enterprises that are named, without their codes."""
    rows: list[list[object]] = [
        [f"规模以上企业生产情况（{_span(2026, month)}）"],
        ["", "", "", "", "单位：万元"],
        ["序号", "企业名称", "乡镇", "总产值", ""],
        ["", "", "", "本月", "累计"],
    ]
    for number, (name, values) in enumerate(figures.items(), start=1):
        rows.append([number, name, ENTERPRISES[name][1], *values])
    return write(path, rows, ("A1:E1", "D3:E3", "A3:A4", "B3:B4", "C3:C4"), mtime)
