"""The targets of each year: county and townships, 确保 and 奋斗, levels, caps, floors and reductions.

Belongs here: how high each target lies (so that the lamps of the last month show a believable mix) and how its text reads.
Does not belong here: the workbook that carries them (layouts.py).
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from dagster_project.demo import places
from dagster_project.demo.economy import Economy, growth_pct, quantize
from dagster_project.demo.places import COUNTY_CODE, Township, add_months

YEARS = (2024, 2025, 2026)
_LAST = date(2026, 10, 1)
_PROGRESS = Decimal(1000) / 12  # 83.3 % after ten months

# gap to the time progress that a unit shows in 2026-10, in points; others get a green one of their own
_GAPS: dict[tuple[str, str], str] = {
    ("529901104", "TE01"): "-8.2",
    ("529901104", "TE02"): "-7.4",
    ("529901104", "TE03"): "-9.1",
    ("529901104", "TE08"): "-6.3",
    ("529901105", "TE01"): "-2.8",
    ("529901105", "TE02"): "-3.4",
    ("529901105", "TE03"): "-1.6",
    ("529901201", "TE01"): "-1.9",
    ("529901201", "TE03"): "-2.5",
    ("529901202", "TE01"): "-6.1",
    ("529901202", "TE02"): "-7.0",
    ("529901202", "TE03"): "-4.2",
    ("529901102", "TE03"): "-1.2",
    ("529901103", "TE02"): "-0.8",
    ("529901900", "TE08"): "-2.2",
    (COUNTY_CODE, "TE01"): "0.9",
    (COUNTY_CODE, "TE02"): "0.7",
    (COUNTY_CODE, "TE03"): "-0.6",
    (COUNTY_CODE, "TE06"): "1.2",
    (COUNTY_CODE, "TE07"): "-3.2",
    (COUNTY_CODE, "TE08"): "1.4",
    (COUNTY_CODE, "CO01"): "0.5",
}
_RULE = "完成得满分，每低1个百分点扣0.5分，扣完为止"


@dataclass(frozen=True)
class Line:
    """One row of the target table; `value` and `actual` in stored units, printed unit holds `factor` of them."""

    indicator: str
    label: str
    unit: str
    value: Decimal | None
    tier: str = "确保"
    actual: Decimal | None = None
    growth: Decimal | None = None
    text: str | None = None
    factor: Decimal = Decimal(1)
    mark: int | str = 10
    rule: str = _RULE


class Targets:
    """All targets, by level, unit and year."""

    def __init__(self, economy: Economy) -> None:
        self._economy = economy
        self._lines = {
            (level, unit, year): self._make(level, unit, year, townships)
            for year in YEARS
            for level, unit, _name, townships in self._units(year)
        }

    @staticmethod
    def _units(year: int) -> list[tuple[str, str, str, tuple[Township, ...]]]:
        january = date(year, 1, 1)
        everyone = places.townships(january)
        units: list[tuple[str, str, str, tuple[Township, ...]]] = [("county", COUNTY_CODE, "全县", everyone)]
        units += [("township", item.code, item.name, (item,)) for item in everyone]
        return units

    def units(self, year: int) -> list[tuple[str, str, str]]:
        return [(level, unit, name) for level, unit, name, _ in self._units(year)]

    def lines(self, level: str, unit: str, year: int) -> list[Line]:
        return self._lines.get((level, unit, year), [])

    def value(self, level: str, unit: str, indicator: str, year: int) -> Decimal | None:
        """The 确保 level of a target; None where there is none."""
        for line in self.lines(level, unit, year):
            if line.indicator == indicator and line.tier == "确保":
                return line.value
        return None

    # ---- how high --------------------------------------------------------------------------------------------------

    def _made(self, code: str, townships: tuple[Township, ...], period: date) -> Decimal:
        """Year to date of the places that the unit holds at the beginning of the year."""
        economy = self._economy
        total = Decimal(0)
        for township in townships:
            if code in ("TE06", "TE07", "CO01"):
                flow = "CO01" if code == "CO01" else "TE02"
                for item in economy.listed(period):
                    if code == "CO01" and not item.is_listed(add_months(period, 1)) and period.month == 12:
                        continue  # a mine that closed sets no mark for the year to come
                    wanted = item.is_coal if code == "CO01" else item.is_pharma if code == "TE07" else item.is_agro
                    if (
                        wanted
                        and item.place_in(period) in township.places
                        and (code == "CO01" or item.is_above(period))
                    ):
                        total += economy.unit_ytd(item.credit_code, flow, period)
            else:
                total += economy.ytd(township, code, period)
        return total

    def _level(self, code: str, unit: str, year: int, townships: tuple[Township, ...], rng: random.Random) -> Decimal:
        if year == 2026:
            gap = Decimal(_GAPS.get((unit, code), "") or str(round(rng.uniform(0.3, 2.6), 1)))
            level = self._made(code, townships, _LAST) / ((_PROGRESS + gap) / 100)
        else:
            end = date(year, 12, 1)
            known = tuple(item for item in townships if places.township_of(item.places[0], end) is not None)
            level = self._made(code, known or townships, end) * Decimal(str(round(rng.uniform(0.955, 1.02), 3)))
        return quantize(level / 10, 0) * 10

    def _make(self, level: str, unit: str, year: int, townships: tuple[Township, ...]) -> list[Line]:
        economy, rng = self._economy, random.Random(f"{self._economy.seed}:target:{unit}:{year}")
        before = date(year - 1, 12, 1)
        january = date(year, 1, 1)
        is_county = level == "county"
        lines: list[Line] = []

        def flow(code: str, label: str, mark: int) -> None:
            actual = self._made(code, townships, before)
            least = quantize(actual * Decimal("1.02") / 10, 0) * 10  # no plan lies below last year's result
            value = max(self._level(code, unit, year, townships, rng), least)
            lines.append(Line(code, label, "万元", value, "确保", actual, growth_pct(value, actual), mark=mark))

        flow("TE01", "增加值", 20)
        value = lines[-1].value
        assert value is not None
        lines.append(
            Line("TE01", "增加值", "万元", quantize(value * Decimal("1.03") / 10, 0) * 10, "奋斗", mark="", rule="")
        )
        flow("TE02", "工业增加值", 15)
        flow("TE03", "实交税金", 15)
        value = lines[-1].value
        assert value is not None
        lines.append(Line("TE03", "实交税金", "万元", quantize(value * Decimal("1.04"), 0), "奋斗", mark="", rule=""))
        flow("TE08", "固定资产投资", 10)
        if (year, unit) == (2026, "529901203"):  # the plan leaves it open
            lines[-1] = Line("TE08", "固定资产投资", "万元", None, "确保", lines[-1].actual, None)
        if is_county:
            flow("TE06", "规模以上农产品加工业增加值", 5)
            flow("TE07", "制药工业增加值", 5)
        lines.append(self._persons(unit, year, townships, before, rng))

        items = [item for item in economy.listed(january) if is_county or item.place_in(january) in townships[0].places]
        mines = [item for item in items if item.is_coal]
        users = [item for item in items if item.is_key]
        if mines:
            tonnes = self._level("CO01", unit, year, townships, rng) / 10000
            shown = quantize(tonnes, 1)
            actual = self._made("CO01", townships, before)
            lines.append(
                Line(
                    "CO01",
                    "原煤产量",
                    "万吨",
                    shown * 10000,
                    "确保",
                    actual,
                    text=f"{shown}以上",
                    factor=Decimal(10000),
                    rule="完成得满分",
                )
            )
            cap = {2024: 4, 2025: 4, 2026: 4}[year] if is_county else 1
            deaths = Decimal(
                sum(
                    incident.deaths
                    for incident in economy.incidents
                    if incident.day.year == year - 1 and incident.enterprise in mines
                )
            )
            known = year - 1 >= 2024  # incidents of 2023 are on file from November only
            lines.append(
                Line(
                    "SA02",
                    "煤矿死亡人数",
                    "人",
                    Decimal(cap),
                    "控制",
                    deaths if known else None,
                    text=f"{cap}以内",
                    mark="一票否决",
                    rule="",
                )
            )
            lines.append(
                Line("SA01", "重特大事故起数", "起", Decimal(0), "控制", None, text="杜绝", mark="一票否决", rule="")
            )
            rate = Decimal("2.5") if is_county else Decimal(3)
            lines.append(Line("SA03", "百万吨死亡率", "人/百万吨", rate, "控制", None, text=f"{rate}以内", rule=""))
            lines.append(Line("CO04", "持证上岗率", "%", Decimal(100), "确保", None, text="100%", rule="达到得满分"))
        if users:
            share = Decimal("4.5") if is_county else Decimal(rng.choice(("3.5", "4.0", "4.5")))
            energy = sum((economy.unit_ytd(item.credit_code, "EN00", before) for item in users), Decimal(0))
            added = sum((economy.unit_ytd(item.credit_code, "TE02", before) for item in users), Decimal(0))
            lines.append(
                Line(
                    "EN01",
                    "单位能耗",
                    "吨标准煤/万元",
                    share,
                    "确保",
                    quantize(energy / added, 2),
                    text=f"降低{share}%",
                    rule="达到得满分",
                )
            )
        return lines

    def _persons(self, unit: str, year: int, townships: tuple[Township, ...], before: date, rng: random.Random) -> Line:
        """A stock: the net increase decides, so the target lies above the year's start (domain.md B.3)."""
        start = self._made("TE04", townships, before)
        at = _LAST if year == 2026 else date(year, 12, 1)
        known = tuple(item for item in townships if places.township_of(item.places[0], at) is not None) or townships
        now = self._made("TE04", known, at) if known == townships else start
        share = (_PROGRESS if year == 2026 else Decimal(100)) + Decimal(str(round(rng.uniform(-4, 9), 1)))
        value = start + (now - start) / (share / 100) if now > start else start * Decimal("1.02")
        value = max(quantize(value, 0), start + 5)
        return Line("TE04", "从业人员", "人", value, "确保", start, growth_pct(value, start), text=f"达到{value}")
