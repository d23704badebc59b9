"""Small counties made at random: their geography as reference data, their reports as raw rows, and the truth of both.

Belongs here: generating, the same county for the same seed. Does not belong here: what must hold of it
(test_properties.py).

Figures stand for January to June of three years. In the second year, in one month, townships are absorbed, joined into
a new one, part with a share, or leave the county; enterprises open, move and leave. `twin()` is the same county told
otherwise: one township under a new code from then on, each change of geography listed twice, leavers keep their base.
"""

from __future__ import annotations

import csv
import dataclasses
import random
import shutil
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from dagster_project.settings import PROJECT_ROOT
from tests.raw_rows import Raw

COUNTY = "529901"
YEARS, MONTHS = (2024, 2025, 2026), range(1, 7)
LEFT_ON = "2025-09-01"
QUARTER = Decimal("0.25")
CLASSES = ("一类", "二类", "三类")


@dataclass
class Plant:
    """An enterprise: where it stands by year, the first and last year it reports, its figures."""

    name: str
    places: dict[int, str]
    years: range
    figures: dict[tuple[int, int], int] = field(default_factory=dict)


@dataclass
class County:
    """`truth[code, place, year, month]` is what the ground of a township of 2024 brought, whoever reports it then."""

    seed: int
    change_month: int
    absorbed: tuple[str, str]  # from, to
    joined: tuple[str, str, str]  # two, and the new one
    shared: tuple[str, str]  # a quarter of the first goes to the second
    departed: str
    renamed: tuple[str, str]  # code, the code it has in the twin
    places: list[str]
    truth: dict[tuple[str, str, int, int], int]
    plants: list[Plant]
    leavers: list[str]
    silent: set[tuple[str, int, int]]
    corrected: set[tuple[str, int, int]]
    is_twin: bool = False

    def twin(self) -> County:
        return dataclasses.replace(self, is_twin=True)

    def changed(self, year: int, month: int) -> bool:
        return (year, month) >= (2025, self.change_month)

    def predecessors(self, year: int, month: int) -> dict[str, dict[str, Decimal]]:
        """Per township of that month the shares of the places of 2024 in it."""
        whole = {place: {place: Decimal(1)} for place in self.places}
        if not self.changed(year, month):
            return whole
        gone, taker = self.absorbed
        one, other, new = self.joined
        giver, receiver = self.shared
        whole[taker] |= whole.pop(gone)
        whole[new] = whole.pop(one) | whole.pop(other)
        whole[giver] = {giver: 1 - QUARTER}
        whole[receiver][giver] = QUARTER
        del whole[self.departed]
        if self.is_twin:
            whole[self.renamed[1]] = whole.pop(self.renamed[0])
        return whole

    def place_of(self, plant: Plant, year: int, month: int) -> str | None:
        """The township a plant stands in, by the geography of that month; None: it left the county with its ground."""
        ground = plant.places[year]
        for place, shares in self.predecessors(year, month).items():
            if ground in shares and (place == ground or shares[ground] == 1):
                return place
        return None

    def raw(self) -> Raw:
        """The reports in the order of their receipt: monthly forms, a month later corrections, one withdrawn form."""
        raw = Raw()
        raw.submission("RO-Y1", "2024-01", "2024-01-02")
        for plant in self.plants:
            raw.enterprise(plant.name, plant.places[plant.years[0]], f"{plant.years[0]}-01-01", is_above_scale=True)
            for year in plant.years[1:]:
                if plant.places[year] != plant.places[year - 1]:
                    raw.enterprise(plant.name, plant.places[year], f"{year}-01-01", is_above_scale=True)
        for year in YEARS:
            for month in MONTHS:
                self._month(raw, year, month)
        return raw

    def _month(self, raw: Raw, year: int, month: int) -> None:
        period = f"{year}-{month:02d}"
        received = datetime(year, month + 1, 6)
        shares = self.predecessors(year, month)
        raw.submission("TE-M1", period, received.isoformat())
        for place, of in shares.items():
            if any((ground, year, month) in self.silent for ground in of):
                continue
            wrong = 7 if any((ground, year, month) in self.corrected for ground in of) else 0
            raw.add("TE01", place, period, ytd=float(self._sum("TE01", of, year, month)) + wrong)
            raw.add("BF11", place, period, stock=float(self._sum("BF11", of, year, month)))
        raw.submission("TE-M3", period, received.replace(day=7).isoformat())
        for plant in self.plants:
            place = self.place_of(plant, year, month)
            if year in plant.years and place is not None:
                raw.add("BF01", plant.name, period, level="enterprise", township=place, ytd=plant.figures[year, month])
        again = {place for place, of in shares.items() if any((g, year, month) in self.corrected for g in of)}
        spoken = {place for place, of in shares.items() if not any((g, year, month) in self.silent for g in of)}
        if again & spoken:
            raw.submission("TE-M1", period, received.replace(day=25).isoformat())
            for place in sorted(again & spoken):
                raw.add("TE01", place, period, ytd=float(self._sum("TE01", shares[place], year, month)))
            raw.submission("TE-M1", period, received.replace(day=26).isoformat(), withdrawn=f"{year}-09-01T08:00:00")
            raw.add("TE01", min(again & spoken), period, ytd=1)

    def _sum(self, code: str, of: dict[str, Decimal], year: int, month: int) -> Decimal:
        return sum((self.truth[code, ground, year, month] * share for ground, share in of.items()), Decimal(0))

    def seeds(self, folder: Path) -> Path:
        """Reference data of this county below `folder`."""
        target = folder / "reference"
        shutil.copytree(PROJECT_ROOT / "seeds" / "reference", target)
        day = date(2025, self.change_month, 1)
        before = f"2025-{self.change_month - 1:02d}-28"
        ended = {self.absorbed[0], self.departed, *self.joined[:2]}
        chance = random.Random(self.seed)
        towns = []
        for number, place in enumerate([*self.places, self.joined[2], self.renamed[1]]):
            is_new = place in (self.joined[2], self.renamed[1])
            if place == self.renamed[1] and not self.is_twin:
                continue
            until = before if place in ended or (self.is_twin and place == self.renamed[0]) else ""
            towns.append(
                {
                    "township_code": place,
                    "durable_id": "T-" + (self.renamed[0] if place == self.renamed[1] else place),
                    "name_zh": f"甲{number}乡",
                    "name_en": f"Place {number}",
                    "kind": "township",
                    "class": chance.choice(CLASSES),
                    "valid_from": day.isoformat() if is_new else "2000-01-01",
                    "valid_to": until,
                    "sort_order": str(number),
                }
            )
        by_code = {town["township_code"]: town for town in towns}
        if self.is_twin:
            by_code[self.renamed[1]]["class"] = by_code[self.renamed[0]]["class"]
        links = [
            (*self.absorbed, "absorb", "1"),
            (self.joined[0], self.joined[2], "merge_new", "1"),
            (self.joined[1], self.joined[2], "merge_new", "1"),
            (*self.shared, "partial_transfer", str(QUARTER)),
            (self.departed, "", "transfer_out", "1"),
        ]
        if self.is_twin:
            links.append((*self.renamed, "rank_change", "1"))
        rows = [
            {
                "from_code": old,
                "to_code": new,
                "op": op,
                "effective_from": day.isoformat(),
                "weight": weight,
                "weight_method": "whole" if weight == "1" else "official",
            }
            for old, new, op, weight in links
        ]
        events = [
            {
                "enterprise_id": name,
                "event": "closed",
                "effective_from": LEFT_ON,
                "keep_base": "true" if self.is_twin else "false",
            }
            for name in self.leavers
        ]
        _replace(target / "townships.csv", towns)
        _replace(target / "township_links.csv", rows)
        _replace(target / "township_aliases.csv", [])
        _replace(target / "enterprise_events.csv", events)
        return target


def make(seed: int) -> County:
    """A county of nine townships and some twenty enterprises."""
    chance = random.Random(seed)
    places = [f"5299011{number:02d}" for number in range(9)]
    mixed = chance.sample(places, len(places))
    truth: dict[tuple[str, str, int, int], int] = {}
    for place in places:
        size, people = chance.randint(200, 4000), chance.randint(50, 900)
        for year in YEARS:
            size = round(size * chance.uniform(0.8, 1.35))
            people = round(people * chance.uniform(0.9, 1.1))
            total = 0
            for month in MONTHS:
                total += 4 * round(size * chance.uniform(0.8, 1.2))
                truth["TE01", place, year, month] = total
                truth["BF11", place, year, month] = 4 * people + 4 * month
    plants = [_plant(chance, number, places) for number in range(22)]
    leavers = [plant.name for plant in plants if plant.years[-1] == 2025]
    months = [(place, year, month) for place in places for year in YEARS for month in MONTHS if month > 1]
    return County(
        seed=seed,
        change_month=chance.randint(2, 5),
        absorbed=(mixed[0], mixed[1]),
        joined=(mixed[2], mixed[3], "529901120"),
        shared=(mixed[4], mixed[5]),
        departed=mixed[6],
        renamed=(mixed[7], "529901021"),
        places=places,
        truth=truth,
        plants=plants,
        leavers=leavers,
        silent=set(chance.sample(months, 5)),
        corrected=set(chance.sample(months, 5)),
    )


def _plant(chance: random.Random, number: int, places: list[str]) -> Plant:
    years = chance.choice((range(2024, 2027), range(2024, 2027), range(2025, 2027), range(2024, 2026)))
    home = chance.choice(places)
    moved = chance.choice(places) if 2026 in years and chance.random() < 0.2 else home
    plant = Plant(f"P{number:02d}", {2024: home, 2025: home, 2026: moved}, years)
    for year in years:
        total = 0
        for month in MONTHS:
            total += chance.randint(5, 500)
            plant.figures[year, month] = total
    return plant


def _replace(path: Path, rows: list[dict[str, str]]) -> None:
    """A reference table with these rows and no others."""
    with path.open(encoding="utf-8", newline="") as handle:
        fields = next(csv.reader(handle))
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, fields, restval="")
        writer.writeheader()
        writer.writerows(rows)
