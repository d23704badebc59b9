"""What a page gives to the shell.

Belongs here: the record and the pieces that every page repeats. Does not belong here: one page's content.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from dashboard.components import html
from dashboard.components.tables import footnote
from dashboard.data.store import Row
from dashboard.view import View


@dataclass(frozen=True, slots=True)
class Page:
    """`title` is the finding, `sub` the measure, unit, scope and period; `sources` are form codes for the foot."""

    title: str
    sub: str
    body: list[Any]
    sources: tuple[str, ...] = field(default=())


def source_note(view: View, codes: Iterable[str], *more: Any, basis: str | None = "chosen") -> html.P:
    """The foot of a chart or table: where its figures come from, the version, the basis, and what `more` says.

    `basis` is the chosen one, "reported" for enterprises (they have no other), None where no figure is shown.
    """
    forms: dict[str, None] = {}
    for code in codes:
        for form in str(view.catalogue.indicators.get(code, {}).get("source_form") or "").split("|"):
            if form in view.catalogue.forms:
                forms[view.named(view.catalogue.forms[form])] = None
    parts: list[Any] = []
    if forms:
        names = list(forms)
        shown = view.t.join(names[:3]) + (view.t("foot.more", n=len(names)) if len(names) > 3 else "")
        parts.append(view.t("foot.source", forms=shown))
    parts.append(view.t("foot.version", version=view.snapshot.version))
    if basis:
        parts.append(view.t(f"foot.basis.{view.state.basis_or_default if basis == 'chosen' else basis}"))
    parts += [part for part in more if part]
    joined: list[Any] = []
    for part in parts:
        if joined and not isinstance(part, html.Span):
            joined.append(view.t("foot.gap"))
        joined.append(part)
    return footnote(*joined)


def lamp_note(view: View, rows: Iterable[Row]) -> html.Span | str:
    """The rules that judged these rows, as printed; nothing where none is judged."""
    rules = view.rule_texts(list(rows))
    text = view.t("foot.lamps", rules=view.t("rule.separator").join(rules))
    return html.Span(text, className="rules") if rules else ""


def stock_note(view: View, rows: Iterable[Row]) -> str:
    """Says how the attainment of a state (employees) is meant, where one with a target is shown."""
    judged = any(row.get("start_value") is not None and row.get("target_form") == "level" for row in rows)
    return view.t("foot.stock") if judged else ""


def carried_note(view: View, rows: Iterable[Row]) -> str:
    """Says that unreported units are carried, where any is (domain.md J.6)."""
    return view.t("foot.carried") if any(row.get("is_carried") for row in rows) else ""
