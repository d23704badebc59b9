"""The fictional county through time: which townships exist in a month, under which code and name.

Belongs here: the geography that the demonstration tells about (seeds/reference/townships.csv says the same to the
product). Does not belong here: enterprises (register.py), figures (economy.py).

A *place* is a piece of land that never changes; a *township* is what it is called and coded in a month. After a merger
one township holds two places, so that a year to date and a restated base are plain sums over places.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

COUNTY_CODE = "529901"
COUNTY_NAME = "示范县"

PLACES: tuple[str, ...] = (
    "yunxi",
    "binhe",
    "fenglinhu",
    "zhanqian",
    "weishan",
    "xinqiao",
    "anxi",
    "liping",
    "wangjia",
    "liushui",
    "maitian",
    "hongtu",
    "shimen",
    "baihe",
    "direct",
)


@dataclass(frozen=True)
class Township:
    """A township in one month: `places` are the pieces of land it holds."""

    code: str
    name: str
    places: tuple[str, ...]


_FIXED: dict[str, tuple[str, str]] = {
    "yunxi": ("529901001", "云溪街道"),
    "fenglinhu": ("529901100", "枫林湖镇"),
    "zhanqian": ("529901101", "站前镇"),
    "weishan": ("529901102", "卫山镇"),
    "xinqiao": ("529901103", "新桥镇"),
    "anxi": ("529901104", "暗溪镇"),
    "liping": ("529901105", "犁坪镇"),
    "wangjia": ("529901200", "王家乡"),
    "liushui": ("529901201", "流水乡"),
    "maitian": ("529901202", "麦田民族乡"),
    "hongtu": ("529901203", "红土乡"),
    "shimen": ("529901204", "石门乡"),
    "baihe": ("529901205", "百合乡"),
    "direct": ("529901900", "县直属"),
}
RENAMED = date(2024, 1, 1)  # 新桥坝镇 becomes 新桥镇
RANK_CHANGED = date(2024, 7, 1)  # 滨河镇 becomes 滨河街道
LEFT_COUNTY = date(2025, 1, 1)  # 百合乡 goes to the neighbouring county
MERGED = date(2025, 3, 1)  # 石门乡 goes into 站前镇

FORMER_NAMES = {"529901103": "新桥坝镇", "529901002": "滨河镇", "529901101": "石门乡"}


@lru_cache(maxsize=4096)
def township_of(place: str, period: date) -> Township | None:
    """The township that `place` belongs to in `period`; None once it has left the county."""
    for township in townships(period):
        if place in township.places:
            return township
    return None


@lru_cache(maxsize=256)
def townships(period: date) -> tuple[Township, ...]:
    """All townships of a month, in the order in which the bureau lists them."""
    result: list[Township] = []
    for place in PLACES:
        if place == "binhe":
            code, name = ("529901002", "滨河街道") if period >= RANK_CHANGED else ("529901106", "滨河镇")
            result.append(Township(code, name, (place,)))
            continue
        if (place == "shimen" and period >= MERGED) or (place == "baihe" and period >= LEFT_COUNTY):
            continue
        code, name = _FIXED[place]
        if place == "xinqiao" and period < RENAMED:
            name = "新桥坝镇"
        places = ("zhanqian", "shimen") if place == "zhanqian" and period >= MERGED else (place,)
        result.append(Township(code, name, places))
    return tuple(result)


def add_months(period: date, months: int) -> date:
    index = period.year * 12 + period.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


def month_range(first: date, count: int) -> list[date]:
    return [add_months(first, offset) for offset in range(count)]
