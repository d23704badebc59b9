"""Appraisal: what does each township score, and why?

Belongs here: the layout of `/scorecard`, the simulation of a rule's parameters as it stands in the address.
Does not belong here: the formula (dbt/macros/appraisal.sql, published as marts.appraisal_score), SQL, wording.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from itertools import groupby
from typing import Any

from dashboard.components import html, numbers, tables
from dashboard.data.store import Row
from dashboard.pages import tasks
from dashboard.pages.page import Page, source_note
from dashboard.view import View

PAIR = re.compile(r"([a-z_]{1,24}):(-?\d{1,6}(?:\.\d{1,4})?)")
# One step of a simulation: a tenth of the published parameter.
STEP = Decimal("0.1")


def changes(text: str | None) -> dict[str, Decimal]:
    """The parameters of a simulation out of the address (`a:1_and_cap:5`); what cannot be understood is left out."""
    found = {}
    for part in (text or "").split("_and_"):
        match = PAIR.fullmatch(part)
        if match:
            found[match[1]] = Decimal(match[2])
    return found


def written(values: Mapping[str, Decimal]) -> str | None:
    """The opposite of `changes`; None where nothing is changed."""
    return "_and_".join(f"{name}:{plain(value)}" for name, value in values.items()) or None


def plain(value: Decimal) -> str:
    """A number without exponent and without empty decimals, four at most."""
    text = f"{numbers.half_up(value, 4):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def numeric(parameters: str | None) -> dict[str, Decimal]:
    """The numeric parameters of a rule (JSON)."""
    try:
        read = json.loads(parameters or "{}", parse_float=Decimal, parse_int=Decimal)
    except (ValueError, InvalidOperation):
        return {}
    return {name: value for name, value in read.items() if isinstance(value, Decimal)}


def render(view: View) -> Page:
    cards = view.snapshot.rows("scorecard", period=view.period)
    if not cards:
        return Page(
            view.t("scorecard.empty_title"), view.t("scorecard.empty_sub"), [tables.notice(view.t("scorecard.empty"))]
        )
    tried = changes(view.state.whatif) if view.state.indicator else {}
    scores = view.snapshot.rows(
        "scores",
        period=view.period,
        simulated=view.state.indicator or "",
        patch=json.dumps({name: float(value) for name, value in sorted(tried.items())}),
    )
    leaders = view.t.join(view.unit_name(card["township_code"]) for card in cards if card["rank"] == 1)
    vetoed = sum(bool(card["vetoed"]) for card in cards)
    body: list[Any] = [
        _class(view, name, list(members), scores, bool(tried))
        for name, members in groupby(cards, key=lambda card: str(card["township_class"]))
    ]
    body.append(_simulation(view, scores, tried))
    body.append(_lines(view, scores, view.state.township or str(cards[0]["township_code"])))
    levels = any(row["completion"] is not None and _is_stock(view, row) for row in scores)
    body.append(
        source_note(
            view,
            dict.fromkeys(row["indicator_code"] for row in scores),
            view.t("scorecard.stock") if levels else "",
            basis=None,
        )
    )
    body.append(tasks.section(view))
    title = view.t("scorecard.title" if vetoed else "scorecard.title_clear", leaders=leaders, n=vetoed)
    if not view.snapshot.scope.is_whole and view.snapshot.scope.reach != "subject":
        # Who leads cannot be said of the rows of one township.
        title = view.t("clause.separator").join(_own(view, card) for card in cards)
    return Page(
        title=title,
        sub=view.t("scorecard.sub", period=view.to_date(view.period)),
        body=body,
    )


def _is_stock(view: View, row: Row) -> bool:
    """Whether a score counts the net increase of a state, so that target and figure alone do not show its completion."""
    return row["target_form"] == "level" and view.catalogue.indicators[row["indicator_code"]]["kind"] == "stock"


def ordered(view: View, scores: Sequence[Row]) -> list[Row]:
    """Scores in the catalogue's order, as the columns of the tables are."""
    places = {code: at for at, code in enumerate(view.catalogue.indicators)}
    return sorted(scores, key=lambda row: places.get(row["indicator_code"], len(places)))


def _own(view: View, card: Row) -> str:
    """A township's total and place in words."""
    name, total = view.unit_name(card["township_code"]), numbers.number(card["total"], 2)
    if not card["rank"]:
        return view.t("scorecard.title_unranked", name=name, total=total)
    return view.t("scorecard.title_own", name=name, total=total, n=card["rank"], of=card["rank_of"])


def _word(view: View, kind: str, code: Any) -> str:
    """A class's or grade's name in the reader's language; one that the texts do not know stands as it is."""
    key = f"scorecard.{kind}.{code}"
    return view.t(key) if view.t.has(key) else str(code or numbers.NOTHING)


def totals(scores: Sequence[Row]) -> dict[str, Decimal | None]:
    """Simulated totals by township: sums of rounded scores, None where nothing counts."""
    sums: dict[str, Decimal | None] = {}
    for row in scores:
        before, value = sums.get(row["township_code"]), row["simulated_score"]
        sums[row["township_code"]] = before if value is None else (before or Decimal(0)) + value
    return sums


def places(sums: Mapping[str, Decimal | None]) -> dict[str, int]:
    """Ranks by total; ties share (1, 2, 2, 4)."""
    known = {unit: value for unit, value in sums.items() if value is not None}
    return {unit: 1 + sum(other > value for other in known.values()) for unit, value in known.items()}


def _class(view: View, name: str, cards: list[Row], scores: tuple[Row, ...], simulating: bool) -> html.Section:
    units = {card["township_code"] for card in cards}
    own = [row for row in scores if row["township_code"] in units]
    by_cell = {(row["township_code"], row["indicator_code"]): row for row in own}
    codes = sorted({row["indicator_code"] for row in own})
    order = [code for code in view.catalogue.indicators if code in codes]
    marks = {row["indicator_code"]: row["full_mark"] for row in own}
    simulated = totals(own) if simulating else {}
    ranks = places(simulated)
    body = []
    for card in cards:
        unit = card["township_code"]
        reason = card["veto_reason_en"] if view.t.lang == "en" else card["veto_reason"]
        change = numbers.to_decimal(card["rank_change"])
        cells = [
            tables.row_head(
                view.link(view.unit_name(unit), "/scorecard", township=unit, class_name="quiet")
                if view.state.township != unit
                else view.unit_name(unit)
            ),
            *[_score(view, by_cell.get((unit, code)), code) for code in order],
            tables.cell(html.Strong(numbers.number(card["total"], 2)), numeric=True),
            tables.cell(
                view.t("scorecard.of", n=card["rank"], of=card["rank_of"]) if card["rank"] else numbers.NOTHING,
                numeric=True,
            ),
            tables.cell(
                numbers.NOTHING
                if change is None
                else view.t("rank.same")
                if change == 0
                else view.t("rank.up" if change > 0 else "rank.down", n=abs(int(change))),
                numeric=True,
            ),
            tables.cell(_word(view, "grade", card["grade"]), class_name="short"),
            tables.cell(reason if card["vetoed"] else numbers.NOTHING, class_name="on-red" if card["vetoed"] else ""),
        ]
        if simulating:
            cells += [
                tables.cell(html.Strong(numbers.number(simulated.get(unit), 2)), numeric=True),
                tables.cell(str(ranks.get(unit, numbers.NOTHING)), numeric=True),
            ]
        body.append(html.Tr(cells))
    header = [
        tables.head(view.t("col.township")),
        *[
            tables.head(
                view.link(
                    f"{view.indicator(code)} ({numbers.number(marks[code])})",
                    "/scorecard",
                    indicator=code,
                    whatif=None,
                    class_name="quiet",
                ),
                numeric=True,
            )
            for code in order
        ],
        tables.head(view.t("scorecard.total"), numeric=True),
        tables.head(view.t("scorecard.rank"), numeric=True),
        tables.head(view.t("scorecard.change"), numeric=True),
        tables.head(view.t("scorecard.grade")),
        tables.head(view.t("scorecard.veto")),
    ]
    if simulating:
        header += [
            tables.head(view.t("scorecard.simulated"), numeric=True),
            tables.head(view.t("scorecard.simulated_rank"), numeric=True),
        ]
    title = view.t(
        "scorecard.class",
        name=_word(view, "class_code", name),
        full=numbers.number(cards[0]["full_mark"]),
        n=len(cards),
    )
    return tables.section(
        title, tables.table(title, [header], body, class_name="heat"), sub=view.t("scorecard.class_sub")
    )


def _score(view: View, row: Row | None, code: str) -> Any:
    """One score; it opens its line below."""
    if row is None:
        return tables.cell(numbers.NOTHING, numeric=True, class_name="muted")
    text = numbers.number(row["score"], 2)
    return tables.cell(
        view.link(text, "/scorecard", township=row["township_code"], indicator=code, whatif=None, class_name="figure"),
        numeric=True,
        class_name="unreported" if row["status"] in ("missing_zero", "missing_pending") else "",
        title=line(view, row),
    )


def _parameters(view: View, text: str) -> str:
    """A rule's parameters in words; one that the texts do not know keeps its name."""
    words = []
    for name, value in json.loads(text or "{}").items():
        key = f"scorecard.param.{name}"
        shown = f"scorecard.value.{value}"
        label = view.t(key) if view.t.has(key) else name
        words.append(f"{label} {view.t(shown) if view.t.has(shown) else value}")
    return view.t.join(words)


def _amount(view: View, row: Row, value: Any) -> str:
    """A target or what was reached, with its unit: a growth or a reduction counts in per cent."""
    if value is None:
        return numbers.NOTHING
    if row["target_form"] in ("growth", "reduction", "share"):
        return view.t("unit.percent", x=numbers.number(value, 2))
    code = row["indicator_code"]
    return view.t("unit.amount", x=view.value(code, value), unit=view.unit_label(code))


def line(view: View, row: Row) -> str:
    """How a score came about, in one line and in the page's own notation; trace_zh and trace_en say the same plainly."""
    formula = f"scorecard.formula.{row['rule_family']}"
    completion = numbers.to_decimal(row["completion"])
    percent = numbers.NOTHING if completion is None else view.t("unit.percent", x=numbers.number(completion * 100, 2))
    basis = row["completion_basis"]
    return view.t(
        "scorecard.line",
        target=_amount(view, row, row["target"]),
        actual=_amount(view, row, row["actual"]),
        completion=percent,
        of=view.t(f"scorecard.completion.{basis}") if completion is not None and basis else "",
        formula=view.t(formula) if view.t.has(formula) else row["rule_family"],
        parameters=_parameters(view, row["parameters"]),
        full=numbers.number(row["full_mark"]),
        score=numbers.number(row["score"], 2),
        reason=row[f"reason_{view.t.lang}"],
    )


def _lines(view: View, scores: tuple[Row, ...], unit: str) -> html.Section:
    """The trace of every score of a township, one line each, with the way to the cells behind the figure."""
    items = []
    for row in ordered(view, scores):
        if row["township_code"] != unit:
            continue
        code = row["indicator_code"]
        chosen = code == view.state.indicator
        name = view.figure(view.indicator(code), code, "township", unit)
        text = line(view, row)
        items.append(html.Li([name, view.t("scorecard.colon"), html.Strong(text) if chosen else text]))
    return tables.section(
        view.t("scorecard.lines", name=view.unit_name(unit)),
        html.Ul(items, className="lines"),
        sub=view.t("scorecard.lines_sub"),
    )


def _simulation(view: View, scores: tuple[Row, ...], tried: dict[str, Decimal]) -> html.Section:
    """A table of the rule's parameters, each with links that make it smaller or larger."""
    rule = next((row for row in scores if row["indicator_code"] == view.state.indicator), None)
    if rule is None:
        choices = [
            view.link(view.indicator(code), "/scorecard", indicator=code, whatif=None, class_name="choice")
            for code in dict.fromkeys(row["indicator_code"] for row in ordered(view, scores))
        ]
        return tables.section(
            view.t("scorecard.whatif_pick"), html.P(choices), sub=view.t("scorecard.whatif_sub"), class_name="off-paper"
        )
    title = view.t("scorecard.whatif", name=view.indicator(rule["indicator_code"]))
    published = numeric(rule["parameters"])
    if not published:
        return tables.section(title, tables.notice(view.t("scorecard.no_params")))
    body = []
    for name, value in published.items():
        now = tried.get(name, value)
        step = abs(value) * STEP or STEP
        body.append(
            html.Tr(
                [
                    tables.row_head(
                        view.t(f"scorecard.param.{name}") if view.t.has(f"scorecard.param.{name}") else name
                    ),
                    tables.cell(plain(value), numeric=True),
                    tables.cell(html.Strong(plain(now)) if now != value else plain(now), numeric=True),
                    *[
                        tables.cell(
                            view.link(
                                f"{view.t(f'scorecard.{word}')} ({plain(moved)})",
                                "/scorecard",
                                whatif=written(tried | {name: moved}),
                                class_name="choice",
                            )
                        )
                        for word, moved in (("less", max(now - step, Decimal(0))), ("more", now + step))
                    ],
                ]
            )
        )
    header = [
        tables.head(view.t("scorecard.param")),
        tables.head(view.t("scorecard.published"), numeric=True),
        tables.head(view.t("scorecard.tried"), numeric=True),
        tables.head(view.t("scorecard.less")),
        tables.head(view.t("scorecard.more")),
    ]
    end = [view.link(view.t("scorecard.reset"), "/scorecard", whatif=None, class_name="choice")] if tried else []
    return tables.section(
        title,
        tables.table(title, [header], body, class_name="compact"),
        html.P(end),
        sub=view.t("scorecard.whatif_sub"),
    )
