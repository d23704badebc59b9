"""One request as a page sees it: state, texts, names, figures in words.

Belongs here: what several pages share between the data and the components (a name in the reader's language, a figure in
the reader's unit, a lamp with its sentence). Does not belong here: SQL, layout of a page, rules of the field.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from dashboard import state as address
from dashboard.components import html, lamps, numbers
from dashboard.components.links import link
from dashboard.data.catalogue import Catalogue
from dashboard.data.store import Row, Snapshot
from dashboard.i18n import Translator
from dashboard.state import State

# Pages of the county's own figures.
COUNTY_PAGES = ("/", "/wall")
# What a page is about; the rest of the state is how it is shown.
SUBJECT = {"period", "indicator", "township", "enterprise", "unit", "submission"}
# More indicators than these under one rule are not named one by one.
MANY = 3
HEAVY = ("/enterprise", "/submissions")


def month_before(period: date, months: int = 1) -> date:
    """The first day of the month `months` earlier."""
    index = period.year * 12 + period.month - 1 - months
    return date(index // 12, index % 12 + 1, 1)


@dataclass(frozen=True)
class View:
    """What a page's render function is given."""

    path: str
    state: State
    snapshot: Snapshot
    catalogue: Catalogue
    t: Translator
    period: date
    pages: frozenset[str]

    # -- names ---------------------------------------------------------------------------------
    def named(self, row: Row | None, fallback: str = "") -> str:
        """The name of a dimension's row in the reader's language."""
        if row is None:
            return fallback
        name = row.get("name_en") if self.t.lang == "en" else None
        return str(name or row.get("name_zh") or fallback)

    def indicator(self, code: str) -> str:
        return self.named(self.catalogue.indicators.get(code), code)

    def unit_name(self, unit_id: str | None) -> str:
        """A county's, township's or enterprise's name by its code."""
        if unit_id is None:
            return self.t("unit.unknown")
        found = self.catalogue.townships.get(unit_id) or self.catalogue.enterprises.get(unit_id)
        return self.named(found, unit_id)

    def reporter(self, unit_id: str | None) -> str:
        """Who sent a workbook; a reader of a part is not told of senders outside it."""
        hidden = unit_id is None and not self.snapshot.scope.is_whole
        return self.t("unit.hidden") if hidden else self.unit_name(unit_id)

    @property
    def county(self) -> str:
        county = self.catalogue.settings.get(f"county_name_{self.t.lang}")
        return county or self.named(self.catalogue.county, self.t("county"))

    @property
    def bureau(self) -> str:
        """Whose dashboard this is."""
        name = self.catalogue.settings.get(f"bureau_name_{self.t.lang}")
        return name or self.t("brand", county=self.county)

    @property
    def yearly(self) -> bool:
        return self.catalogue.settings.get("period_grain") == "year"

    def month(self, period: date) -> str:
        if self.yearly:
            return self.t("period.year", year=period.year)
        return self.t("period.month", year=period.year, month=self.t(f"month.{period.month}"))

    def cell_period(self, row: Row) -> str:
        """The month a cell speaks of; a target, which is kept at the year's last month, speaks of the year."""
        if str(row["measure"]).startswith("target"):
            return self.t("period.year", year=row["period"].year)
        return self.month(row["period"])

    def to_date(self, period: date) -> str:
        """The months of the year to date."""
        if self.yearly:
            return self.t("period.year", year=period.year)
        if period.month == 1:
            return self.month(period)
        return self.t(
            "period.ytd",
            year=period.year,
            first=self.t("month.1"),
            month=self.t(f"month.{period.month}"),
            n=period.month,
        )

    def day(self, value: Any) -> str:
        return f"{value:%Y-%m-%d}" if value else numbers.NOTHING

    def stamp(self) -> str:
        """What a file says of its figures: the version, and the day whose knowledge it shows."""
        version, day = self.catalogue.version, self.snapshot.day
        if day is None:
            return self.t("export.stamp", version=version)
        return self.t("as_of.stamp", version=version, day=self.day(day))

    def known(self) -> str:
        """ "as known on <day>" on an earlier day, else nothing."""
        return self.t("as_of.note", day=self.day(self.snapshot.day)) if self.snapshot.day else ""

    # -- links ---------------------------------------------------------------------------------
    def href(self, path: str | None = None, **changes: object) -> str:
        # A cell shown on the trace belongs to its figure alone.
        if path not in (None, self.path) or changes.keys() & SUBJECT:
            changes.setdefault("cell", None)
        return address.href(path or self.path, self.state, **changes)

    def link(self, content: Any, path: str, *, class_name: str | None = None, **changes: object) -> Any:
        reload = path in HEAVY and self.path not in HEAVY
        return link(content, self.href(path, **changes), reload=reload, class_name=class_name)

    def figure(self, text: Any, indicator: str, level: str, unit_id: str, period: date | None = None) -> Any:
        """A figure that opens its trace in one click, where that page is served."""
        if "/trace" not in self.pages or text == numbers.NOTHING:
            return text
        where: dict[str, Any] = {"township": None, "enterprise": None, "unit": self.state.money}
        if level in where:
            where[level] = unit_id
        return self.link(
            text,
            "/trace",
            class_name="figure",
            indicator=indicator,
            period=period or self.period,
            submission=None,
            **where,
        )

    # -- figures -------------------------------------------------------------------------------
    def display_unit(self, code: str) -> numbers.DisplayUnit:
        row = self.catalogue.indicators[code]
        # The county's money reads in its customary unit; a township's or an enterprise's would lose its last digits.
        preferred = row["unit_display"] if self.path in COUNTY_PAGES else row["unit"]
        return numbers.display_unit(row["unit"], preferred, self.state.money)

    def unit_label(self, code: str) -> str:
        unit = self.display_unit(code)
        return unit.en if self.t.lang == "en" else unit.zh

    def value(self, code: str, value: Any) -> str:
        return numbers.in_unit(value, self.display_unit(code), self.catalogue.indicators[code]["decimals"])

    def unit_beside(self, code: str) -> html.Span | str:
        """The unit after an indicator's name, in small; nothing where the name already ends with it ("accidents")."""
        label = self.unit_label(code)
        if self.indicator(code).lower().endswith(f" {label.lower()}"):
            return ""
        return html.Span(f" {label}", className="unit")

    def reach(self) -> dict[str, date]:
        """How far each indicator's figures reach up to the period chosen."""
        rows = self.snapshot.rows("latest_periods", period=self.period)
        return {row["indicator_code"]: row["period"] for row in rows}

    def points(self, value: Any, *, signed: bool = True) -> str:
        return numbers.number(value, 1, signed=signed)

    def growth_text(self, row: Row) -> str:
        """Growth by the table of domain.md B.2: a number, or the words of its note."""
        value = numbers.to_decimal(row.get("growth_pct"))
        if value is None:
            return self.note(row)
        indicator = self.catalogue.indicators[row["indicator_code"]]
        if indicator["growth_basis"] == "diff_pp":
            return self.t("unit.pp", x=numbers.number(value, 1, signed=True))
        if indicator["growth_basis"] == "diff":
            text = numbers.number(value, indicator["decimals"] or 0, signed=True)
            return self.t("unit.diff", x=text)
        places = indicator["decimals_rate"]
        return numbers.number(value, 1 if places is None else places)

    def note(self, row: Row) -> str:
        """The words that stand where no growth is computed; a loss says by how much it grew or shrank."""
        words = row.get("growth_note_en") if self.t.lang == "en" else row.get("growth_note")
        if not words:
            return numbers.NOTHING
        share = numbers.to_decimal(row.get("growth_note_pct"))
        return str(words) if share is None else self.t("growth.note", note=words, x=numbers.number(abs(share), 1))

    def growth(self, row: Row) -> Any:
        """Growth with its direction: never coloured."""
        text = self.growth_text(row)
        value = numbers.to_decimal(row.get("growth_pct"))
        if value is None:
            return html.Span(text, className="note")
        shown = any(digit in text for digit in "123456789")
        direction = "flat" if not shown else "up" if value > 0 else "down"
        return html.Span(text, className=f"trend {direction}")

    def net_loss(self, row: Row) -> str:
        """ "net loss of N" where a state that was to grow has shrunk since the year began, else "".

        Its share of the planned increase is below zero: a percentage of that startles and says nothing.
        """
        start, target = numbers.to_decimal(row.get("start_value")), numbers.to_decimal(row.get("target_value"))
        value = numbers.to_decimal(row.get("value_ytd"))
        if row.get("target_form") != "level" or start is None or target is None or value is None:
            return ""
        if target <= start or value >= start:
            return ""
        # In the unit it is kept in: a loss of forty persons is no 0.00 of ten thousand.
        unit = numbers.display_unit(self.catalogue.indicators[row["indicator_code"]]["unit"])
        words = unit.en if self.t.lang == "en" else unit.zh
        return self.t("gap.net_loss", x=numbers.in_unit(start - value, unit), unit=words).rstrip()

    def gap_of(self, row: Row) -> str:
        """How far a row's figure is from its schedule or target, in words."""
        return self.net_loss(row) or self.gap_words(row["gap_pp"], row.get("target_form"))

    def attainment(self, row: Row) -> str:
        """Share of the annual target; none where what was to be added was lost."""
        return numbers.NOTHING if self.net_loss(row) else self.points(row.get("attainment_pct"), signed=False)

    def gap_words(self, gap: Any, kind: str | None = None) -> str:
        """ "ahead of schedule by x points" and its opposite."""
        value = numbers.to_decimal(gap)
        if value is None:
            return numbers.NOTHING
        text = numbers.number(abs(value), 1)
        side = "ahead" if value >= 0 else "behind"
        form = "schedule" if kind in (None, "level", "floor", "task") else "target"
        return self.t(f"gap.{form}.{side}", x=text)

    def lamp_word(self, row: Row) -> str:
        colour = row.get("lamp")
        if colour is None:
            return self.t("lamp.none")
        if colour == "grey":
            return self.t("lamp.grey")
        family = "cap" if row.get("target_form") == "cap" else "level"
        return self.t(f"lamp.{family}.{colour}")

    def lamp_sentence(self, row: Row) -> str:
        """The rule beside the lamp: what was reached, what was due, the difference, the colour."""
        colour = row.get("lamp")
        if colour is None:
            return self.t("rule.none")
        if colour == "grey":
            return self.t("rule.carried" if row.get("is_carried") else "rule.silent")
        code = row["indicator_code"]
        form = row.get("target_form") or "level"
        word = self.t(f"colour.{colour}")
        if form == "cap" and numbers.to_decimal(row.get("target_value")) == 0:
            # Nothing can be used up of a limit of zero: what happened stands beside it.
            value = self.value(code, row.get("value_ytd"))
            return self.t("rule.cap_zero", value=value, unit=self.unit_label(code), colour=word)
        if form == "cap":
            return self.t(
                "rule.cap",
                value=self.value(code, row.get("value_ytd")),
                target=self.value(code, row.get("target_value")),
                progress=self.points(row.get("time_progress_pct"), signed=False),
                colour=word,
            )
        if form in ("growth", "reduction", "share", "full"):
            said = self.t("rule.target", gap=self.gap_words(row.get("gap_pp"), form), colour=word)
            told, asked = row.get("reported_units"), row.get("expected_units")
            # A reduction is that of a list: where one of it lacks a figure, the list is not whole (domain.md B.3).
            is_part = form == "reduction" and told is not None and asked is not None and told < asked
            return self.t("rule.not_whole", said=said, n=told, of=asked) if is_part else said
        if lost := self.net_loss(row):
            planned = numbers.to_decimal(row["target_value"] - row["start_value"])
            return self.t("rule.net_loss", planned=self.value(code, planned), lost=lost, colour=word)
        if row.get("attainment_pct") is None:
            # A bound of zero or below has no percentage: the figure stands beside it.
            value, target = self.value(code, row.get("value_ytd")), self.value(code, row.get("target_value"))
            return self.t("rule.bound", value=value, target=target, colour=word)
        return self.t(
            "rule.level",
            attainment=self.points(row.get("attainment_pct"), signed=False),
            progress=self.points(row.get("time_progress_pct"), signed=False),
            gap=self.gap_words(row.get("gap_pp"), form),
            colour=word,
        )

    def lamp(self, row: Row) -> html.Span:
        return lamps.lamp(row.get("lamp") or "none", self.lamp_word(row), self.lamp_sentence(row))

    def rule_texts(self, rows: list[Row]) -> list[str]:
        """The lamp rules, as printed, that judged these rows; each once, with the indicators it judged where there are several.

        The rule of most indicators comes last, as that of the others.
        """
        texts: dict[str, list[str]] = {}
        for row in rows:
            if (row.get("lamp") or "grey") == "grey":
                continue
            rule = self.catalogue.lamp_rule(row["indicator_code"], row.get("target_form"), self.period)
            if rule:
                judged = texts.setdefault(str(rule[f"text_{self.t.lang}"]), [])
                name = self.indicator(row["indicator_code"])
                if name not in judged:
                    judged.append(name)
        if len(texts) < 2:
            return list(texts)
        ordered = sorted(texts.items(), key=lambda item: len(item[1]))
        most = ordered.pop() if len(ordered[-1][1]) > MANY else None
        told = [self.t("rule.for", names=self.t.join(names), text=text) for text, names in ordered]
        return [*told, self.t("rule.for", names=self.t("rule.others"), text=most[0])] if most else told
