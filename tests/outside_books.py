"""Workbooks as a stranger to the code writes them: only the words and habits of domain.md C, never the reference rows.

Here stand the workbooks and the figures each of them must yield; what is asserted about them is test_outside.py.
"""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import NamedTuple

import openpyxl


class Figure(NamedTuple):
    """One expected row of marts.fct_observation_version; value in the stored unit, or a null reason in its place."""

    file: str
    indicator: str
    level: str
    unit: str
    period: str
    measure: str
    value: float | str


START = 1_793_500_000  # 2026-11-01, so that every month to 2026-10 has begun
BOOKS: dict[str, list[Figure]] = {}


def save(folder: Path, name: str, sheets: dict[str, tuple[list[list[object]], list[str]]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, (rows, merges) in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append([None if cell == "" else cell for cell in row])
        for merge in merges:
            sheet.merge_cells(merge)
    path = folder / name
    book.save(path)
    os.utime(path, (START + len(list(folder.iterdir())),) * 2)
    return path


def township_wide(folder: Path) -> list[Figure]:
    """L1 in 亿元 and 人, total at the bottom, three header rows, other column order, blanks of three kinds."""
    name = "乡镇上报1.xlsx"
    rows: list[list[object]] = [
        ["示范县2026年前三季度乡镇企业主要经济指标完成情况表"],
        ["", "", "", "", "", "", "", "计量单位：亿元、人、％"],
        ["编号", "单位名称", "从业人员", "增加值", "", "", "", "实缴税金"],
        ["", "", "期末", "1-本月", "", "比上年同期±%", "本月", "年初累计"],
        ["", "", "", "实际", "去年同期", "", "", ""],
        [1, "枫林湖镇", "1,234", "１．２３４５", 1.1, 12.23, 0.2, 0.05],
        [2, "站前", 2000, "2.5亿", 2, 25, "△0.1", "…"],
        [3, "麦田乡", "—", 0.5, 0.4, 25, "一", "/"],
        [4, "新桥坝镇", 0, 0.8, 0.7, 14.3, 0.1, "未报"],
        ["", "全县合计", 3234, 5.0345, 4.2, 19.87, 0.2, 0.05],
        ["注：因单位取舍，合计与分项略有出入。"],
        ["负责人：张某", "", "", "制表人：李某", "", "", "", "报出日期：2026年10月8日"],
    ]
    save(
        folder,
        name,
        {"汇总": (rows, ["A1:H1", "A3:A5", "B3:B5", "C4:C5", "D3:G3", "D4:E4", "F4:F5", "G4:G5", "H4:H5"])},
    )
    p = "2026-09-01"
    t = "township"
    return [
        Figure(name, "TE01", t, "529901100", p, "ytd", 12345),
        Figure(name, "TE01", t, "529901100", p, "base_ytd", 11000),
        Figure(name, "TE01", t, "529901100", p, "declared_growth", 12.23),
        Figure(name, "TE01", t, "529901100", p, "month", 2000),
        Figure(name, "TE01", t, "529901101", p, "ytd", 25000),
        Figure(name, "TE01", t, "529901101", p, "month", -1000),
        Figure(name, "TE03", t, "529901101", p, "ytd", "below_unit"),
        Figure(name, "TE04", t, "529901100", p, "stock", 1234),
        Figure(name, "TE04", t, "529901202", p, "stock", "na"),
        Figure(name, "TE01", t, "529901202", p, "month", "na"),
        Figure(name, "TE03", t, "529901202", p, "ytd", "na"),
        Figure(name, "TE04", t, "529901103", p, "stock", 0),
        Figure(name, "TE03", t, "529901103", p, "ytd", "not_reported"),
        Figure(name, "TE01", t, "529901103", p, "ytd", 8000),
    ]


PERIODS = {
    "2025年1~2月": "2025-02-01",
    "二○二五年一至三月": "2025-03-01",
    "2025.4": "2025-04-01",
    "截至2025年5月底": "2025-05-01",
    "2025年上半年": "2025-06-01",
    "2025年7月份": "2025-07-01",
    "2025年1－8月": "2025-08-01",
    "２０２５年１—９月": "2025-09-01",
    "二〇二五年十月": "2025-10-01",
    "2025年1月至11月": "2025-11-01",
    "2025年度": "2025-12-01",
}


def county_periods(folder: Path) -> list[Figure]:
    """L2, one sheet for each spelling of a period."""
    name = "县汇总历月.xlsx"
    sheets: dict[str, tuple[list[list[object]], list[str]]] = {}
    figures = []
    for number, (title, period) in enumerate(PERIODS.items(), start=1):
        rows: list[list[object]] = [
            [f"示范县乡镇企业主要指标汇总表（{title}）"],
            ["指标", "代码", "单位", "年初累计", "上年同期累计", "同比%", "本月"],
            ["甲", "乙", "丙", "1", "2", "3", "4"],
            ["一、乡镇企业增加值", "01", "千元", 100000 + number, 90000, 11.1, 9000],
            ["（一）工业增加值", "02", "万元", 7000 + number, 6000, 16.7, 600],
            ["二、年末从业人员", "03", "人", 500, 480, 4.2, ""],
        ]
        sheets[f"表{number}"] = (rows, ["A1:G1"])
        figures.append(Figure(name, "TE01", "county", "529901", period, "ytd", (100000 + number) / 10))
        figures.append(Figure(name, "TE02", "county", "529901", period, "ytd", 7000 + number))
        figures.append(Figure(name, "TE01", "county", "529901", period, "base_ytd", 9000))
        figures.append(Figure(name, "TE04", "county", "529901", period, "stock", 500))
    save(folder, name, sheets)
    return figures


CODES = {"甲铝业有限公司": "91529901780001003A", "乙食品有限公司": "9152990178000137X3"}


def roster(folder: Path) -> list[Figure]:
    """The register with other words and another column order."""
    rows: list[list[object]] = [
        ["示范县乡镇企业花名册"],
        ["企业名称", "统一社会信用代码", "乡镇", "行业代码", "是否规上", "是否煤矿", "状态"],
        ["甲铝业有限公司", CODES["甲铝业有限公司"], "站前镇", "3216", "是", "否", "正常"],
        ["乙食品（示范）有限公司", CODES["乙食品有限公司"], "枫林湖", "1391", "√", "", "停产"],
        ["红旗煤矿", "780000246", "王家乡", "0610", "否", "是", "正常"],
    ]
    save(folder, "花名册.xlsx", {"名录": (rows, ["A1:G1"])})
    return []


def enterprises(folder: Path) -> list[Figure]:
    """L3: ditto marks, subtotals, a repeated header on page 2, codes with a hyphen, 千元 in the column."""
    name = "规上9月.xlsx"
    head = ["序号", "乡镇", "单位名称", "组织机构代码", "工业总产值（千元）", "", "", "用电量（万千瓦时）", "备注"]
    sub = ["", "", "", "", "上年同期", "1—9月", "本月", "本月止累计", ""]
    rows: list[list[object]] = [
        ["2026年1—9月规模以上工业企业生产情况表"],
        head,
        sub,
        [1, "站前镇", "甲铝业有限公司", "78000100-3", 21000, "25 880", "3，210", 1890, ""],
        ["", "小计", "", "", 21000, 25880, 3210, 1890, ""],
        ["续表"],
        head,
        sub,
        [2, "枫林湖镇", "乙食品(示范)有限公司", "", 800, 900, 0, 33, "停产"],
        ["", "合计", "", "", 21800, 26780, 3210, 1923, ""],
    ]
    save(folder, name, {"Sheet1": (rows, ["A1:I1", "E2:G2", "E7:G7"])})
    p, a, b = "2026-09-01", CODES["甲铝业有限公司"], CODES["乙食品有限公司"]
    return [
        Figure(name, "BF02", "enterprise", a, p, "ytd", 2588),
        Figure(name, "BF02", "enterprise", a, p, "month", 321),
        Figure(name, "BF02", "enterprise", a, p, "base_ytd", 2100),
        Figure(name, "BF02", "enterprise", b, p, "ytd", 90),
        Figure(name, "BF02", "enterprise", b, p, "month", 0),
    ]


def coal(folder: Path) -> list[Figure]:
    """L5 in 万吨 with synonyms."""
    name = "煤矿.xlsx"
    rows: list[list[object]] = [
        ["示范县乡镇煤矿生产、安全情况月报表（2026年9月）"],
        ["单位：万吨、人"],
        ["乡镇", "煤矿名称", "原煤产量", "", "", "从业人数", "死亡人数", "矿井状态"],
        ["", "", "累计", "同期", "本月", "", "", ""],
        ["王家", "红旗煤矿", 5.21, 4.8, 0.68, 186, 0, "正常"],
        ["", "合计", 5.21, 4.8, 0.68, 186, 0, ""],
    ]
    save(folder, name, {"9月": (rows, ["A1:H1", "C3:E3", "A3:A4", "B3:B4", "F3:F4", "G3:G4", "H3:H4"])})
    p, m = "2026-09-01", "780000246"
    return [
        Figure(name, "CO01", "enterprise", m, p, "ytd", 52100),
        Figure(name, "CO01", "enterprise", m, p, "base_ytd", 48000),
        Figure(name, "CO01", "enterprise", m, p, "month", 6800),
    ]


def targets(folder: Path) -> list[Figure]:
    """L6: several words of a target."""
    name = "责任状.xlsx"
    rows: list[list[object]] = [
        ["示范县2026年乡镇企业目标任务分解表"],
        ["乡镇", "考核指标", "单位", "上年实绩", "2026年目标任务", "增长％", "档次", "评分标准"],
        ["枫林湖镇", "增加值", "亿元", 1.86, 2.19, 17.7, "确保", "完成得满分"],
        ["", "实交税金", "万元", 1750, 2140, "", "确保", ""],
        ["", "煤矿死亡人数", "人", 1, "不超过2", "", "控制", "一票否决"],
        ["站前镇", "增加值", "万元", 18000, "增长17%", "", "确保", ""],
        ["", "增加值", "万元", "", 25000, "", "奋斗", ""],
    ]
    save(folder, name, {"分解": (rows, ["A1:H1", "A3:A5", "A6:A7"])})
    p, t = "2026-12-01", "township"
    return [
        Figure(name, "TE01", t, "529901100", p, "target", 21900),
        Figure(name, "TE01", t, "529901100", p, "base_ytd", 18600),
        Figure(name, "TE01", t, "529901100", p, "target_growth", 17.7),
        Figure(name, "TE03", t, "529901100", p, "target", 2140),
        Figure(name, "TE01", t, "529901101", p, "target_growth", 17),
        Figure(name, "TE01", t, "529901101", p, "target_stretch", 25000),
    ]


def gbk_csv(folder: Path) -> list[Figure]:
    """L1 as GBK text of one township alone, of a month in which it had its old name."""
    name = "滨河2024年5月.csv"
    with (folder / name).open("w", encoding="gbk", newline="") as handle:
        csv.writer(handle).writerows(
            [
                ["示范县2024年1-5月乡镇企业主要经济指标完成情况表"],
                ["", "", "", "单位：万元"],
                ["序号", "乡镇", "增加值(本月)", "增加值(累计)"],
                ["1", "滨河镇", "1，000", "5,000.50"],
                ["2", "石门乡", "10", "50"],
            ]
        )
    os.utime(folder / name, (START + 90,) * 2)
    p = "2024-05-01"
    return [
        Figure(name, "TE01", "township", "529901106", p, "ytd", 5000.5),
        Figure(name, "TE01", "township", "529901106", p, "month", 1000),
        Figure(name, "TE01", "township", "529901204", p, "ytd", 50),
    ]


def per_township(folder: Path) -> list[Figure]:
    """One sheet a township, and a cover sheet: the place stands in the sheet's table, months in Chinese numerals."""
    name = "分乡镇.xlsx"

    def sheet(town: str, value: float) -> tuple[list[list[object]], list[str]]:
        return [
            ["示范县2026年8月份乡镇企业主要经济指标完成情况表"],
            ["", "", "", "单位：万元"],
            ["序号", "乡镇名称", "增加值", ""],
            ["", "", "8月", "1-8月"],
            [1, town, value / 8, value],
        ], ["A1:D1", "C3:D3"]

    cover: tuple[list[list[object]], list[str]] = ([["填表说明"], ["一、请于8日前报送。"]], [])
    save(folder, name, {"填表说明": cover, "王家乡": sheet("王家乡", 800), "红土": sheet("红土", 1600)})
    p = "2026-08-01"
    return [
        Figure(name, "TE01", "township", "529901200", p, "ytd", 800),
        Figure(name, "TE01", "township", "529901200", p, "month", 100),
        Figure(name, "TE01", "township", "529901203", p, "ytd", 1600),
    ]


def incidents(folder: Path) -> list[Figure]:
    """Incidents with other words."""
    rows: list[list[object]] = [
        ["示范县2026年生产安全事故情况明细表"],
        ["发生日期", "单位名称", "乡镇", "事故类型", "死亡人数", "重伤人数", "直接经济损失（万元）"],
        ["2026-08-03", "红旗煤矿", "王家乡", "顶板", 1, 2, 120.5],
        ["2026年9月5日", "甲铝业有限公司", "站前镇", "机械伤害", 0, 1, "30万元"],
    ]
    save(folder, "事故.xlsx", {"事故": (rows, ["A1:G1"])})
    return []


def october(
    folder: Path,
    name: str,
    figures: dict[str, tuple[object, object]],
    later: int,
    title: str = "示范县2026年1—10月乡镇企业主要经济指标完成情况表",
) -> Path:
    """A plain L1: value added of townships, (month, year to date), received `later` seconds after the start."""
    rows: list[list[object]] = [
        [title],
        ["", "", "", "单位：万元"],
        ["序号", "乡镇", "增加值", ""],
        ["", "", "本月", "累计"],
    ]
    rows += [[number, town, *values] for number, (town, values) in enumerate(figures.items(), start=1)]
    path = save(folder, name, {"Sheet1": (rows, ["A1:D1", "C3:D3"])})
    os.utime(path, (START + later,) * 2)
    return path


def bad_input(folder: Path) -> None:
    """The five kinds of bad input that the spine must tell."""
    (folder / "空.xlsx").write_bytes(b"")
    (folder / "图片.xlsx").write_bytes(bytes.fromhex("89504e470d0a1a0a0000000d49484452") + bytes(50))
    save(folder, "未知.xlsx", {"Sheet1": ([["食堂"], ["品名", "数量"], ["米", 3]], [])})
    october(folder, "未来.xlsx", {"枫林湖镇": (1, 2)}, 1000, "示范县2027年5月乡镇企业主要经济指标完成情况表")
    october(folder, "文字.xlsx", {"王家乡": ("约一百左右", 900), "红土乡": (100, 1700), "不存在镇": (1, 2)}, 1001)


def unit_changes(folder: Path) -> None:
    """A register of township changes (D.2), and a later one that mends a code of the first."""
    head = ["序号", "原区划代码", "原名称", "变更原因", "现区划代码", "现名称", "批准文件"]
    first: list[list[object]] = [
        ["2026年县以下行政区划代码变更情况"],
        ["（全年）"],
        head,
        [1, 529901106, "滨河镇", "撤镇设街道", 529901002, "滨河街道", "示府发〔2024〕18号"],
        [2, 529901200, "王家乡", "撤乡设镇", 529901111, "王家镇", "示府发〔2026〕3号"],
        [3, 529901104, "暗溪镇", "撤镇设街道", 529901005, "暗溪街道", "示府发〔2026〕4号"],
        [4, 529901105, "犁坪镇", "", "", "", ""],
        ["注：1.本表由统计人员编制。"],
    ]
    save(folder, "区划变更.xlsx", {"2026": (first, ["A1:G1", "D6:D7", "E6:E7", "F6:F7", "G6:G7"])})
    mended: list[list[object]] = [
        ["2026年县以下行政区划代码变更情况（补正）"],
        head,
        [1, 529901200, "王家乡", "撤乡设镇", 529901112, "王家镇", "示府发〔2026〕3号"],
    ]
    save(folder, "区划变更补正.xlsx", {"2026": (mended, [])})


BUILDERS = (
    roster,
    township_wide,
    county_periods,
    enterprises,
    coal,
    targets,
    gbk_csv,
    per_township,
    incidents,
)
