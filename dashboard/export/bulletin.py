"""The monthly bulletin as a draft: paragraphs of text and figures, appendix tables, what had to be left out.

Belongs here: which figure fills which field of a sentence (domain.md F.2).
Does not belong here: wording (i18n/bulletin.csv), grammar (wording.py), the file's format (docx.py), SQL.

A clause with a missing number is not written. The sentence falls where the clause was its first, and a warning says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import Any

from dashboard import state as address
from dashboard.components import numbers
from dashboard.data.catalogue import catalogue
from dashboard.data.store import Row, Snapshot
from dashboard.export import tables, wording
from dashboard.export.wording import Clause, Figure, Phrase, fill, joined, plain, say, word
from dashboard.i18n import Translator
from dashboard.state import State
from dashboard.view import View, month_before

PARTS = ("overall", "features", "townships", "safety", "problems", "next")
# Parts whose sentences are numbered points with a bold lead-in.
POINTS = frozenset({"features"})
RANKED = 3


@dataclass(frozen=True, slots=True)
class Dropped:
    """A sentence or clause that was not written: where, its template, the fields without a number."""

    part: str
    template: str
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """`lead` is set in bold before the text."""

    text: Phrase
    lead: str = ""


@dataclass(frozen=True)
class Draft:
    """One bulletin, the same for the same version and month. `sections` are (heading, paragraphs).

    `stamp` names the version, and the earlier day where it shows one.
    """

    title: str
    addressee: str
    sections: tuple[tuple[str, tuple[Paragraph, ...]], ...]
    signature: tuple[str, str]
    notes: tuple[str, tuple[str, ...]]
    appendices: tuple[tables.Table, ...]
    dropped: tuple[Dropped, ...]
    version: str
    made_at: datetime
    stamp: str

    def figures(self) -> list[Figure]:
        """Every figure in the text, in reading order."""
        return [
            part
            for _, paragraphs in self.sections
            for paragraph in paragraphs
            for part in paragraph.text
            if isinstance(part, Figure)
        ]


class NoSuchMonth(ValueError):
    """The version has no figures of the month; `latest` is the newest month it has."""

    def __init__(self, period: date, latest: date | None) -> None:
        super().__init__(f"{period:%Y-%m}")
        self.period = period
        self.latest = latest


def view_of(snapshot: Snapshot, period: date) -> View:
    """The month as a page in Chinese sees it; raises NoSuchMonth."""
    known = catalogue(snapshot)
    if period not in known.periods:
        raise NoSuchMonth(period, known.latest)
    return View(
        "/", State(period=period, as_of=snapshot.day), snapshot, known, Translator("zh"), period, frozenset({"/trace"})
    )


def months(period: date) -> str:
    """The months of the year to date without the year."""
    return plain(say("month", n=1) if period.month == 1 else say("months", n=period.month))


@dataclass
class _Facts:
    """Looks figures up and turns them into phrases; a method named `_<field>` answers a template's field."""

    view: View
    base: str
    county: dict[str, Row] = field(default_factory=dict)
    grid: dict[tuple[str, str], Row] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.county = tables.county_rows(self.view)
        self.grid = tables.grid_rows(self.view)

    # -- one figure ----------------------------------------------------------------------------
    def maker(self, code: str, measure: str, value: Any, unit: str | None = None) -> Callable[[str], Figure]:
        unit_id = unit or str(self.view.catalogue.county["township_code"])
        asked = State(period=self.view.period, indicator=code, township=unit, as_of=self.view.snapshot.day)
        trace = self.base + address.href("/trace", asked)
        return lambda text: Figure(text, code, unit_id, self.view.period, measure, value, trace)

    def _amount(self, code: str, measure: str, value: Any, *, with_unit: bool = True) -> Phrase | None:
        if numbers.to_decimal(value) is None:
            return None
        number = wording.printed(tables.scaled(self.view, code, value), tables.places(self.view, code))
        label = self.view.unit_label(code) if with_unit else ""
        return [self.maker(code, measure, value)(f"{number}{label}")]

    def _value(self, code: str) -> Phrase | None:
        return self._amount(code, "ytd", self.county.get(code, {}).get("value_ytd"))

    def _plain_value(self, code: str) -> Phrase | None:
        return self._amount(code, "ytd", self.county.get(code, {}).get("value_ytd"), with_unit=False)

    def _month_value(self, code: str) -> Phrase | None:
        return self._amount(code, "month", self.county.get(code, {}).get("value_month"))

    def _growth(self, code: str) -> Phrase | None:
        row = self.county.get(code)
        return None if row is None else self.growth_of(row, None)

    def growth_of(self, row: Row, unit: str | None) -> Phrase | None:
        """Growth in words; the phrases of domain.md B.2 where none is computed but a sign changed."""
        code = row["indicator_code"]
        indicator = self.view.catalogue.indicators[code]
        value = row.get("growth_pct")
        make = self.maker(code, "growth", value, unit)
        if indicator["growth_basis"] in ("diff_pp", "diff"):
            points = indicator["growth_basis"] == "diff_pp"
            return wording.difference(value, 1 if points else int(indicator["decimals"] or 0), make, points=points)
        if numbers.to_decimal(value) is None:
            note, share = row.get("growth_note"), numbers.to_decimal(row.get("growth_note_pct"))
            if not note or note in word("no_growth").split("|"):
                return None
            if share is None:
                return [str(note)]
            shown = self.maker(code, "growth_note", share, unit)(f"{wording.printed(abs(share), 1)}%")
            return say("note.share", note=note, x=shown)
        return wording.growth(value, make)

    def _real(self, code: str) -> Phrase | None:
        value = self.county.get(code, {}).get("growth_real_pct")
        return wording.growth(value, self.maker(code, "real", value))

    def _attainment(self, code: str) -> Phrase | None:
        value = self.county.get(code, {}).get("attainment_pct")
        if numbers.to_decimal(value) is None:
            return None
        return [self.maker(code, "attained", value)(f"{wording.printed(value, 1)}%")]

    def _gap(self, code: str) -> Phrase | None:
        row = self.county.get(code, {})
        if row.get("target_form") != "level":
            return None
        return wording.gap(row.get("gap_pp"), self.maker(code, "gap", row.get("gap_pp")))

    def _change(self, code: str) -> Phrase | None:
        row, period = self.county.get(code, {}), self.view.period
        if period.month == 1:
            return None
        by = row.get("growth_change_pp")
        before = months(month_before(period))
        return wording.change(row.get("growth_pct"), by, before, self.maker(code, "change", by))

    # -- months ----------------------------------------------------------------------------------
    def _months(self, _code: str) -> Phrase:
        return [months(self.view.period)]

    def _month(self, _code: str) -> Phrase:
        return say("month", n=self.view.period.month)

    # -- townships -------------------------------------------------------------------------------
    def rows_of(self, code: str, needed: str) -> list[Row]:
        """Townships whose own report gives `needed`, in the order of pages; carried ones are not compared."""
        found = [
            self.grid.get((str(town["township_code"]), code))
            for town in self.view.catalogue.active_townships(self.view.period)
        ]
        return [row for row in found if row and not row.get("is_carried") and row.get(needed) is not None]

    def _named(self, rows: list[Row]) -> Phrase:
        return joined((self.view.unit_name(row["unit_id"]) for row in rows), self.view.t("list.separator"))

    def _count(self, code: str, measure: str, rows: list[Row]) -> Figure:
        return self.maker(code, measure, len(rows))(str(len(rows)))

    def _met(self, code: str) -> Phrase | None:
        rows = self.rows_of(code, "gap_pp")
        met = [row for row in rows if row["gap_pp"] >= 0]
        if not rows:
            return None
        if not met:
            return say("met.none")
        return say("met.some", n=self._count(code, "met", met), names=self._named(met))

    def _behind(self, code: str) -> Phrase | None:
        rows = self.rows_of(code, "gap_pp")
        behind = [row for row in rows if row["gap_pp"] < 0]
        if not rows:
            return None
        if not behind:
            return say("behind.none")
        return say("behind.some", n=self._count(code, "behind", behind), names=self._named(behind))

    def _ranking(self, code: str, *, from_top: bool) -> Phrase | None:
        rows = sorted(self.rows_of(code, "growth_pct"), key=lambda row: (-row["growth_pct"], row["unit_id"]))
        if len(rows) < 2 * RANKED:
            return None
        chosen = rows[:RANKED] if from_top else rows[-RANKED:]
        return joined(
            (
                say(
                    "ranked",
                    name=self.view.unit_name(row["unit_id"]),
                    x=self.maker(code, "growth", row["growth_pct"], row["unit_id"])(
                        f"{wording.printed(row['growth_pct'], 1)}%"
                    ),
                )
                for row in chosen
            ),
            self.view.t("list.separator"),
        )

    def _first(self, code: str) -> Phrase | None:
        return self._ranking(code, from_top=True)

    def _last(self, code: str) -> Phrase | None:
        return self._ranking(code, from_top=False)

    def _moved(self, code: str) -> Phrase:
        """Those whose rank moved most; nothing where none moved by two or more."""
        rows = [row for row in self.rows_of(code, "rank_change") if abs(row["rank_change"]) > 1]
        rows.sort(key=lambda row: (-abs(row["rank_change"]), row["unit_id"]))
        return joined(
            (
                say(
                    "moved.up" if row["rank_change"] > 0 else "moved.down",
                    name=self.view.unit_name(row["unit_id"]),
                    k=self.maker(code, "rank_chg", row["rank_change"], row["unit_id"])(str(abs(row["rank_change"]))),
                )
                for row in rows[:RANKED]
            ),
            self.view.t("list.separator"),
        )

    def _top(self, code: str) -> Row | None:
        rows = [row for row in self.rows_of(code, "contribution_pp") if row["contribution_pp"] > 0]
        return max(rows, key=lambda row: row["contribution_pp"]) if rows else None

    def _top_name(self, code: str) -> Phrase | None:
        row = self._top(code)
        return [self.view.unit_name(row["unit_id"])] if row else None

    def _top_points(self, code: str) -> Phrase | None:
        row = self._top(code)
        if row is None:
            return None
        value = row["contribution_pp"]
        return [self.maker(code, "pull", value, row["unit_id"])(wording.printed(value, 1))]

    def _top_share(self, code: str) -> Phrase | None:
        row = self._top(code)
        value = row.get("contribution_share_pct") if row else None
        if row is None or numbers.to_decimal(value) is None:
            return None
        return [self.maker(code, "share", value, row["unit_id"])(f"{wording.printed(value, 1)}%")]

    # -- safety ----------------------------------------------------------------------------------
    def _year(self, year: int) -> tuple[int, int]:
        """Accidents and deaths from January to the month, in `year`."""
        rows = [
            row
            for row in self.view.snapshot.rows("incidents", period=self.view.period)
            if row["occurred_on"].year == year and row["occurred_on"].month <= self.view.period.month
        ]
        return len(rows), sum(row["deaths"] or 0 for row in rows)

    def _knows_safety(self, code: str) -> bool:
        return self.county.get(code, {}).get("value_ytd") is not None

    def _accidents(self, code: str) -> Phrase | None:
        """No accident may be claimed where nothing was reported."""
        if not self._knows_safety(code):
            return None
        accidents, deaths = self._year(self.view.period.year)
        if not accidents and not deaths:
            return say("accidents.none")
        return say(
            "accidents.some",
            n=self.maker(code, "accidents", accidents)(str(accidents)),
            d=self.maker(code, "deaths", deaths)(str(deaths)),
        )

    def _accident_change(self, code: str) -> Phrase | None:
        before = month_before(self.view.period, 12)
        if not self._knows_safety(code) or before not in self.view.catalogue.periods:
            return None
        now, then = self._year(self.view.period.year), self._year(before.year)

        def moved(index: int, measure: str) -> Phrase:
            by = now[index] - then[index]
            key = "more" if by > 0 else "fewer" if by < 0 else "same"
            return say(key, x=self.maker(code, measure, by)(str(abs(by))))

        return say("accident_change", n=moved(0, "acc_chg"), d=moved(1, "death_chg"))

    def _cap(self, code: str) -> Phrase | None:
        row = self.county.get(code, {})
        used, cap = numbers.to_decimal(row.get("value_ytd")), numbers.to_decimal(row.get("target_value"))
        if used is None or cap is None:
            return None
        if used > cap:
            return say("cap.breach", n=self.maker(code, "ytd", used)(wording.printed(used, 0)))
        if cap == 0:
            return say("cap.zero")
        share = used / cap * 100
        return say("cap.within", x=self.maker(code, "attained", share)(f"{wording.printed(share, 1)}%"))

    # -- problems --------------------------------------------------------------------------------
    def _lagging(self, _code: str) -> Phrase:
        behind = [
            self.county[row["indicator_code"]]
            for row in self.view.catalogue.headline()
            if self.county.get(row["indicator_code"], {}).get("lamp") in ("yellow", "red")
        ]
        behind = [row for row in behind if row["target_form"] == "level"]
        behind.sort(key=lambda row: (row["gap_pp"], row["indicator_code"]))
        return joined(
            (
                say(
                    "lag",
                    name=self.view.indicator(row["indicator_code"]),
                    gap=self._gap(row["indicator_code"]) or [],
                )
                for row in behind
                if row["gap_pp"] is not None
            ),
            self.view.t("clause.separator"),
        )

    def _unreported(self, _code: str) -> Phrase:
        rows = self.view.snapshot.rows("attention", period=self.view.period)
        silent = list(dict.fromkeys(row["unit_id"] for row in rows if row["status"] == "missing"))
        month = plain(say("month", n=self.view.period.month))
        if not silent:
            return say("all_reported", month=month)
        names = joined((self.view.unit_name(unit) for unit in silent), self.view.t("list.separator"))
        lead = str(self.view.catalogue.headline()[0]["indicator_code"])
        count = self.maker(lead, "silent", len(silent))(str(len(silent)))
        return say("unreported", day=day(made_at(self.view)), n=count, month=month, names=names)

    def phrase(self, clause: Clause) -> tuple[Phrase, tuple[str, ...]]:
        """The clause filled in, or the names of the fields without a number."""
        asked = wording.fields(clause.text)
        if clause.indicator and clause.indicator not in self.view.catalogue.indicators:
            return [], tuple(asked)
        values = {name: getattr(self, f"_{name}")(clause.indicator) for name in asked}
        missing = tuple(name for name, value in values.items() if value is None)
        if missing:
            return [], missing
        # A list without entries says nothing: no sentence, and no warning either.
        return ([] if any(value == [] for value in values.values()) else fill(clause.text, values)), ()


def made_at(view: View) -> datetime:
    """When the version was published, at the bureau's clock; the only time a bulletin may name.

    On an earlier day the end of that day: nothing later is in it.
    """
    if view.snapshot.day is not None:
        return datetime.combine(view.snapshot.day, time(23, 59))
    made = datetime.fromisoformat(str(view.catalogue.manifest["created_at"])).replace(tzinfo=None)
    return made + timedelta(hours=float(view.catalogue.settings.get("utc_offset_hours") or 0))


def day(moment: datetime) -> str:
    return plain(say("date", year=moment.year, month=moment.month, day=moment.day))


def _section(facts: _Facts, part: str, dropped: list[Dropped]) -> tuple[Paragraph, ...]:
    rows = [row for row in wording.clauses() if row.part == part and row.key != "heading"]
    sentences: list[Phrase] = []
    for _, group in groupby(rows, key=lambda row: row.key):
        sentence: Phrase = []
        for index, clause in enumerate(group):
            phrase, missing = facts.phrase(clause)
            if missing:
                dropped.append(Dropped(part, clause.text, missing))
            if not phrase and index == 0:
                break
            sentence += phrase
        if sentence:
            sentences.append([*sentence, word("stop")])
    if part not in POINTS:
        return (Paragraph([piece for sentence in sentences for piece in sentence]),) if sentences else ()
    ordinals = word("ordinals").split("|")
    return tuple(Paragraph(sentence, plain(say("lead", n=ordinals[index]))) for index, sentence in enumerate(sentences))


def draft(snapshot: Snapshot, period: date, base: str, *, external: bool = False) -> Draft:
    """The bulletin of a month; `base` is the dashboard's address that trace links begin with. Raises NoSuchMonth.

    `external`: for others than the bureau, without figures that identify an enterprise; a star stands for them in tables, and
    their sentences are left out and told like any other whose number is missing.
    """
    if external:
        snapshot = snapshot.external()
    view = view_of(snapshot, period)
    facts = _Facts(view, base.rstrip("/"))
    dropped: list[Dropped] = []
    ordinals = word("ordinals").split("|")
    written = [(part, paragraphs) for part in PARTS if (paragraphs := _section(facts, part, dropped))]
    sections = tuple(
        (plain(say("heading", n=ordinals[index], text=wording.text(part, "heading"))), paragraphs)
        for index, (part, paragraphs) in enumerate(written)
    )
    notice = view.catalogue.settings.get("data_notice_zh", "")
    known = plain(say("as_of", day=day(made_at(view)))) if snapshot.day else ""
    given = {"notice": notice, "as_of": known}
    notes = [plain(fill(row.text, given)) for row in wording.clauses() if row.part == "notes"]
    headline = view.catalogue.headline()
    made = made_at(view)
    year = plain(say("year", year=period.year, months=months(period)))
    return Draft(
        title=plain(say("title", months=year)),
        addressee=word("addressee"),
        sections=sections,
        signature=(view.bureau, day(made)),
        notes=(notes[0], tuple(note for note in notes[1:] if note)),
        appendices=(
            tables.headline(view),
            tables.progress(view, str(headline[0]["indicator_code"])),
            tables.safety(view, tables.watched(view)),
            tables.unreported(view),
        ),
        dropped=tuple(dropped),
        version=view.catalogue.version,
        made_at=made,
        stamp=view.stamp(),
    )
