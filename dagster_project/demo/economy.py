"""The figures of the fictional county: what every enterprise, place and the county really did, month by month.

Belongs here: the generator of true figures, 2022-01 to 2026-12, and their sums and years to date.
Does not belong here: how figures are written into workbooks (layouts.py), what goes wrong on the way (plan.py).

Money in 万元, mass in 吨, energy in 吨标准煤, electricity in 万千瓦时, people in 人. Everything is Decimal with the decimals
that the workbooks print, so that sums and years to date hold exactly.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from dagster_project.demo import places, register
from dagster_project.demo.places import Township, add_months
from dagster_project.demo.register import Enterprise

FIRST = date(2022, 1, 1)
COUNT = 60
ZERO = Decimal(0)

_SEASON = {  # months of a year, summing to 12: Spring Festival in February, winter for coal, holidays for food
    "industry": (1.00, 0.82, 1.03, 1.03, 1.04, 1.05, 1.02, 1.01, 1.04, 1.02, 0.97, 0.97),
    "food": (1.12, 0.92, 0.97, 0.96, 0.97, 0.99, 0.98, 0.98, 1.04, 1.04, 1.00, 1.03),
    "tea": (0.80, 0.80, 1.04, 1.26, 1.18, 1.06, 0.98, 0.96, 1.00, 0.98, 0.97, 0.97),
    "building": (0.92, 0.78, 1.00, 1.06, 1.06, 1.03, 1.00, 1.02, 1.05, 1.06, 1.02, 1.00),
    "coal": (1.06, 0.82, 1.00, 0.98, 0.98, 0.98, 1.00, 1.01, 1.03, 1.05, 1.04, 1.05),
    "invest": (0.88, 0.80, 0.98, 1.03, 1.06, 1.09, 1.05, 1.03, 1.06, 1.04, 0.99, 0.99),
    "trade": (1.08, 0.90, 0.97, 0.98, 1.00, 1.00, 0.99, 0.99, 1.02, 1.05, 1.00, 1.02),
}
_GROWTH = {2022: 0.0, 2023: 0.085, 2024: 0.098, 2025: 0.09, 2026: 0.082}
# what makes one place run ahead of or behind the county in a year, in growth points
_PLACE_GROWTH: dict[tuple[str, int], float] = {
    ("anxi", 2026): -0.105,
    ("liping", 2026): -0.035,
    ("liushui", 2026): -0.02,
    ("maitian", 2026): -0.03,
    ("yunxi", 2026): 0.02,
    ("zhanqian", 2026): 0.015,
    ("fenglinhu", 2026): 0.03,
    ("anxi", 2025): -0.02,
    ("wangjia", 2025): 0.03,
    ("binhe", 2024): 0.02,
}
# share of small firms and households beside the register, and of trade, transport and building, in each place
_REMAINDER: dict[str, tuple[float, float]] = {
    "yunxi": (520, 0.52),
    "binhe": (640, 0.50),
    "fenglinhu": (700, 0.40),
    "zhanqian": (820, 0.40),
    "weishan": (560, 0.38),
    "xinqiao": (600, 0.38),
    "anxi": (650, 0.36),
    "liping": (540, 0.36),
    "wangjia": (430, 0.46),
    "liushui": (410, 0.46),
    "maitian": (380, 0.50),
    "hongtu": (360, 0.46),
    "shimen": (350, 0.42),
    "baihe": (330, 0.46),
    "direct": (120, 0.24),
}
_RURAL_POPULATION = {
    "yunxi": 21400,
    "binhe": 23800,
    "fenglinhu": 38600,
    "zhanqian": 41200,
    "weishan": 33500,
    "xinqiao": 29800,
    "anxi": 31700,
    "liping": 27600,
    "wangjia": 18900,
    "liushui": 17300,
    "maitian": 14800,
    "hongtu": 13600,
    "shimen": 15200,
    "baihe": 12700,
    "direct": 0,
}
# corrections of earlier months that a year to date carries from a month on: place, indicator, month → amount
ADJUSTMENTS: dict[tuple[str, str, date], Decimal] = {
    ("weishan", "TE01", date(2024, 6, 1)): Decimal(-420),
    ("fenglinhu", "TE03", date(2025, 9, 1)): Decimal(96),
}

PLACE_FLOWS = ("TE01", "TE02", "TE03", "TE08")
ENTERPRISE_FLOWS = ("BF01", "BF02", "TE02", "TE03", "BF12", "CO01", "CO10", "CO08", "EN00", "EF101", "EF600")
TCE_COAL, TCE_POWER = Decimal("0.7143"), Decimal("1.229")


def months_since_start(period: date) -> int:
    return (period.year - FIRST.year) * 12 + period.month - 1


def quantize(value: float | Decimal, decimals: int) -> Decimal:
    """Half up, as every form prints (domain.md B.6)."""
    return Decimal(str(value)).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)


def growth_pct(value: Decimal | None, base: Decimal | None) -> Decimal | None:
    """Growth as a form prints it, one decimal; None where the base is not positive (domain.md B.2)."""
    if value is None or base is None or base <= 0 or value < 0:
        return None
    result = quantize((value / base - 1) * 100, 1)
    return abs(result) if result == 0 else result


@dataclass(frozen=True)
class Incident:
    """One accident; `loss` in 万元."""

    day: date
    enterprise: Enterprise
    category: str
    deaths: int
    injuries: int
    loss: Decimal
    grade: str


class Economy:
    """True figures by unit, indicator and month. Built once; every look-up is a list access."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.enterprises = register.enterprises(seed)
        self._listed: dict[tuple[date, bool | None], list[Enterprise]] = {}
        self._flows: dict[tuple[str, str], list[Decimal]] = {}  # (unit, indicator) → 60 monthly values
        self._stocks: dict[tuple[str, str], list[Decimal]] = {}
        for enterprise in self.enterprises:
            self._make_enterprise(enterprise)
        for place in places.PLACES:
            self._make_place(place)
        self._make_county()
        self.incidents = self._make_incidents()

    # ---- generation -------------------------------------------------------------------------------------------

    def _rng(self, name: str) -> random.Random:
        return random.Random(f"{self.seed}:{name}")

    def _level(self, rng: random.Random, place: str, spread: float) -> list[float]:
        """Sixty monthly levels around 1 at mid 2023: yearly growth, smoothed over the year."""
        yearly = {
            year: rate + _PLACE_GROWTH.get((place, year), 0.0) + rng.gauss(0, spread) for year, rate in _GROWTH.items()
        }
        levels, value = [], 1.0 / (1 + yearly[2023])
        for index in range(COUNT):
            year = FIRST.year + index // 12
            value *= (1 + yearly[year]) ** (1 / 12)
            levels.append(value)
        anchor = sum(levels[12:24]) / 12
        return [level / anchor for level in levels]

    @staticmethod
    def _apart(values: list[Decimal], step: Decimal) -> list[Decimal]:
        """No month equals the one before or the same month a year before (that would look copied, V19)."""
        for index, value in enumerate(values):
            seen = {values[index - lag] for lag in (1, 12) if index >= lag}
            while value != 0 and value in seen:
                value += step
            values[index] = value
        return values

    def _make_enterprise(self, item: Enterprise) -> None:
        unit, rng = item.credit_code, self._rng(f"enterprise {item.number}")
        levels = self._level(rng, item.place, 0.035)
        season = _SEASON[item.industry.season]
        rate = item.industry.value_added * rng.uniform(0.95, 1.05)
        tax = item.industry.tax * rng.uniform(0.92, 1.08)
        price = 430.0
        series: dict[str, list[Decimal]] = {code: [] for code in ENTERPRISE_FLOWS}
        persons: list[Decimal] = []
        coal_stock: list[Decimal] = []
        entitled: list[Decimal] = []
        certified: list[Decimal] = []
        stock = Decimal(round((item.capacity or 0) * 0.035))
        for index in range(COUNT):
            period = add_months(FIRST, index)
            noise = max(0.9, min(1.1, rng.gauss(1, 0.028)))
            rates = [rng.gauss(1, 0.012) for _ in range(4)]
            running = period >= item.opened and item.status(period) == "active"
            factor = season[index % 12] * noise * (1 if running else 0)
            if item.is_coal and item.capacity:
                # a mine cannot outgrow its approved capacity
                use = min(0.97, item.utilisation * (1 + 0.25 * (levels[index] - 1)))
                tonnes = Decimal(round(item.capacity / 12 * use * min(factor, 1.18)))
                price = 430.0 * (1 + 0.0018 * (index - 17)) * (1 + 0.03 * math.sin(index / 4.5))
                output = quantize(float(tonnes) * price / 10000, 0)
                series["CO01"].append(tonnes)
                # sales follow output and bring the stock back to what a mine keeps, winter above summer
                wanted = item.capacity * 0.035 * (1 + 0.2 * math.cos((index % 12) / 12 * 2 * math.pi))
                sold = float(tonnes) * rng.uniform(0.985, 1.015) + (float(stock) - wanted) * 0.6
                amount = Decimal(max(0, round(min(sold, float(stock + tonnes))))) if running else ZERO
                stock += tonnes - amount
                series["CO10"].append(amount)
                # what goes to power plants and households, more of it in winter
                series["CO08"].append(Decimal(int(amount * (74 if index % 12 in (0, 1, 10, 11) else 66) / 100)))
                coal_stock.append(stock)
            else:
                output = quantize(item.output_2023 / 12 * levels[index] * factor, 0)
            series["BF02"].append(output)
            series["BF01"].append(quantize(float(output) * 0.972 * rates[0], 0))
            series["TE02"].append(quantize(float(output) * rate * rates[1], 1))
            series["TE03"].append(quantize(float(output) * tax * (0.9 + 0.2 * rates[2] / 2) * rates[3], 1))
            saved = 1.0
            for year, share in item.saving.items():
                if period.year > year:
                    saved *= 1 - share
                elif period.year == year:
                    saved *= 1 - share * min(1.0, period.month / 3)
            power = item.power_use or item.industry.power
            electricity = quantize(float(output) * power * saved * rates[2], 1)
            series["BF12"].append(electricity)
            if item.is_key:
                coal = quantize(float(output) * item.coal_use * saved * rates[3], 0)
                series["EF101"].append(coal)
                series["EF600"].append(electricity)
                series["EN00"].append(quantize(coal * TCE_COAL + electricity * TCE_POWER, 1))
            people = item.persons * (1 + 0.35 * (levels[index] - 1)) * (1 + rng.uniform(-0.012, 0.012))
            people = people if period >= item.opened and item.status(period) != "closed" else 0
            persons.append(Decimal(round(people)))
            if item.is_coal:
                need = Decimal(round(people * 0.43))
                entitled.append(need)
                certified.append(need - Decimal(min(int(need), rng.choice((0, 0, 0, 1, 1, 2, 3)))))
        for code, values in series.items():
            if values:
                step = Decimal("0.1") if code in ("TE02", "TE03", "BF12") else Decimal(1)
                keep = code in ("CO01", "CO10", "CO08", "EN00", "EF600")  # bound to others by an identity
                self._flows[unit, code] = values if keep else self._apart(values, step)
        if item.is_key:
            self._flows[unit, "EF600"] = self._flows[unit, "BF12"]
            self._flows[unit, "EN00"] = [
                quantize(coal * TCE_COAL + power * TCE_POWER, 1)
                for coal, power in zip(self._flows[unit, "EF101"], self._flows[unit, "EF600"], strict=True)
            ]
        self._stocks[unit, "TE04"] = persons
        if item.is_coal:
            self._stocks[unit, "CO11"] = coal_stock
            self._stocks[unit, "CO13"] = persons
            self._stocks[unit, "CO15"] = entitled
            self._stocks[unit, "CO14"] = certified

    def _make_place(self, place: str) -> None:
        rng = self._rng(f"place {place}")
        small, other_share = _REMAINDER[place]
        levels = self._level(rng, place, 0.01)
        flows: dict[str, list[Decimal]] = {code: [] for code in PLACE_FLOWS}
        others: list[Decimal] = []
        persons: list[Decimal] = []
        offset = rng.uniform(0.9, 1.1)
        for index in range(COUNT):
            period = add_months(FIRST, index)
            here = [item for item in self.enterprises if item.place_in(period) == place]
            month = index % 12
            industrial = small / 12 * levels[index] * _SEASON["industry"][month] * rng.gauss(1, 0.015)
            value = quantize(float(sum(self._flows[item.credit_code, "TE02"][index] for item in here)) + industrial, 0)
            annual = small + sum(item.output_2023 * item.industry.value_added for item in here)
            other = annual * other_share / 12 * levels[index] * _SEASON["trade"][month] * rng.gauss(1, 0.015)
            tax = float(sum(self._flows[item.credit_code, "TE03"][index] for item in here)) + industrial * 0.055
            invest = annual * 0.52 * offset / 12 * levels[index] * _SEASON["invest"][month] * rng.gauss(1, 0.05)
            people = sum(self._stocks[item.credit_code, "TE04"][index] for item in here)
            flows["TE02"].append(value)
            others.append(quantize(other, 0))
            flows["TE03"].append(quantize(tax + other * 0.048, 0))
            flows["TE08"].append(quantize(invest, 0))
            extra = (small / 4.6 + annual * other_share / 5.4) * (1 + 0.4 * (levels[index] - 1))
            persons.append(people + Decimal(round(extra * rng.uniform(0.996, 1.004))))
        flows["TE02"] = self._apart(flows["TE02"], Decimal(1))
        flows["TE01"] = [industrial + other for industrial, other in zip(flows["TE02"], others, strict=True)]
        for code, values in flows.items():
            self._flows[place, code] = self._apart(values, Decimal(1))
        self._stocks[place, "TE04"] = persons

    def _make_county(self) -> None:
        """Items that only the county reports: profit, pay, sales output, price index, GDP (quarterly)."""
        rng = self._rng("county")
        self._price = [
            quantize(101.1 + 1.3 * math.sin(index / 6.0) + rng.uniform(-0.2, 0.2), 1) for index in range(COUNT)
        ]
        self._price_ytd = []
        for index in range(COUNT):
            year = self._price[index - index % 12 : index + 1]
            self._price_ytd.append(quantize(sum(year, ZERO) / len(year), 1))
        for code, low, high, of in (
            ("BF03", 0.955, 0.985, "BF02"),
            ("BF05", 0.052, 0.066, "BF01"),
            ("BF07", 0.094, 0.106, "BF01"),
        ):
            values = []
            for index in range(COUNT):
                period = add_months(FIRST, index)
                total = self.above_scale(of, period, "month")
                values.append(quantize(float(total) * rng.uniform(low, high), 0))
            self._flows["county", code] = values
        gdp = []
        for index in range(COUNT):
            period = add_months(FIRST, index)
            total = sum((self.flow(township, "TE01", period) for township in places.townships(period)), ZERO)
            gdp.append(quantize(float(total) / 0.372 * (1 - 0.002 * (index // 12)) * rng.uniform(0.99, 1.01), 0))
        self._flows["county", "BF14"] = gdp

    def _make_incidents(self) -> list[Incident]:
        """A handful of accidents over three years; the grade follows decree 493 (domain.md B.8)."""
        named = {item.name: item for item in self.enterprises}
        generic = [item for item in self.enterprises if not (item.is_coal or item.is_key or item.is_pharma)]
        worker = next(item for item in generic if item.place == "liping")
        plant = next(item for item in generic if item.place == "binhe")
        rows: list[tuple[date, Enterprise, str, int, int, str, str]] = [
            (date(2023, 11, 16), named["岩脚煤矿"], "顶板", 1, 0, "118", "一般事故"),
            (date(2024, 3, 21), named["龙滩煤矿"], "运输", 1, 1, "132.5", "一般事故"),
            (date(2024, 7, 9), named["大坡煤矿"], "机电", 0, 2, "46", "一般事故"),
            (date(2024, 11, 28), named["石门坎煤矿"], "顶板", 1, 0, "125", "一般事故"),
            (date(2025, 5, 18), named["鸿发煤矿"], "瓦斯", 3, 2, "486.8", "较大事故"),
            (date(2025, 8, 12), named["宏泰铁合金有限公司"], "灼烫", 0, 1, "28", "一般事故"),
            (date(2025, 10, 30), named["老鹰岩煤矿"], "运输", 1, 0, "121", "一般事故"),
            (date(2026, 2, 26), worker, "机械伤害", 0, 1, "19.6", "一般事故"),
            (date(2026, 4, 14), named["龙滩煤矿"], "顶板", 1, 1, "140", "一般事故"),
            (date(2026, 7, 22), named["青冈林煤矿"], "水害", 1, 0, "156", "一般事故"),
            (date(2026, 9, 8), plant, "坍塌", 0, 12, "80", "较大事故"),
        ]
        return [
            Incident(day, item, kind, dead, hurt, Decimal(loss), grade)
            for day, item, kind, dead, hurt, loss, grade in rows
        ]

    # ---- look-up ----------------------------------------------------------------------------------------------

    def listed(self, period: date, *, above: bool | None = None) -> list[Enterprise]:
        """Enterprises of the county's register in a month, in register order of their place at that time."""
        key = (period, above)
        if key not in self._listed:
            self._listed[key] = self._list(period, above)
        return self._listed[key]

    def _list(self, period: date, above: bool | None) -> list[Enterprise]:
        order = {place: index for index, place in enumerate(places.PLACES)}
        found = [
            item
            for item in self.enterprises
            if item.is_listed(period) and (above is None or item.is_above(period) is above)
        ]
        return sorted(found, key=lambda item: (self._township_rank(item, period), order[item.place_in(period)]))

    def register(self, period: date) -> list[tuple[Enterprise, str, str, str]]:
        """Rows of the register workbook: enterprise, township code and name, word of its status.

        Those that closed or left with their township in the year before stand there once more, and say so.
        """
        back = add_months(period, -12)
        words = {"active": "正常", "suspended": "停产", "closed": "关闭"}
        rows: list[tuple[Enterprise, str, str, str]] = []
        known = set()
        for item in self.listed(period):
            township = places.township_of(item.place_in(period), period)
            assert township is not None
            known.add(item.credit_code)
            rows.append((item, township.code, township.name, words[item.status(period)]))
        for year_back in places.month_range(back, 12):
            for item in self.listed(year_back):
                if item.credit_code in known:
                    continue
                known.add(item.credit_code)
                township = places.township_of(item.place_in(year_back), year_back)
                assert township is not None
                gone = places.township_of(item.place_in(period), period) is None
                rows.append((item, township.code, township.name, "划出" if gone else "关闭"))
        return rows

    @staticmethod
    def _township_rank(item: Enterprise, period: date) -> int:
        township = places.township_of(item.place_in(period), period)
        return next((rank for rank, other in enumerate(places.townships(period)) if other == township), 99)

    def unit_flow(self, unit: str, code: str, period: date) -> Decimal:
        return self._flows[unit, code][months_since_start(period)]

    def unit_ytd(self, unit: str, code: str, period: date) -> Decimal:
        index = months_since_start(period)
        total = sum(self._flows[unit, code][index - index % 12 : index + 1], ZERO)
        for (place, indicator, since), amount in ADJUSTMENTS.items():
            if (place, indicator) == (unit, code) and since.year == period.year and since <= period:
                total += amount
        return total

    def unit_stock(self, unit: str, code: str, period: date) -> Decimal:
        return self._stocks[unit, code][months_since_start(period)]

    def flow(self, township: Township, code: str, period: date) -> Decimal:
        return sum((self.unit_flow(place, code, period) for place in township.places), ZERO)

    def ytd(self, township: Township, code: str, period: date) -> Decimal:
        """Year to date; after a merger with the predecessor's months (domain.md D.3.4). A stock gives its end value."""
        if code == "TE04":
            return sum((self.unit_stock(place, code, period) for place in township.places), ZERO)
        return sum((self.unit_ytd(place, code, period) for place in township.places), ZERO)

    def base(self, township: Township, code: str, period: date) -> Decimal:
        """Last year's year to date on this month's boundaries."""
        return self.ytd(township, code, add_months(period, -12))

    def above_scale(
        self, code: str, period: date, measure: str, scope: Iterable[Enterprise] | None = None, year_back: bool = False
    ) -> Decimal:
        """Sum over enterprises that TE-M3 lists in `period` (last year's figures of the same set with `year_back`)."""
        items = self.listed(period, above=True) if scope is None else scope
        at = add_months(period, -12) if year_back else period
        look_up = self.unit_flow if measure == "month" else self.unit_ytd
        return sum((look_up(item.credit_code, code, at) for item in items), ZERO)

    def county_flow(self, code: str, period: date) -> Decimal:
        return self.unit_flow("county", code, period)

    def county_ytd(self, code: str, period: date) -> Decimal:
        return self.unit_ytd("county", code, period)

    def price_index(self, period: date) -> tuple[Decimal, Decimal]:
        """Producer price index of the month and of the year to date, same period last year = 100."""
        index = months_since_start(period)
        return self._price[index], self._price_ytd[index]

    @staticmethod
    def rural_population(township: Township, year: int) -> Decimal:
        return Decimal(sum(round(_RURAL_POPULATION[place] * 0.994 ** (year - 2023)) for place in township.places))
