"""Tables of the pages on coal, energy, appraisal and quality, as they leave the dashboard.

Belongs here: columns and rows of those tables as plain values. Does not belong here: tables of the county and its
townships (tables.py), file formats, SQL, what a page shows of them (pages/).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from dashboard.components import numbers
from dashboard.data.store import Row
from dashboard.export.tables import Column, Table, Value, growth_value, month_line, places, scaled, unit_line
from dashboard.pages import coal as coal_page
from dashboard.pages import energy as energy_page
from dashboard.pages import scorecard as scorecard_page
from dashboard.view import View

PERCENT = 1


def _text(view: View, family: str, code: object) -> str:
    """A code's words in the reader's language; one that the texts do not know stands as it is."""
    key = f"{family}.{code}"
    return view.t(key) if view.t.has(key) else str(code or "")


def _amount(view: View, code: str) -> str:
    return f"{view.indicator(code)} {view.unit_label(code)}"


def _share(part: Any, whole: Any) -> Decimal | None:
    """A part of a whole in percent, None where one of them is missing."""
    one, other = numbers.to_decimal(part), numbers.to_decimal(whole)
    return None if one is None or not other else one / other * 100


def mines(view: View) -> Table:
    """Every coal mine: status, output against plan and capacity, stock, certified staff, supply, what the audit says."""
    t = view.t
    rows = view.snapshot.rows("coal_figures", period=view.period, since=view.period)
    figures = {(row["unit_id"], row["indicator_code"]): row for row in rows}
    output, others = coal_page.OUTPUT, (coal_page.STOCK, coal_page.CERTIFIED, coal_page.SUPPLY)
    known = [code for code in others if code in view.catalogue.indicators]
    made = places(view, output)
    over = _amount(view, output)
    columns = [
        *[Column((t(key), t(key)), width=wide) for key, wide in (("coal.mine", 26), ("col.township", 16))],
        Column((t("col.status"), t("col.status")), width=9),
        Column((over, t("col.month")), made),
        Column((over, t("col.ytd")), made),
        Column((over, t("col.growth")), PERCENT),
        Column((over, t("col.target")), made),
        Column((over, t("col.attainment")), PERCENT),
        Column((_amount(view, coal_page.CAPACITY),) * 2, places(view, coal_page.CAPACITY), 13),
        Column((t("coal.use_pct"),) * 2, PERCENT),
        *[Column((_amount(view, code),) * 2, places(view, code), 12) for code in known],
        Column((t("coal.alert"),) * 2, width=30),
    ]

    def line(mine: Row) -> tuple[Value, ...]:
        unit = mine["enterprise_id"]
        row = figures.get((unit, output), {})
        level = row.get("target_form") == "level"
        return (
            mine["name_zh"],
            view.unit_name(mine["township_code"]),
            _text(view, "enterprise.status", mine["status"]),
            scaled(view, output, row.get("value_month")),
            scaled(view, output, row.get("value_ytd")),
            t("status.missing") if row.get("is_carried") else growth_value(view, row) if row else None,
            scaled(view, output, row.get("target_value")) if level else None,
            numbers.to_decimal(row.get("attainment_pct")),
            scaled(view, coal_page.CAPACITY, mine["capacity"]),
            _share(row.get("value_ytd"), mine["capacity"]),
            *[scaled(view, code, figures.get((unit, code), {}).get("value_ytd")) for code in known],
            mine[f"alert_{t.lang}"],
        )

    body = tuple(line(mine) for mine in view.snapshot.rows("coal_mines", period=view.period))
    return Table("mines", t("export.title.mines"), unit_line(view), tuple(columns), body)


def energy_users(view: View) -> Table:
    """The frozen list of key energy users: energy, value added, intensity, what each did to the list's intensity."""
    t = view.t
    used, added, rate = energy_page.ENERGY, energy_page.ADDED, energy_page.INTENSITY
    intensity = f"{t('energy.intensity')} {view.unit_label(rate)}"
    columns = (
        Column((t("col.enterprise"),) * 2, width=30),
        Column((t("col.township"),) * 2, width=16),
        Column((f"{t('energy.use')} {view.unit_label(used)}",) * 2, places(view, used), 13),
        Column((f"{t('energy.added')} {view.unit_label(added)}",) * 2, places(view, added), 13),
        Column((intensity, t("col.ytd")), places(view, rate)),
        Column((intensity, t("col.base")), places(view, rate)),
        Column((intensity, t("energy.change")), PERCENT),
        Column((t("energy.drive"), t("energy.own")), 2),
        Column((t("energy.drive"), t("energy.weight")), 2),
    )

    def line(row: Row) -> tuple[Value, ...]:
        home = view.catalogue.enterprises.get(row["unit_id"], {}).get("township_code")
        return (
            view.unit_name(row["unit_id"]),
            view.unit_name(home) if home else None,
            scaled(view, used, row["energy"]),
            scaled(view, added, row["added"]),
            scaled(view, rate, row["intensity"]),
            scaled(view, rate, row["intensity_base"]),
            t("status.missing") if row["is_carried"] else growth_value(view, {**row, "indicator_code": rate}),
            numbers.to_decimal(row["efficiency_pct"]),
            numbers.to_decimal(row["weight_pct"]),
        )

    rows = tuple(line(row) for row in view.snapshot.rows("energy_enterprises", period=view.period))
    return Table("energy", t("export.title.energy"), unit_line(view), columns, rows)


def fuels(view: View) -> Table:
    """Energy of the county by fuel, as consumed and converted by both kinds of coefficient."""
    t, used = view.t, energy_page.ENERGY
    columns = [
        Column((t("energy.fuel"),) * 2, width=22),
        Column((t("col.unit"),) * 2),
        *[Column((t("energy.consumed"), t(f"col.{name}")), 2, 13) for name in ("month", "ytd")],
        Column((t("energy.consumed"), t("col.growth")), PERCENT),
    ]
    for basis in energy_page.BASES:
        head = t(f"energy.head.{basis}")
        columns.append(Column((head, t("energy.factor")), 4))
        columns.append(Column((head, view.unit_label(used)), places(view, used), 13))

    def line(row: Row) -> tuple[Value, ...]:
        code = row["indicator_code"]
        converted: list[Value] = []
        for basis in energy_page.BASES:
            converted.append(numbers.to_decimal(row[f"{basis}_factor"]))
            converted.append(scaled(view, used, row[f"{basis}_tce"]))
        return (
            view.indicator(code),
            view.unit_label(code),
            scaled(view, code, row["value_month"]),
            scaled(view, code, row["value_ytd"]),
            t("status.missing") if row["is_carried"] else growth_value(view, row),
            *converted,
        )

    found = view.snapshot.rows("energy_fuels", basis=view.state.basis_or_default, period=view.period)
    rows = tuple(line(row) for row in found)
    return Table("fuels", t("export.title.fuels"), unit_line(view), tuple(columns), rows)


def scorecard(view: View) -> Table:
    """Townships by class and rank: a score per indicator, total, grade, veto. What is not counted stays empty."""
    t = view.t
    scores = {(row["township_code"], row["indicator_code"]): row["score"] for row in _scores(view)}
    codes = {code for _, code in scores}
    order = [code for code in view.catalogue.indicators if code in codes]
    columns = (
        Column((t("export.class"),), width=8),
        Column((t("col.township"),), width=16),
        *[Column((view.indicator(code),), 2) for code in order],
        Column((t("scorecard.total"),), 2),
        Column((t("scorecard.rank"),), 0, 8),
        Column((t("scorecard.change"),), 0, 9),
        Column((t("scorecard.grade"),), width=8),
        Column((t("scorecard.veto"),), width=30),
    )

    def line(card: Row) -> tuple[Value, ...]:
        unit = card["township_code"]
        reason = card["veto_reason_en"] if t.lang == "en" else card["veto_reason"]
        return (
            _text(view, "scorecard.class_code", card["township_class"]),
            view.unit_name(unit),
            *[numbers.to_decimal(scores.get((unit, code))) for code in order],
            numbers.to_decimal(card["total"]),
            card["rank"],
            card["rank_change"],
            _text(view, "scorecard.grade", card["grade"]),
            reason if card["vetoed"] else None,
        )

    rows = tuple(line(card) for card in view.snapshot.rows("scorecard", period=view.period))
    return Table("scorecard", t("export.title.scorecard"), unit_line(view), columns, rows)


def _scores(view: View) -> tuple[Row, ...]:
    """The published scores of the month: nothing simulated leaves the dashboard."""
    return view.snapshot.rows("scores", period=view.period, simulated="", patch="{}")


def scores(view: View) -> Table:
    """Every score with the line that says how it came about."""
    t = view.t
    columns = (
        Column((t("col.township"),), width=16),
        Column((t("col.indicator"),), width=26),
        Column((t("export.full_mark"),), 0, 8),
        Column((t("export.score"),), 2, 8),
        Column((t("export.trace"),), width=90),
    )
    towns = {code: at for at, code in enumerate(dict.fromkeys(row["township_code"] for row in _scores(view)))}
    rows = tuple(
        (
            view.unit_name(row["township_code"]),
            view.indicator(row["indicator_code"]),
            numbers.to_decimal(row["full_mark"]),
            numbers.to_decimal(row["score"]),
            # As the page says it: with units, and the rule's parameters in words.
            scorecard_page.line(view, row),
        )
        for row in sorted(scorecard_page.ordered(view, _scores(view)), key=lambda row: towns[row["township_code"]])
    )
    return Table("scores", t("export.title.scores"), unit_line(view), columns, rows)


def issues(view: View) -> Table:
    """What is wrong with the month's data, cell by cell."""
    t = view.t
    columns = (
        Column((t("col.file"),), width=30),
        Column((t("col.cell"),), width=16),
        Column((t("quality.unit"),), width=24),
        Column((t("col.severity"),), width=8),
        Column((t("col.read"),), width=16),
        Column((t("col.message"),), width=70),
        Column((t("col.rule"),), width=14),
    )
    rows = tuple(
        (
            row["file_name"],
            "!".join(filter(None, (row["sheet"], row["cell"]))),
            view.unit_name(row["unit_id"]) if row["unit_id"] else None,
            t(f"severity.{row['severity']}"),
            row["raw_text"],
            row[f"message_{t.lang}"],
            row["rule"],
        )
        for row in view.snapshot.rows("quality_issues", period=view.period)
    )
    return Table("issues", t("export.title.issues"), month_line(view), columns, rows)
