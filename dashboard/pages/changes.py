"""Changes: what do we know now that was not known on that day?

Belongs here: the layout of `/changes`, comparing the figures of an earlier day with those of the present.
Does not belong here: which cells were known when (dbt), SQL, wording (i18n/).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Any

from dashboard.components import html, lamps, numbers, tables
from dashboard.data.store import Row
from dashboard.pages.page import Page, source_note
from dashboard.view import View

LISTED = 300
# What of a figure is compared; a rank or a lamp can change because of others' figures.
COMPARED = ("value_ytd", "growth_pct", "target_value", "lamp", "rank")
PERCENT_MEASURES = ("declared_growth", "target_growth")
LEVELS = ("county", "township")
Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Change:
    """One figure then and now; an empty row where it was not, or is no longer, known."""

    key: Key
    then: Row
    now: Row

    @property
    def moved(self) -> bool:
        """Whether the value itself changed, not only what is judged from it."""
        return self.then.get("value_ytd") != self.now.get("value_ytd")

    @property
    def is_new(self) -> bool:
        """Whether there was no value yet on that day."""
        return self.moved and self.then.get("value_ytd") is None


def compared(then: tuple[Row, ...], now: tuple[Row, ...]) -> list[Change]:
    """The figures that differ, by level, unit and indicator."""

    def by_key(rows: tuple[Row, ...]) -> dict[Key, Row]:
        return {(row["level"], row["unit_id"], row["indicator_code"]): row for row in rows}

    old, new = by_key(then), by_key(now)
    changes = [Change(key, old.get(key, {}), new.get(key, {})) for key in {**old, **new}]
    return [change for change in changes if any(change.then.get(name) != change.now.get(name) for name in COMPARED)]


def render(view: View) -> Page:
    day, present = view.snapshot.day, view.snapshot.present()
    if day is None or present is None:
        return _choose(view)
    since = datetime.combine(day + timedelta(days=1), time.min)
    asked = {"period": view.period, "basis": view.state.basis_or_default}
    changes = compared(view.snapshot.rows("changes_figures", **asked), present.rows("changes_figures", **asked))
    cells = present.rows("changes_cells", period=view.period, since=since)
    months = present.rows("changes_months", since=since)
    received = sum(row["submissions"] for row in present.received_days() if row["day"] > day)
    new = [change for change in changes if change.is_new]
    known = [change for change in changes if not change.is_new]
    moved = sum(1 for change in known if change.moved)
    fields = {"day": view.day(day), "period": view.month(view.period)}
    counts = {"moved": moved, "new": len(new), "judged": len(known) - moved}
    said = [view.t(f"changes.title_{name}", n=n) for name, n in counts.items() if n]
    title = view.t("changes.title" if changes else "changes.none", said=view.t("clause.comma").join(said), **fields)
    return Page(
        title,
        view.t("changes.sub", basis=view.t(f"basis.{view.state.basis_or_default}.long"), files=received, **fields),
        [_figures(view, known), _cells(view, cells), _new(view, new), _months(view, months)],
    )


def _choose(view: View) -> Page:
    """No day was chosen: the last days on which workbooks came in."""
    items = [
        html.Li(
            [
                view.link(view.day(row["day"]), "/changes", as_of=row["day"], period=None),
                f" {view.t('changes.received', n=row['submissions'])}",
            ]
        )
        for row in view.snapshot.received_days()[:24]
    ]
    return Page(
        view.t("changes.choose"), view.t("changes.choose_sub"), [html.Ul(items, className="lines", role="list")]
    )


def _present(view: View) -> View:
    """The same view without the earlier day: its links lead to what is known now."""
    return replace(view, state=replace(view.state, as_of=None))


def _place(view: View, change: Change) -> tuple[Any, ...]:
    """County first, then townships in the order of pages; moved figures first, headline indicators before others."""
    level, unit, code = change.key
    indicator = view.catalogue.indicators.get(code, {})
    order = list(view.catalogue.townships)
    return (
        not change.moved,
        LEVELS.index(level),
        order.index(unit) if unit in order else len(order),
        not indicator.get("is_headline"),
        indicator.get("sort_order") or 0,
        code,
    )


def _figures(view: View, changes: list[Change]) -> html.Section:
    if not changes:
        return tables.section(view.t("changes.figures_none"))
    moved = sum(1 for change in changes if change.moved)
    title = view.t("changes.figures", moved=moved, judged=len(changes) - moved)
    return tables.section(
        title,
        _compared_table(view, title, changes),
        source_note(view, [], view.t("changes.linked"), _more(view, len(changes))),
        sub=view.t("changes.figures_sub"),
    )


def _new(view: View, changes: list[Change]) -> Any:
    """Figures that nobody had on that day: many where the month was still being reported."""
    if not changes:
        return None
    title = view.t("changes.new", n=len(changes))
    table = _compared_table(view, title, changes)
    return html.Details([html.Summary(title), table, html.P(_more(view, len(changes)))], className="twin named")


def _more(view: View, n: int) -> str:
    return view.t("list.more", n=n - LISTED) if n > LISTED else ""


def _compared_table(view: View, title: str, changes: list[Change]) -> html.Div:
    """Then and now side by side, each figure with its own trace."""
    now = _present(view)
    body = []
    for change in sorted(changes, key=lambda one: _place(view, one))[:LISTED]:
        level, unit, code = change.key
        if code not in view.catalogue.indicators:
            continue
        old, new = numbers.to_decimal(change.then.get("value_ytd")), numbers.to_decimal(change.now.get("value_ytd"))
        difference = new - old if old is not None and new is not None else None
        shown = view.value(code, difference)
        body.append(
            html.Tr(
                [
                    tables.row_head(view.unit_name(unit)),
                    tables.cell([view.indicator(code), view.unit_beside(code)]),
                    tables.cell(view.figure(view.value(code, old), code, level, unit), numeric=True),
                    tables.cell(
                        now.figure(view.value(code, new), code, level, unit), numeric=True, class_name="strong"
                    ),
                    tables.cell(f"+{shown}" if difference is not None and difference > 0 else shown, numeric=True),
                    tables.cell(_growth(view, change.then, code), numeric=True),
                    tables.cell(_growth(view, change.now, code), numeric=True),
                    tables.cell(_lamp(view, change.then, code)),
                    tables.cell(_lamp(view, change.now, code)),
                    tables.cell(numbers.number(change.then.get("rank")), numeric=True),
                    tables.cell(numbers.number(change.now.get("rank")), numeric=True),
                ]
            )
        )
    then_now = [tables.head(view.t("changes.then")), tables.head(view.t("changes.now"))]
    pairs = [tables.head(view.t(f"changes.{part}"), numeric=True) for part in ("then", "now")]
    header = [
        [
            tables.head(view.t("quality.unit"), rows=2),
            tables.head(view.t("col.indicator"), rows=2),
            tables.head(view.t("col.ytd"), span=3),
            tables.head(view.t("col.growth"), span=2),
            tables.head(view.t("col.lamp"), span=2),
            tables.head(view.t("col.rank"), span=2),
        ],
        [*pairs, tables.head(view.t("quality.difference"), numeric=True), *pairs, *then_now, *pairs],
    ]
    return tables.table(title, header, body, class_name="compact")


def _growth(view: View, row: Row, code: str) -> Any:
    if row.get("growth_pct") is None:
        return numbers.NOTHING
    return view.growth({**row, "indicator_code": code})


def _lamp(view: View, row: Row, code: str) -> Any:
    return view.lamp({**row, "indicator_code": code}) if row.get("lamp") else numbers.NOTHING


def _cells(view: View, rows: tuple[Row, ...]) -> html.Section:
    """The cells that later workbooks revised, newest first."""
    if not rows:
        return tables.section(view.t("changes.cells_none", period=view.month(view.period)))
    now = _present(view)
    body = []
    for row in rows[:LISTED]:
        code, level, unit = row["indicator_code"], row["level"], row["unit_id"]

        def text(value: Any, row: Row = row, code: str = code) -> str:
            if row["measure"] in PERCENT_MEASURES or code not in view.catalogue.indicators:
                return numbers.number(value, 1)
            return view.value(code, value)

        measure = f"measure.{row['measure']}"
        body.append(
            html.Tr(
                [
                    tables.row_head(view.unit_name(unit)),
                    tables.cell(view.indicator(code)),
                    tables.cell(view.t(measure) if view.t.has(measure) else row["measure"]),
                    tables.cell(view.figure(text(row["previous_value"]), code, level, unit), numeric=True),
                    tables.cell(
                        now.figure(text(row["new_value"]), code, level, unit), numeric=True, class_name="strong"
                    ),
                    tables.cell(_lamp_effect(view, row)),
                    tables.cell(_rank_effect(view, row), numeric=True),
                    tables.cell(f"{row['valid_from']:%Y-%m-%d %H:%M}", class_name="small muted"),
                    tables.cell(f"{row['file_name']} › {row['sheet']}!{row['cell']}", class_name="small"),
                ]
            )
        )
    header = [
        [
            tables.head(view.t("quality.unit")),
            tables.head(view.t("col.indicator")),
            tables.head(view.t("col.measure")),
            tables.head(view.t("col.before"), numeric=True),
            tables.head(view.t("changes.after"), numeric=True),
            tables.head(view.t("changes.lamp_effect")),
            tables.head(view.t("changes.rank_effect"), numeric=True),
            tables.head(view.t("quality.revised_at")),
            tables.head(view.t("col.cell")),
        ]
    ]
    title = view.t("changes.cells", n=len(rows), files=len({row["submission_id"] for row in rows}))
    return tables.section(
        title,
        tables.table(title, header, body, class_name="compact"),
        html.P(_more(view, len(rows))),
        sub=view.t(
            "changes.cells_sub",
            lamps=sum(1 for row in rows if row["previous_lamp"] != row["new_lamp"]),
            ranks=sum(1 for row in rows if row["previous_rank"] != row["new_rank"]),
        ),
    )


def _lamp_effect(view: View, row: Row) -> Any:
    """The unit's lamp before and after this one cell, once where it stayed; a dash where the cell does not decide it."""
    old, new = (_judged_lamp(view, row, row[f"{side}_lamp"]) for side in ("previous", "new"))
    if row["previous_lamp"] == row["new_lamp"]:
        return new
    return [old, f" {view.t('changes.became')} ", new]


def _judged_lamp(view: View, row: Row, colour: str | None) -> Any:
    if colour is None or row["indicator_code"] not in view.catalogue.indicators:
        return numbers.NOTHING
    form = view.catalogue.indicators[row["indicator_code"]]["target_form"]
    word = view.lamp_word({"lamp": colour, "target_form": form})
    return lamps.lamp(colour, word, view.t("changes.lamp_rule"))


def _rank_effect(view: View, row: Row) -> str:
    """Its place before and after, once where it stayed; a dash where the cell does not decide it."""
    old, new = numbers.number(row["previous_rank"]), numbers.number(row["new_rank"])
    return new if old == new else f"{old} {view.t('changes.became')} {new}"


def _before(view: View, row: Row) -> Any:
    """The day to compare a month from: the one shown, else the last before its first revision, when it was known."""
    if row["period"] in view.catalogue.periods:
        return view.snapshot.day
    return row["first_revised_on"] - timedelta(days=1)


def _months(view: View, rows: tuple[Row, ...]) -> html.Section:
    """Every month with revised cells, each opening its own comparison."""
    others = [row for row in rows if row["period"] != view.period]
    if not others:
        return html.Section()
    items = [
        html.Li(
            [
                view.link(view.month(row["period"]), "/changes", period=row["period"], as_of=_before(view, row)),
                f" {view.t('changes.month', cells=row['cells'], files=row['files'])}",
            ]
        )
        for row in others
    ]
    return tables.section(view.t("changes.months", n=len(others)), html.Ul(items, className="lines", role="list"))
