"""Energy: does the frozen list of key energy users meet its reduction, and who drives it?

Belongs here: the layout of `/energy`. Does not belong here: intensity, targets and lamps (dbt), the decomposition and the
conversion (data/sql/energy_*.sql), wording (i18n/). The codes are those fixed by domain.md section A.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from dashboard.components import html, numbers, svg, tables
from dashboard.data.store import Row
from dashboard.pages.overview import county_history, headline_table
from dashboard.pages.page import Page, carried_note, lamp_note, source_note
from dashboard.view import View

INTENSITY, ENERGY, ADDED = "EN01", "EN00", "TE02"
BASES = ("calorific", "equivalent")


def render(view: View) -> Page:
    known = view.catalogue.indicators
    history = county_history(view)
    reach = view.reach()
    indicators = [known[code] for code in (INTENSITY, ENERGY) if code in known]
    current, table = headline_table(view, history, reach, indicators, view.t("energy.caption"))
    if not current and view.snapshot.scope.reach == "subject":
        return Page(view.t("energy.not_yours"), view.t("subject.not_yours"), [])
    if not current:
        return Page(view.t("energy.empty_title"), view.t("energy.empty_sub"), [tables.notice(view.t("energy.empty"))])
    headline = next((row for row in current if row["indicator_code"] == INTENSITY), None)
    members = view.snapshot.rows("energy_enterprises", period=view.period)
    body: list[Any] = [
        table,
        source_note(
            view, [ENERGY, ADDED], view.t("energy.formula"), lamp_note(view, current), carried_note(view, current)
        ),
    ]
    if headline is not None:
        body.append(_sentence(view, headline))
    is_limited = not members and not view.snapshot.scope.is_whole
    body += [*([] if is_limited else [_members(view, members)]), _fuels(view, current)]
    basis = view.t(f"energy.basis.{_basis(view)}")
    return Page(
        title=_finding(view, headline)
        if view.snapshot.scope.sees_all_units
        else view.t("county.says", county=view.county, text=_finding(view, headline)),
        sub=view.t(
            "energy.sub_units" if is_limited else "energy.sub",
            period=view.to_date(view.period),
            n=len(members),
            basis=basis,
        ),
        body=body,
    )


def _basis(view: View) -> str:
    """The deployment's conversion of electricity (setting energy_basis)."""
    chosen = view.catalogue.settings.get("energy_basis", "")
    return chosen if chosen in BASES else BASES[0]


def _finding(view: View, row: Row | None) -> str:
    """How much the intensity fell, and whether that is what was set."""
    change = numbers.to_decimal(row["growth_pct"]) if row else None
    if row is None or change is None:
        return view.t("energy.no_intensity", period=view.to_date(view.period))
    moved = view.t("energy.rose" if change > 0 else "energy.fell", x=numbers.number(abs(change), 2))
    if row["target_value"] is None:
        return view.t("clause.separator").join((moved, view.t("energy.no_target")))
    gap = numbers.to_decimal(row["gap_pp"])
    key = "energy.met" if gap is not None and gap >= 0 else "energy.missed"
    gap_text = numbers.number(abs(gap), 2) if gap is not None else numbers.NOTHING
    return view.t("clause.separator").join(
        (moved, view.t(key, target=numbers.number(row["target_value"], 1), gap=gap_text))
    )


def _sentence(view: View, row: Row) -> html.P:
    """The lamp with the rule spelled out beside it."""
    return html.P([view.lamp(row), " ", view.lamp_sentence(row)], className="sub")


def _members(view: View, rows: tuple[Row, ...]) -> html.Section:
    """Each enterprise of the list and what it did to the list's intensity."""
    if not rows:
        return tables.section(view.t("energy.no_members"))
    effects = [_effect(row) for row in rows]
    counted = [(row, effect) for row, effect in zip(rows, effects, strict=True) if effect is not None]
    counted.sort(key=lambda item: -item[1])
    without = [row for row, effect in zip(rows, effects, strict=True) if effect is None]
    limit = max((abs(effect) for _, effect in counted), default=1.0)
    body = [_member(view, row, effect, limit) for row, effect in counted]
    body += [_member(view, row, None, limit) for row in without]
    total_own = sum(row["efficiency_pct"] for row, _ in counted)
    total_weight = sum(row["weight_pct"] for row, _ in counted)
    foot = [
        html.Tr(
            [
                tables.row_head(view.t("energy.sum", n=len(counted))),
                tables.cell(""),
                tables.cell(view.value(ENERGY, _sum(row["energy"] for row, _ in counted)), numeric=True),
                tables.cell(view.value(ADDED, _sum(row["added"] for row, _ in counted)), numeric=True),
                *[tables.cell("") for _ in range(3)],
                tables.cell(numbers.number(total_own, 2, signed=True), numeric=True),
                tables.cell(numbers.number(total_weight, 2, signed=True), numeric=True),
                tables.cell(numbers.number(total_own + total_weight, 2, signed=True), numeric=True),
                tables.cell(""),
            ]
        )
    ]
    header = [
        [
            tables.head(view.t("col.enterprise"), rows=2),
            tables.head(view.t("col.township"), rows=2),
            tables.head(f"{view.t('energy.use')} {view.unit_label(ENERGY)}", numeric=True, rows=2),
            tables.head(f"{view.t('energy.added')} {view.unit_label(ADDED)}", numeric=True, rows=2),
            tables.head(f"{view.t('energy.intensity')} {view.unit_label(INTENSITY)}", span=3),
            tables.head(view.t("energy.drive"), span=4),
        ],
        [
            tables.head(view.t("col.ytd"), numeric=True),
            tables.head(view.t("col.base"), numeric=True),
            tables.head(view.t("energy.change"), numeric=True),
            tables.head(view.t("energy.own"), numeric=True),
            tables.head(view.t("energy.weight"), numeric=True),
            tables.head(view.t("energy.total"), numeric=True),
            tables.head(view.t("energy.bar")),
        ],
    ]
    up = [row for row, effect in counted if effect > 0]
    names = view.t.join(view.unit_name(row["unit_id"]) for row in up[:2])
    key = "energy.drivers_up" if up else "energy.drivers_none"
    return tables.section(
        view.t(key, n=len(up), total=len(counted), names=names),
        tables.table(view.t("energy.members_caption"), header, body, class_name="compact", foot=foot),
        source_note(view, [ENERGY, ADDED], view.t("energy.method"), carried_note(view, rows), basis="reported"),
        sub=view.t("energy.members_sub", period=view.to_date(view.period)),
    )


def _effect(row: Row) -> float | None:
    if row["efficiency_pct"] is None or row["weight_pct"] is None:
        return None
    return float(row["efficiency_pct"]) + float(row["weight_pct"])


def _sum(values: Any) -> Decimal:
    return sum((numbers.to_decimal(value) or Decimal(0) for value in values), start=Decimal(0))


def _member(view: View, row: Row, effect: float | None, limit: float) -> html.Tr:
    unit = row["unit_id"]
    home = view.catalogue.enterprises.get(unit, {}).get("township_code")
    shown = {**row, "indicator_code": INTENSITY}
    words = numbers.number(effect, 2, signed=True)
    return html.Tr(
        [
            tables.row_head(view.link(view.unit_name(unit), "/enterprise", enterprise=unit, township=None), "name"),
            tables.cell(
                view.link(view.unit_name(home), "/township", township=home, class_name="quiet") if home else ""
            ),
            tables.cell(
                view.figure(view.value(ENERGY, row["energy"]), ENERGY, "enterprise", unit),
                numeric=True,
                class_name="strong",
            ),
            tables.cell(view.figure(view.value(ADDED, row["added"]), ADDED, "enterprise", unit), numeric=True),
            tables.cell(
                view.figure(view.value(INTENSITY, row["intensity"]), INTENSITY, "enterprise", unit), numeric=True
            ),
            tables.cell(view.value(INTENSITY, row["intensity_base"]), numeric=True),
            tables.cell(view.t("status.missing") if row["is_carried"] else view.growth(shown), numeric=True),
            tables.cell(numbers.number(row["efficiency_pct"], 2, signed=True), numeric=True),
            tables.cell(numbers.number(row["weight_pct"], 2, signed=True), numeric=True),
            tables.cell(words, numeric=True, class_name="strong"),
            tables.cell(
                svg.deviation(effect, limit, view.t("energy.bar_alt", x=words))
                if effect is not None
                else numbers.NOTHING
            ),
        ]
    )


def _fuels(view: View, current: list[Row]) -> html.Section:
    """Energy by fuel, converted both ways; which one the deployment counts is said."""
    rows = view.snapshot.rows("energy_fuels", basis=view.state.basis_or_default, period=view.period)
    if not rows:
        return tables.section(view.t("energy.no_fuels"))
    basis = _basis(view)
    total = _sum(row[f"{basis}_tce"] for row in rows)
    county = str(view.catalogue.county["township_code"])
    body = []
    for row in rows:
        code = row["indicator_code"]
        counted = numbers.to_decimal(row[f"{basis}_tce"])
        share = counted / total * 100 if counted is not None and total else None
        body.append(
            html.Tr(
                [
                    tables.row_head(view.indicator(code)),
                    tables.cell(view.unit_label(code), class_name="small"),
                    tables.cell(
                        view.figure(view.value(code, row["value_month"]), code, "county", county), numeric=True
                    ),
                    tables.cell(
                        view.figure(view.value(code, row["value_ytd"]), code, "county", county),
                        numeric=True,
                        class_name="strong",
                    ),
                    tables.cell(view.growth(row), numeric=True),
                    *[
                        tables.cell(text, numeric=True, class_name="strong" if name == basis and kind == "tce" else "")
                        for name in BASES
                        for kind, text in (
                            ("factor", numbers.number(row[f"{name}_factor"], 4)),
                            ("tce", view.value(ENERGY, row[f"{name}_tce"])),
                        )
                    ],
                    tables.cell(numbers.number(share, 1), numeric=True),
                ]
            )
        )
    foot = [
        html.Tr(
            [
                tables.row_head(view.t("energy.fuel_sum")),
                *[tables.cell("") for _ in range(5)],
                tables.cell(view.value(ENERGY, _sum(row["calorific_tce"] for row in rows)), numeric=True),
                tables.cell(""),
                tables.cell(view.value(ENERGY, _sum(row["equivalent_tce"] for row in rows)), numeric=True),
                tables.cell(numbers.number(100, 1) if total else numbers.NOTHING, numeric=True),
            ]
        )
    ]
    header = [
        [
            tables.head(view.t("energy.fuel"), rows=2),
            tables.head(view.t("col.unit"), rows=2),
            tables.head(view.t("energy.consumed"), span=3),
            *[
                tables.head(view.t(f"energy.head.{name}.chosen" if name == basis else f"energy.head.{name}"), span=2)
                for name in BASES
            ],
            tables.head(view.t("energy.share"), numeric=True, rows=2),
        ],
        [
            tables.head(view.t("col.month"), numeric=True),
            tables.head(view.t("col.ytd"), numeric=True),
            tables.head(view.t("col.growth"), numeric=True),
            *[
                head
                for _ in BASES
                for head in (
                    tables.head(view.t("energy.factor"), numeric=True),
                    tables.head(view.unit_label(ENERGY), numeric=True),
                )
            ],
        ],
    ]
    reported = next((row["value_ytd"] for row in current if row["indicator_code"] == ENERGY), None)
    own = numbers.to_decimal(reported)
    against = (
        view.t(
            "energy.against_reported",
            fuels=view.value(ENERGY, total),
            reported=view.value(ENERGY, own),
            difference=numbers.number(own - total, 0, signed=True),
            unit=view.unit_label(ENERGY),
        )
        if own is not None
        else ""
    )
    first = rows[0]
    lead = numbers.to_decimal(first[f"{basis}_tce"])
    title = view.t(
        "energy.fuels",
        n=len(rows),
        name=view.indicator(first["indicator_code"]),
        pct=numbers.number(lead / total * 100, 1) if lead is not None and total else numbers.NOTHING,
    )
    return tables.section(
        title,
        tables.table(view.t("energy.fuels_caption"), header, body, class_name="compact", foot=foot),
        source_note(view, [row["indicator_code"] for row in rows], against, carried_note(view, rows)),
        sub=view.t("energy.fuels_sub", period=view.to_date(view.period), basis=view.t(f"energy.basis.{basis}")),
    )
