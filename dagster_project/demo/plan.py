"""What will be in the inbox: every workbook of the months asked for, when it arrives, and what is wrong with it.

Belongs here: the calendar of deliveries (due days, late ones, missing ones, resubmissions) and the faults, each at a cell.
Does not belong here: how a workbook looks (layouts.py). docs/demo.md describes the same for readers.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal

from dagster_project.demo import places
from dagster_project.demo.economy import Economy, growth_pct, quantize
from dagster_project.demo.files import BELOW, UNKNOWN, Edit, PlannedFile
from dagster_project.demo.places import COUNTY_CODE, Township, add_months
from dagster_project.demo.register import Enterprise
from dagster_project.demo.silence import Silence

LAST = date(2026, 10, 1)
MONTHLY = ("TE-M1", "TE-M3", "TE-M2", "CO-M1", "SA-E1", "EN-M1")
DUE_DAY = {"TE-M1": 8, "TE-M2": 8, "TE-M3": 8, "EN-M1": 8, "CO-M1": 5, "SA-E1": 2}  # of the next month, as forms.csv
LATE_SHARE = 0.08
NAMES = {
    "TE-M1": "乡镇企业主要经济指标",
    "TE-M2": "全县乡镇企业主要指标汇总",
    "TE-M3": "规模以上企业生产情况",
    "CO-M1": "乡镇煤矿生产安全月报",
    "SA-E1": "生产安全事故情况",
    "EN-M1": "重点用能企业能耗月报",
    "RO-Y1": "乡镇企业名录",
    "TG-Y1": "乡镇企业目标任务分解表",
    "AN-Y1": "乡村人口",
    "TK-M1": "重点工作任务台账",
}
# workbooks that never came
MISSING_FILES = {
    ("TE-M2", date(2024, 5, 1)),
    ("EN-M1", date(2024, 9, 1)),
    ("SA-E1", date(2024, 8, 1)),
    ("CO-M1", date(2025, 1, 1)),
}
CSV_FILES = {("TE-M3", date(2025, 5, 1))}
# corrected versions: the faults of the first one are gone in the second
RESUBMITTED = {
    ("TE-M1", date(2024, 3, 1)),
    ("TE-M1", date(2024, 7, 1)),
    ("TE-M1", date(2024, 9, 1)),
    ("TE-M1", date(2024, 11, 1)),
    ("TE-M1", date(2025, 5, 1)),
    ("TE-M1", date(2025, 10, 1)),
    ("TE-M1", date(2025, 12, 1)),
    ("TE-M1", date(2026, 4, 1)),
    ("TE-M1", date(2026, 9, 1)),
    ("TE-M3", date(2024, 7, 1)),
    ("TE-M3", date(2025, 12, 1)),
    ("TE-M3", date(2026, 8, 1)),
    ("CO-M1", date(2024, 3, 1)),
    ("CO-M1", date(2026, 8, 1)),
    ("EN-M1", date(2025, 3, 1)),
    ("TE-M2", date(2025, 5, 1)),
}

_FULL_WIDTH = str.maketrans("0123456789,.-", "０１２３４５６７８９，．－")


class Faults:
    """The planted faults, by form and month. Each method of a form fills the edits of one file."""

    def __init__(self, economy: Economy) -> None:
        self.economy = economy

    # ---- helpers ---------------------------------------------------------------------------------------------------

    @staticmethod
    def _add(file: PlannedFile, edit: Edit) -> None:
        if edit.key in file.edits:
            raise ValueError(f"two faults at one cell: {edit.key}")
        file.edits[edit.key] = edit

    def _township(self, file: PlannedFile, code: str) -> Township:
        return next(item for item in places.townships(file.period) if item.code == code)

    def _enterprise(self, file: PlannedFile, index: int) -> Enterprise:
        """An ordinary, active enterprise of the month's list that also was there a year ago."""
        back = add_months(file.period, -12)
        fit = [
            item
            for item in self.economy.listed(file.period, above=True)
            if not (item.is_coal or item.is_key or item.is_pharma or item.suspended or item.moved_on or item.renamed_on)
            and item.closed is None
            and item.is_above(back)
            and item.opened <= back
        ]
        return fit[index % len(fit)]

    def _named(self, name: str) -> Enterprise:
        return next(item for item in self.economy.enterprises if item.name == name)

    def _value(self, file: PlannedFile, unit: str, code: str, measure: str) -> Decimal:
        """The true figure of a cell."""
        economy, period = self.economy, file.period
        back = add_months(period, -12)
        if unit.startswith(COUNTY_CODE) and len(unit) == 9:
            township = self._township(file, unit)
            if measure == "month":
                return economy.flow(township, code, period)
            return (
                economy.base(township, code, period) if measure == "base_ytd" else economy.ytd(township, code, period)
            )
        if measure == "month":
            return economy.unit_flow(unit, code, period)
        if measure == "stock":
            return economy.unit_stock(unit, code, period)
        return economy.unit_ytd(unit, code, back if measure == "base_ytd" else period)

    def _put(
        self, file: PlannedFile, unit: str, code: str, measure: str, value: Decimal, kind: str, rule: str, severity: str, planted: str,
        expectation: str = "must", group: str = "",
    ) -> None:  # fmt: skip
        self._add(file, Edit(unit, code, measure, kind, rule, severity, expectation, planted, value=value, group=group))

    def _spelling(
        self, file: PlannedFile, unit: str, code: str, measure: str, kind: str, spell: Callable[[Decimal], str]
    ) -> None:
        """Another way to write the true figure, which has to be read without an issue."""
        value = self._value(file, unit, code, measure)
        edit = Edit(
            unit, code, measure, kind, "", "", "none", f"{value} written as text", content=spell(value), value=value
        )
        self._add(file, edit)

    def _null(self, file: PlannedFile, unit: str, code: str, measure: str, token: str, reason: str) -> None:
        planted = f"{token or 'blank'} instead of a figure: {reason}"
        self._add(
            file, Edit(unit, code, measure, "null_token", "", "", "none", planted, content=token, null_reason=reason)
        )

    def _text(self, file: PlannedFile, unit: str, code: str, measure: str, text: str) -> None:
        planted = "a word in a number cell"
        self._add(file, Edit(unit, code, measure, "text_in_number", "R", "error", "must", planted, content=text))

    def _unit_slip(self, file: PlannedFile, unit: str, code: str, factor: str, planted: str) -> None:
        """A row in another unit than its column says: month, year to date and base alike."""
        for measure in ("month", "ytd", "base_ytd"):
            value = self._value(file, unit, code, measure) * Decimal(factor)
            expectation = "may" if measure == "base_ytd" else "must"
            self._put(
                file,
                unit,
                code,
                measure,
                value,
                "unit_slip",
                "V13",
                "warning",
                planted,
                expectation,
                f"unit {unit} {code}",
            )

    def _lost_digit(self, file: PlannedFile, unit: str, code: str) -> None:
        value = Decimal(int(self._value(file, unit, code, "ytd")) // 10)
        self._put(file, unit, code, "ytd", value, "lost_digit", "V03", "error", "the year to date lost its last digit")

    def _doubled_digit(self, file: PlannedFile, unit: str, code: str) -> None:
        digits = str(int(self._value(file, unit, code, "month")))
        value = Decimal(digits[0] + digits)
        self._put(
            file, unit, code, "month", value, "doubled_digit", "V03", "error", "the month's first digit typed twice"
        )

    def _swapped(self, file: PlannedFile, unit: str, code: str) -> None:
        digits = str(int(self._value(file, unit, code, "ytd")))
        at = next(index for index in range(len(digits) - 1) if digits[index] != digits[index + 1])
        value = Decimal(digits[:at] + digits[at + 1] + digits[at] + digits[at + 2 :])
        self._put(
            file, unit, code, "ytd", value, "swapped_digits", "V02", "warning", "two digits of the year to date swapped"
        )

    def _wrong_growth(self, file: PlannedFile, unit: str, code: str, by: str) -> None:
        right = growth_pct(self._value(file, unit, code, "ytd"), self._value(file, unit, code, "base_ytd"))
        assert right is not None
        value = right + Decimal(by)
        self._put(
            file,
            unit,
            code,
            "declared_growth",
            value,
            "wrong_growth",
            "V10",
            "warning",
            f"printed growth off by {by} points",
        )

    def _part_over_total(self, file: PlannedFile, unit: str) -> None:
        value = quantize(self._value(file, unit, "TE01", "ytd") * Decimal("1.08"), 0)
        self._put(file, unit, "TE02", "ytd", value, "part_over_total", "V05", "error", "工业增加值 above 增加值")

    def _short_total(self, file: PlannedFile, code: str, measure: str) -> None:
        """The clerk's SUM ends one row too early."""
        silent = {unit for unit, state in file.rows.items() if state in ("unreported", "absent")}
        rows = [item for item in places.townships(file.period) if item.code not in silent]
        value = sum((self._value(file, item.code, code, measure) for item in rows[:-1]), Decimal(0))
        self._put(file, "合计", code, measure, value, "wrong_total", "V07", "error", "合计 misses the last row")

    def _adjustment(self, file: PlannedFile, unit: str, code: str) -> None:
        value = self._value(file, unit, code, "ytd")
        planted = "the year to date holds a correction of earlier months"
        self._put(file, unit, code, "ytd", value, "adjustment", "V02", "warning", planted)

    def _name(
        self,
        file: PlannedFile,
        unit: str,
        name: str,
        kind: str,
        rule: str,
        severity: str,
        expectation: str,
        planted: str,
    ) -> None:
        self._add(file, Edit(unit, "name", "", kind, rule, severity, expectation, planted, content=name))

    def _code(self, file: PlannedFile, item: Enterprise) -> None:
        wrong = item.credit_code[:-1] + ("7" if item.credit_code[-1] != "7" else "8")
        planted = "last character of the credit code mistyped"
        self._add(
            file, Edit(item.credit_code, "code", "", "check_digit", "V32", "warning", "must", planted, content=wrong)
        )

    # ---- TE-M1 -----------------------------------------------------------------------------------------------------

    def te_m1(self, file: PlannedFile) -> None:
        match (file.period.year, file.period.month):
            case (2023, 12):
                for measure in ("ytd", "base_ytd"):
                    self._spelling(
                        file,
                        "529901102",
                        "TE01",
                        measure,
                        "full_width",
                        lambda value: f"{value:,}.0".translate(_FULL_WIDTH),
                    )
            case (2024, 1):
                self._spelling(file, "529901103", "TE01", "ytd", "thousands", lambda value: f"{value:,}.0 ")
            case (2024, 2):
                self._name(file, "529901103", "新桥坝镇", "former_name", "", "", "may", "the name used until 2023")
            case (2024, 3):
                self._lost_digit(file, "529901100", "TE03")
            case (2024, 4):
                self._wrong_growth(file, "529901105", "TE01", "3.4")
            case (2024, 5):
                self._spelling(file, "529901101", "TE01", "ytd", "unit_in_cell", lambda value: f"{value / 10000}亿元")
            case (2024, 6):
                self._adjustment(file, "529901102", "TE01")
            case (2024, 7):
                self._swapped(file, "529901104", "TE03")
            case (2024, 8):
                self._text(file, "529901200", "TE08", "month", "待核实")
            case (2024, 9):
                self._part_over_total(file, "529901201")
                self._name(file, "529901002", "滨河镇", "former_name", "", "", "may", "the name used until June")
            case (2024, 10):
                self._short_total(file, "TE03", "ytd")
            case (2024, 11):
                self._unit_slip(file, "529901202", "TE03", "10000", "元 typed into a 万元 column")
            case (2024, 12):
                self._null(file, "529901202", "TE08", "month", "…", BELOW)
                self._null(file, "529901203", "TE08", "month", "", UNKNOWN)
            case (2025, 1):
                value = self._value(file, "529901100", "TE08", "month") - 50
                planted = "in January the month differs from the year to date"
                self._put(file, "529901100", "TE08", "month", value, "january_month", "V03", "error", planted)
            case (2025, 2):
                self._doubled_digit(file, "529901200", "TE01")
            case (2025, 4):
                before = self.economy.ytd(self._township(file, "529901900"), "TE08", add_months(file.period, -1))
                value = quantize(before * Decimal("0.94"), 0)
                planted = "the year to date falls below last month's"
                self._put(file, "529901900", "TE08", "ytd", value, "ytd_drop", "V04", "warning", planted)
            case (2025, 5):
                planted = "a name that no township bears"
                self._name(file, "529901103", "新乔镇", "unknown_township", "R", "error", "must", planted)
            case (2025, 7):
                self._wrong_growth(file, "529901001", "TE03", "-2.6")
            case (2025, 8):
                for measure in ("ytd", "base_ytd"):
                    self._spelling(
                        file,
                        "529901104",
                        "TE02",
                        measure,
                        "full_width",
                        lambda value: f"{value}".translate(_FULL_WIDTH),
                    )
            case (2025, 9):
                self._adjustment(file, "529901100", "TE03")
            case (2025, 10):
                self._swapped(file, "529901002", "TE01")
            case (2025, 12):
                self._unit_slip(file, "529901203", "TE08", "10000", "元 typed into a 万元 column")
            case (2026, 1):
                self._wrong_growth(file, "529901900", "TE02", "1.9")
            case (2026, 2):
                self._part_over_total(file, "529901105")
            case (2026, 4):
                self._lost_digit(file, "529901201", "TE03")
            case (2026, 6):
                self._short_total(file, "TE01", "ytd")
            case (2026, 8):
                self._put(
                    file,
                    "529901202",
                    "TE08",
                    "ytd",
                    Decimal(-120),
                    "negative",
                    "V01",
                    "error",
                    "a negative year to date",
                )
            case (2026, 9):
                for measure in ("month", "ytd"):
                    value = quantize(self._value(file, "529901103", "TE08", measure) * Decimal("0.97"), 0)
                    self._put(
                        file,
                        "529901103",
                        "TE08",
                        measure,
                        value,
                        "revised_later",
                        "",
                        "",
                        "a first figure, revised later",
                        "may",
                    )
            case (2026, 10):
                self._wrong_growth(file, "529901201", "TE01", "2.3")
                self._spelling(file, "529901101", "TE02", "ytd", "unit_in_cell", lambda value: f"{value / 10000}亿元")

    # ---- TE-M3 -----------------------------------------------------------------------------------------------------

    def te_m3(self, file: PlannedFile) -> None:
        def unit(index: int) -> str:
            return self._enterprise(file, index).credit_code

        match (file.period.year, file.period.month):
            case (2024, 2):
                self._code(file, self._enterprise(file, 3))
            case (2024, 3):
                item = self._enterprise(file, 11)
                planted = "the office program turned the code into a number"
                eaten = Edit(
                    item.credit_code,
                    "code",
                    "",
                    "eaten_code",
                    "V32",
                    "error",
                    "must",
                    planted,
                    content=9.15299017902e17,
                )
                self._add(file, eaten)
            case (2024, 5):
                self._doubled_digit(file, unit(8), "BF02")
            case (2024, 7):
                self._unit_slip(file, unit(15), "BF02", "10000", "元 typed into a 万元 column")
            case (2024, 11):
                file.absent = frozenset({unit(20)})
            case (2025, 2):
                code = "529901101"
                township = self._township(file, code)
                rows = [
                    item
                    for item in self.economy.listed(file.period, above=True)
                    if item.place_in(file.period) in township.places
                ]
                total = sum(
                    (self.economy.unit_ytd(item.credit_code, "BF02", file.period) for item in rows[:-1]), Decimal(0)
                )
                self._put(
                    file,
                    f"小计 {code}",
                    "BF02",
                    "ytd",
                    total,
                    "wrong_subtotal",
                    "V07",
                    "error",
                    "小计 misses the last row",
                )
            case (2025, 3):
                file.repeated = frozenset({unit(30)})
            case (2025, 4):
                file.absent = frozenset({unit(5), unit(27)})
            case (2025, 6):
                value = quantize(self._value(file, unit(40), "BF02", "ytd") * Decimal("0.93"), 1)
                self._put(file, unit(40), "TE02", "ytd", value, "added_value_rate", "V14", "warning", "增加值率 93 %")
            case (2025, 8):
                value = quantize(self._value(file, unit(22), "BF01", "ytd") * Decimal("0.45"), 1)
                self._put(file, unit(22), "TE03", "ytd", value, "tax_rate", "V15", "warning", "税负 45 %")
            case (2025, 10):
                item = self._named("华岭化工有限公司")
                value = quantize(self._value(file, item.credit_code, "TE04", "stock") * Decimal("1.6"), 0)
                self._put(
                    file,
                    item.credit_code,
                    "TE04",
                    "stock",
                    value,
                    "headcount_jump",
                    "V18",
                    "warning",
                    "60 % more people within a month",
                )
            case (2025, 12):
                total = self.economy.above_scale("BF02", file.period, "month") - 1800
                self._put(file, "合计", "BF02", "month", total, "wrong_total", "V07", "error", "合计 off by 1,800")
            case (2026, 1):
                self._doubled_digit(file, unit(50), "BF02")
            case (2026, 3):
                self._code(file, self._enterprise(file, 42))
            case (2026, 5):
                self._swapped(file, unit(45), "BF02")
            case (2026, 6):
                self._text(file, unit(33), "TE02", "ytd", "待核实")
            case (2026, 8):
                self._unit_slip(file, unit(35), "BF02", "10000", "元 typed into a 万元 column")
            case (2026, 9):
                item = self._enterprise(file, 18)
                self._name(
                    file,
                    item.credit_code,
                    "西南宏图实业有限公司",
                    "name_mismatch",
                    "V33",
                    "warning",
                    "must",
                    "another name at a known code",
                )
            case (2026, 10):
                self._code(file, self._enterprise(file, 25))
                file.absent = frozenset({unit(38)})

    # ---- TE-M2 -----------------------------------------------------------------------------------------------------

    def te_m2(self, file: PlannedFile, lines: dict[str, tuple[Decimal | None, ...]]) -> None:
        """`lines` are the true values of the table by indicator: month, year to date, base, growth."""

        def true(code: str, index: int) -> Decimal:
            value = lines[code][index]
            assert value is not None
            return value

        match (file.period.year, file.period.month):
            case (2024, 3):
                planted = "the county's row is 2,000 above the sum of the townships"
                self._put(
                    file,
                    COUNTY_CODE,
                    "TE01",
                    "ytd",
                    true("TE01", 1) + 2000,
                    "county_sum",
                    "V08",
                    "error",
                    planted,
                    "may",
                )
            case (2024, 8):
                self._put(
                    file,
                    COUNTY_CODE,
                    "TE08",
                    "declared_growth",
                    true("TE08", 3) + 3,
                    "wrong_growth",
                    "V10",
                    "warning",
                    "printed growth off by 3 points",
                )
            case (2025, 5):
                value = Decimal(int(true("TE03", 1)) // 10)
                self._put(
                    file,
                    COUNTY_CODE,
                    "TE03",
                    "ytd",
                    value,
                    "lost_digit",
                    "V03",
                    "error",
                    "the year to date lost its last digit",
                )
            case (2026, 2):
                value = quantize(true("TE02", 1) * Decimal("1.05"), 0)
                self._put(
                    file, COUNTY_CODE, "TE06", "ytd", value, "part_over_total", "V05", "error", "农产品加工 above 工业"
                )
            case (2026, 9):
                self._put(
                    file,
                    COUNTY_CODE,
                    "TE03",
                    "declared_growth",
                    true("TE03", 3) - 2,
                    "wrong_growth",
                    "V10",
                    "warning",
                    "printed growth off by 2 points",
                )

    # ---- CO-M1 -----------------------------------------------------------------------------------------------------

    def co_m1(self, file: PlannedFile) -> None:
        def status(name: str) -> None:
            unit = self._named(name).credit_code
            planted = "停产 beside an output"
            self._add(
                file, Edit(unit, "status", "", "status_output", "V24", "warning", "must", planted, content="停产整顿")
            )

        def certified(name: str) -> None:
            unit = self._named(name).credit_code
            value = self._value(file, unit, "CO15", "stock") + 6
            self._put(
                file,
                unit,
                "CO14",
                "stock",
                value,
                "more_than_entitled",
                "V21",
                "error",
                "more certificates than people who need one",
            )

        match (file.period.year, file.period.month):
            case (2024, 3):
                self._unit_slip(
                    file, self._named("龙滩煤矿").credit_code, "CO01", "0.0001", "万吨 typed into a 吨 column"
                )
            case (2024, 6):
                status("白岩煤矿")
            case (2024, 9):
                unit = self._named("马鞍山煤矿").credit_code
                value = self._value(file, unit, "CO11", "stock") + 3860
                self._put(
                    file,
                    unit,
                    "CO11",
                    "stock",
                    value,
                    "stock_balance",
                    "V26",
                    "warning",
                    "3,860 t more in stock than the balance gives",
                )
            case (2024, 12):
                certified("大坡煤矿")
            case (2025, 2):
                self._doubled_digit(file, self._named("岩脚煤矿").credit_code, "CO01")
            case (2025, 5):
                unit = self._named("羊场煤矿").credit_code
                self._put(
                    file,
                    unit,
                    "CO01",
                    "ytd",
                    Decimal(52000),
                    "over_capacity",
                    "V25",
                    "warning",
                    "output above the approved capacity",
                )
            case (2025, 9):
                unit = self._named("老鹰岩煤矿").credit_code
                self._name(
                    file, unit, "老鹰岸煤矿", "unknown_enterprise", "R", "error", "must", "a name that no mine bears"
                )
            case (2026, 1):
                file.absent = frozenset({self._named("长冲煤矿").credit_code})
            case (2026, 4):
                unit = self._named("红岩煤矿").credit_code
                before = self.economy.unit_ytd(unit, "CO10", add_months(file.period, -1))
                self._put(
                    file,
                    unit,
                    "CO10",
                    "ytd",
                    before - 1500,
                    "ytd_drop",
                    "V04",
                    "warning",
                    "the year to date falls below last month's",
                )
            case (2026, 8):
                certified("龙滩煤矿")
            case (2026, 10):
                status("长冲煤矿")

    # ---- EN-M1 -----------------------------------------------------------------------------------------------------

    def en_m1(self, file: PlannedFile) -> None:
        def total(name: str, measure: str) -> None:
            unit = self._named(name).credit_code
            value = quantize(self._value(file, unit, "EN00", measure) * Decimal("1.12"), 1)
            self._put(
                file, unit, "EN00", measure, value, "energy_sum", "V29", "warning", "12 % above the sum of the fuels"
            )

        match (file.period.year, file.period.month):
            case (2024, 5):
                total("云岭水泥有限公司", "ytd")
            case (2025, 3):
                unit = self._named("宏泰铁合金有限公司").credit_code
                for measure in ("month", "ytd"):
                    value = self._value(file, unit, "EF600", measure) * 10000
                    self._put(
                        file,
                        unit,
                        "EF600",
                        measure,
                        value,
                        "unit_slip",
                        "V13",
                        "warning",
                        "千瓦时 typed into a 万千瓦时 column",
                        group="kWh",
                    )
            case (2025, 7):
                file.absent = frozenset({self._named("永兴碳化有限责任公司").credit_code})
            case (2026, 6):
                total("金盾耐火材料有限公司", "month")

    # ---- SA-E1 -----------------------------------------------------------------------------------------------------

    def sa_e1(self, file: PlannedFile) -> None:
        if file.period == date(2024, 3, 1):
            unit = self._named("龙滩煤矿").credit_code
            planted = "one death called 较大"
            self._add(file, Edit(unit, "grade", "", "wrong_class", "V22", "error", "must", planted, content="较大事故"))


def _moment(day: date, rng: random.Random) -> datetime:
    """Office hours in the county, in UTC."""
    return datetime(day.year, day.month, day.day, rng.randrange(1, 9), rng.randrange(60), rng.randrange(60))


def _name(form: str, period: date, suffix: str = "", extension: str = "xlsx") -> str:
    return f"{period.year}年{period.month:02d}月{NAMES[form]}{suffix}.{extension}"


def _due(form: str, period: date) -> date:
    following = add_months(period, 1)
    return following.replace(day=DUE_DAY[form])


def monthly_files(
    economy: Economy,
    silence: Silence,
    periods: list[date],
    county_lines: Callable[[date], dict[str, tuple[Decimal | None, ...]]],
) -> Iterator[PlannedFile]:
    """Every monthly workbook in order of form, resubmissions and townships' own files included."""
    faults = Faults(economy)
    for period in periods:
        for form in MONTHLY:
            if (form, period) in MISSING_FILES:
                continue
            rng = random.Random(f"{economy.seed}:received:{form}:{period}")
            due = _due(form, period)
            is_late = rng.random() < LATE_SHARE and period != LAST
            day = due + timedelta(days=rng.randrange(1, 6)) if is_late else due - timedelta(days=rng.randrange(0, 3))
            if day <= period.replace(day=28):
                day = due
            as_csv = (form, period) in CSV_FILES
            name = _name(form, period, extension="csv" if as_csv else "xlsx")
            file = PlannedFile(form, period, name, _moment(day, rng), as_csv=as_csv, is_late=is_late)
            if form == "TE-M1":
                file.rows = {
                    code: "unreported" if state == "late" else state for code, state in silence.states(period).items()
                }
                faults.te_m1(file)
            elif form == "TE-M2":
                faults.te_m2(file, county_lines(period))
            elif form == "TE-M3":
                faults.te_m3(file)
            elif form == "CO-M1":
                faults.co_m1(file)
            elif form == "SA-E1":
                faults.sa_e1(file)
            else:
                faults.en_m1(file)
            yield file
            if (form, period) in RESUBMITTED:
                later = _moment(due + timedelta(days=rng.randrange(8, 15)), rng)
                yield PlannedFile(
                    form,
                    period,
                    _name(form, period, "(改)"),
                    later,
                    rows=dict(file.rows),
                    is_resubmission=True,
                    is_late=True,
                )
            if form == "TE-M1":
                for township in places.townships(period):
                    if silence.states(period).get(township.code) != "late":
                        continue
                    after = _moment(max(due, day) + timedelta(days=rng.randrange(2, 8)), rng)
                    own = f"{township.name}{_name(form, period)}"
                    yield PlannedFile(form, period, own, after, only=(township.code,), is_late=True)


def yearly_files(economy: Economy, first: date) -> Iterator[PlannedFile]:
    """Registers, targets and population of the years that the months touch, and the ledger of the last year's tasks."""
    yield PlannedFile("TK-M1", LAST, _name("TK-M1", LAST), datetime(LAST.year, 11, 3, 6, 40, 0))
    for year in range(first.year, LAST.year + 1):
        rng = random.Random(f"{economy.seed}:received:yearly:{year}")
        january = date(year, 1, 1)
        # the register of the first year is the one in use when the demonstration begins
        at = max(january, date(2023, 11, 1))
        yield PlannedFile(
            "RO-Y1", at, f"{year}年{NAMES['RO-Y1']}.xlsx", _moment(at + timedelta(days=rng.randrange(12, 26)), rng)
        )
        if year == 2025 and add_months(first, 0) <= date(2025, 7, 1):
            july = date(2025, 7, 1)
            name = f"{year}年07月{NAMES['RO-Y1']}(年中更新).xlsx"
            yield PlannedFile("RO-Y1", july, name, _moment(date(2025, 7, 16), rng), mid_year=True)
        if year >= 2024:
            yield PlannedFile(
                "TG-Y1", january, f"{year}年{NAMES['TG-Y1']}.xlsx", _moment(date(year, 2, rng.randrange(16, 26)), rng)
            )
        if year < LAST.year:
            yield PlannedFile(
                "AN-Y1",
                january,
                f"{year}年{NAMES['AN-Y1']}.xlsx",
                _moment(date(year + 1, 2, rng.randrange(18, 28)), rng),
            )
