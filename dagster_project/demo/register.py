"""The fictional enterprises of the county: who they are, where, since when, and what becomes of them.

Belongs here: identity, place, industry, flags and life events of each enterprise, and the check digits of its code.
Does not belong here: monthly figures (economy.py), how a register workbook looks (layouts.py).
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import date

from dagster_project.demo import places

_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS = tuple(pow(3, index, 31) for index in range(17))
_ORG_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_FIRST_NUMBER = 79020013  # clear of the numbers 7800… that the hand-made specimens use


def org_code(number: int) -> str:
    """Nine-character organisation code of an eight-digit number (GB 11714, domain.md D.4)."""
    digits = f"{number:08d}"
    rest = 11 - sum(int(digit) * weight for digit, weight in zip(digits, _ORG_WEIGHTS, strict=True)) % 11
    return digits + ("X" if rest == 10 else "0" if rest == 11 else str(rest))


def check_character(first_17: str) -> str:
    """Eighteenth character of a unified social credit code (GB 32100, domain.md D.4); remainder 0 gives '0'."""
    total = sum(
        _USCC_ALPHABET.index(character) * weight for character, weight in zip(first_17, _USCC_WEIGHTS, strict=True)
    )
    return _USCC_ALPHABET[(31 - total % 31) % 31]


def credit_code(number: int) -> str:
    first_17 = "91529901" + org_code(number)
    return first_17 + check_character(first_17)


@dataclass(frozen=True)
class Industry:
    """A GB/T 4754-2017 class: share of value added in output, tax in revenue, power in 万千瓦时 per 万元 of output."""

    code: str
    suffix: str
    value_added: float
    tax: float
    power: float
    season: str = "industry"

    @property
    def is_agro(self) -> bool:
        return self.code[:2] in {"13", "14", "15", "16", "17", "18", "19", "20", "21", "22", "23", "29"}


INDUSTRIES: tuple[Industry, ...] = (
    Industry("1310", "粮油加工有限公司", 0.19, 0.016, 0.006, "food"),
    Industry("1320", "饲料有限责任公司", 0.18, 0.014, 0.007, "food"),
    Industry("1353", "肉制品有限公司", 0.22, 0.018, 0.009, "food"),
    Industry("1371", "蔬菜加工有限公司", 0.24, 0.015, 0.008, "food"),
    Industry("1399", "魔芋制品有限公司", 0.26, 0.018, 0.010, "food"),
    Industry("1411", "食品有限公司", 0.27, 0.026, 0.010, "food"),
    Industry("1462", "调味品有限公司", 0.29, 0.030, 0.009, "food"),
    Industry("1512", "酒业有限公司", 0.38, 0.090, 0.007, "food"),
    Industry("1530", "茶业有限公司", 0.33, 0.022, 0.008, "tea"),
    Industry("1711", "纺织有限公司", 0.23, 0.026, 0.028),
    Industry("1821", "服饰有限公司", 0.27, 0.030, 0.008),
    Industry("2011", "木业有限公司", 0.25, 0.027, 0.013),
    Industry("2110", "家具有限公司", 0.27, 0.030, 0.010),
    Industry("2319", "包装印务有限公司", 0.28, 0.034, 0.014),
    Industry("2919", "橡塑制品有限公司", 0.25, 0.032, 0.026),
    Industry("2641", "涂料有限公司", 0.27, 0.040, 0.012),
    Industry("3021", "商品混凝土有限公司", 0.24, 0.036, 0.009, "building"),
    Industry("3031", "新型墙材有限公司", 0.29, 0.034, 0.017, "building"),
    Industry("3032", "石材有限公司", 0.33, 0.036, 0.019, "building"),
    Industry("3039", "砂石有限责任公司", 0.36, 0.042, 0.020, "building"),
    Industry("3311", "钢结构有限公司", 0.24, 0.035, 0.012),
    Industry("3484", "机械配件有限公司", 0.28, 0.040, 0.016),
    Industry("3670", "汽车零部件有限公司", 0.26, 0.038, 0.018),
    Industry("3824", "电气设备有限公司", 0.27, 0.040, 0.010),
    Industry("3982", "电子科技有限公司", 0.25, 0.032, 0.009),
)
_BRANDS = [
    "金源",
    "宏达",
    "恒盛",
    "绿野",
    "山泉",
    "永兴",
    "顺发",
    "鑫隆",
    "华丰",
    "百灵",
    "高原红",
    "云雾",
    "福满",
    "祥瑞",
    "天成",
    "同心",
    "富源",
    "长青",
    "瑞达",
    "安盛",
    "丰谷",
    "兴农",
    "民生",
    "康乐",
    "佳味",
    "黔山",
    "苗岭春",
    "翠峰",
    "锦绣",
    "腾飞",
    "万佳",
    "众合",
    "博远",
    "泰和",
    "正大",
    "双龙",
    "凤凰",
    "玉泉",
    "明珠",
    "东升",
    "南方",
    "北斗",
    "西部",
    "中兴",
]


@dataclass(frozen=True)
class Enterprise:
    """One enterprise over its whole life.

    `output_2023` is its 工业总产值 of 2023 in 万元. `suspended` are months without production. `above` is the half-open
    interval of months in which it counts as 规模以上. `capacity` is in 吨/年. `coal_use`, `power_use` are tonnes and
    万千瓦时 per 万元 of output in 2023 (key energy users only), `saving` the yearly fall of both by year.
    """

    number: int
    credit_code: str
    name: str
    place: str
    industry: Industry
    output_2023: float
    above: tuple[date, date]
    persons: int
    opened: date = date(2000, 1, 1)
    closed: date | None = None  # first month without production
    former_name: str | None = None
    renamed_on: date | None = None
    former_place: str | None = None
    moved_on: date | None = None
    suspended: tuple[date, ...] = ()
    is_pharma: bool = False
    is_coal: bool = False
    is_key: bool = False
    capacity: int | None = None
    utilisation: float = 0.8
    coal_use: float = 0.0
    power_use: float = 0.0
    saving: dict[int, float] = field(default_factory=dict)

    @property
    def is_agro(self) -> bool:
        return self.industry.is_agro

    def place_in(self, period: date) -> str:
        if self.moved_on is not None and self.former_place is not None and period < self.moved_on:
            return self.former_place
        return self.place

    def name_in(self, period: date) -> str:
        if self.renamed_on is not None and self.former_name is not None and period < self.renamed_on:
            return self.former_name
        return self.name

    def is_above(self, period: date) -> bool:
        return self.above[0] <= period < self.above[1]

    def is_listed(self, period: date) -> bool:
        """Whether it belongs to the county's register in `period`: open, or closed in the same year."""
        if period < self.opened or places.township_of(self.place_in(period), period) is None:
            return False
        return self.closed is None or period < self.closed or period.year == self.closed.year

    def status(self, period: date) -> str:
        """active, suspended or closed."""
        if self.closed is not None and period >= self.closed:
            return "closed"
        return "suspended" if period in self.suspended else "active"


_ALWAYS = (date(2000, 1, 1), date(2100, 1, 1))
_NEVER = (date(2100, 1, 1), date(2100, 1, 1))
_CEMENT = Industry("3011", "水泥有限公司", 0.27, 0.045, 0.075, "building")

# name, place, industry, output, persons, coal, power, saving 2024, 2025, 2026
_KEY_USERS: tuple[tuple[str, str, Industry, float, int, float, float, tuple[float, float, float]], ...] = (
    ("云岭水泥有限公司", "liping", _CEMENT, 16000, 260, 0.62, 0.075, (0.055, 0.05, 0.022)),
    ("龙洞水泥有限责任公司", "anxi", _CEMENT, 14500, 240, 0.60, 0.078, (0.04, 0.035, -0.018)),
    ("青峰水泥有限公司", "weishan", _CEMENT, 13500, 220, 0.64, 0.080, (0.05, 0.055, 0.062)),
    (
        "云海铝业有限公司",
        "direct",
        Industry("3216", "", 0.22, 0.030, 0.16),
        42000,
        520,
        0.05,
        0.16,
        (0.05, 0.05, 0.058),
    ),
    (
        "鑫晟铁合金有限公司",
        "zhanqian",
        Industry("3140", "", 0.23, 0.032, 0.30),
        15000,
        210,
        0.28,
        0.30,
        (0.05, 0.06, 0.065),
    ),
    (
        "宏泰铁合金有限公司",
        "fenglinhu",
        Industry("3140", "", 0.23, 0.031, 0.34),
        12500,
        190,
        0.25,
        0.34,
        (0.05, 0.04, 0.055),
    ),
    ("华岭化工有限公司", "direct", Industry("2621", "", 0.25, 0.035, 0.10), 26000, 430, 0.38, 0.10, (0.05, 0.06, 0.06)),
    (
        "永兴碳化有限责任公司",
        "xinqiao",
        Industry("2613", "", 0.24, 0.034, 0.26),
        11000,
        170,
        0.35,
        0.26,
        (0.05, 0.05, 0.056),
    ),
    (
        "盛源焦化有限公司",
        "zhanqian",
        Industry("2521", "", 0.22, 0.036, 0.03),
        21000,
        310,
        0.55,
        0.03,
        (0.05, 0.05, 0.06),
    ),
    ("清江纸业有限公司", "binhe", Industry("2221", "", 0.25, 0.032, 0.09), 9500, 180, 0.70, 0.09, (0.05, 0.055, 0.058)),
    (
        "恒远钙业有限公司",
        "anxi",
        Industry("3012", "", 0.29, 0.036, 0.05, "building"),
        8600,
        130,
        0.85,
        0.05,
        (0.03, 0.03, -0.01),
    ),
    (
        "金盾耐火材料有限公司",
        "yunxi",
        Industry("3089", "", 0.28, 0.038, 0.06),
        8900,
        140,
        0.80,
        0.06,
        (0.05, 0.05, 0.06),
    ),
)
_PHARMA = (
    ("苗岭药业有限公司", "fenglinhu", Industry("2740", "", 0.34, 0.055, 0.007), 3400, 96),
    ("枫林制药有限公司", "fenglinhu", Industry("2740", "", 0.33, 0.052, 0.008), 2900, 82),
    ("天麻堂制药有限公司", "yunxi", Industry("2720", "", 0.35, 0.058, 0.007), 3100, 90),
)
_COAL = Industry("0610", "煤矿", 0.52, 0.082, 0.030, "coal")
# name, place, capacity 万吨/年, utilisation
_MINES = (
    ("大坡煤矿", "zhanqian", 30, 0.84),
    ("鸿发煤矿", "zhanqian", 15, 0.82),
    ("老鹰岩煤矿", "xinqiao", 21, 0.85),
    ("红岩煤矿", "xinqiao", 9, 0.83),
    ("龙滩煤矿", "anxi", 30, 0.80),
    ("青冈林煤矿", "anxi", 15, 0.78),
    ("小河煤矿", "anxi", 6, 0.50),
    ("岩脚煤矿", "liping", 21, 0.82),
    ("羊场煤矿", "liping", 9, 0.80),
    ("马鞍山煤矿", "weishan", 15, 0.83),
    ("白岩煤矿", "weishan", 9, 0.84),
    ("长冲煤矿", "liushui", 15, 0.79),
    ("石板井煤矿", "hongtu", 9, 0.81),
    ("石门坎煤矿", "shimen", 15, 0.84),
    ("王家寨煤矿", "wangjia", 6, 0.48),
    ("枫香坪煤矿", "fenglinhu", 15, 0.74),
)
# generic enterprises: above scale, below scale
_COUNTS: dict[str, tuple[int, int]] = {
    "yunxi": (10, 4),
    "binhe": (9, 4),
    "fenglinhu": (9, 4),
    "zhanqian": (10, 4),
    "weishan": (6, 3),
    "xinqiao": (6, 3),
    "anxi": (6, 3),
    "liping": (5, 3),
    "wangjia": (3, 2),
    "liushui": (3, 2),
    "maitian": (2, 2),
    "hongtu": (2, 2),
    "shimen": (2, 2),
    "baihe": (3, 1),
    "direct": (5, 1),
}


def _months(first: date, count: int) -> tuple[date, ...]:
    return tuple(places.month_range(first, count))


def _generic(seed: int) -> list[Enterprise]:
    rng = random.Random(f"{seed}:register")
    free = [(brand, industry) for brand in _BRANDS for industry in INDUSTRIES]
    rng.shuffle(free)
    by_industry = dict.fromkeys((industry.code for industry in INDUSTRIES), 0)
    result: list[Enterprise] = []
    for place, (above, below) in _COUNTS.items():
        for index in range(above + below):
            is_above = index < above
            # the least used industries first keeps every one of them present; cement blocks in every place
            industry = min(INDUSTRIES, key=lambda item: (by_industry[item.code], rng.random()))
            by_industry[industry.code] += 1
            brand = next(pair for pair in free if pair[1] is industry)
            free.remove(brand)
            output = rng.lognormvariate(8.1, 0.34) if is_above else rng.uniform(420, 1350)
            output = max(output, 2750.0) if is_above else output
            result.append(
                Enterprise(
                    number=0,
                    credit_code="",
                    name=brand[0] + industry.suffix,
                    place=place,
                    industry=industry,
                    output_2023=round(output, 1),
                    above=_ALWAYS if is_above else _NEVER,
                    persons=max(9, round(output / rng.uniform(32, 60))),
                )
            )
    return result


def _nth(items: list[Enterprise], place: str, is_above: bool, index: int = 0) -> int:
    """Position of the index-th generic enterprise of a place."""
    found = [
        position
        for position, item in enumerate(items)
        if item.place == place and item.is_above(date(2024, 1, 1)) is is_above
    ]
    return found[index]


def _with_events(items: list[Enterprise]) -> list[Enterprise]:
    """The life events of docs/demo.md."""

    def change(position: int, **fields: object) -> None:
        items[position] = replace(items[position], **fields)  # type: ignore[arg-type]

    change(_nth(items, "yunxi", True, 2), above=(date(2000, 1, 1), date(2025, 1, 1)), output_2023=2340.0)
    change(_nth(items, "weishan", True, 1), above=(date(2000, 1, 1), date(2026, 1, 1)), output_2023=2380.0)
    change(_nth(items, "binhe", False), above=(date(2025, 1, 1), date(2100, 1, 1)), output_2023=2420.0)
    change(_nth(items, "xinqiao", False), above=(date(2026, 1, 1), date(2100, 1, 1)), output_2023=2260.0)
    newcomer = _nth(items, "fenglinhu", False)
    change(
        newcomer, above=(date(2025, 7, 1), date(2100, 1, 1)), opened=date(2025, 7, 1), output_2023=6200.0, persons=118
    )
    change(_nth(items, "liping", False), closed=date(2024, 12, 1))
    change(_nth(items, "maitian", True, 1), closed=date(2025, 9, 1))
    renamed = _nth(items, "zhanqian", True, 3)
    change(
        renamed,
        former_name=items[renamed].name,
        name="黔岭" + items[renamed].industry.suffix,
        renamed_on=date(2025, 1, 1),
    )
    change(_nth(items, "anxi", True, 4), former_place="anxi", place="yunxi", moved_on=date(2025, 1, 1))
    change(_nth(items, "liping", True, 2), suspended=_months(date(2026, 8, 1), 5))
    change(_nth(items, "binhe", True, 5), suspended=_months(date(2024, 3, 1), 3))
    return items


def enterprises(seed: int) -> tuple[Enterprise, ...]:
    """All enterprises of the county, in register order; codes depend on the position alone, not on the seed."""
    items = _with_events(_generic(seed))
    for name, place, industry, output, persons, coal, power, saving in _KEY_USERS:
        items.append(
            Enterprise(
                0,
                "",
                name,
                place,
                industry,
                output,
                _ALWAYS,
                persons,
                is_key=True,
                coal_use=coal,
                power_use=power,
                saving=dict(zip((2024, 2025, 2026), saving, strict=True)),
                suspended=_months(date(2024, 11, 1), 3) if name.startswith("龙洞") else (),
            )
        )
    for name, place, industry, output, persons in _PHARMA:
        items.append(Enterprise(0, "", name, place, industry, output, _ALWAYS, persons, is_pharma=True))
    for name, place, capacity, utilisation in _MINES:
        items.append(
            Enterprise(
                0,
                "",
                name,
                place,
                _COAL,
                capacity * utilisation * 430.0,  # 430 元 a tonne
                _ALWAYS if capacity > 6 else _NEVER,
                capacity * 11 + 14,
                is_coal=True,
                capacity=capacity * 10000,
                utilisation=utilisation,
                closed=date(2025, 7, 1) if name.startswith("枫香坪") else None,
                suspended=_months(date(2025, 6, 1), 2) if name.startswith("鸿发") else (),
            )
        )
    order = {place: index for index, place in enumerate(places.PLACES)}
    items.sort(key=lambda item: order[item.place])
    numbered = []
    for position, item in enumerate(items):
        number = _FIRST_NUMBER + position * 37
        numbered.append(replace(item, number=number, credit_code=credit_code(number)))
    return tuple(numbered)
