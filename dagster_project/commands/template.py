"""`tew template`: a form to fill in, with what the bureau knows already.

Belongs here: finding the unit and its rows, where the file goes. Does not belong here: the form (ingest/template.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from dagster_project.commands.texts import CommandError, Texts, out
from dagster_project.ingest.model import KnownEnterprise
from dagster_project.ingest.template import NoTemplate, TemplateUnit, build
from dagster_project.ingest.vocabulary import Form
from dagster_project.reference import Reference, load_reference
from dagster_project.settings import Settings
from dagster_project.warehouse.check import published_knowledge
from dagster_project.warehouse.files import write_atomic
from dagster_project.warehouse.known import Known, Reading, history_start

_UNSAFE = re.compile(r'[\\/:*?"<>|\s]+')


def run(
    settings: Settings, form_code: str, unit: str, period: date, *, prefilled: bool, output: Path | None, as_json: bool
) -> None:
    """Write the workbook; raises CommandError where form, unit or folder are not there."""
    texts = Texts(settings.seeds)
    made = make(settings, form_code, unit, period, prefilled=prefilled)
    path = output or Path(made.file_name)
    try:
        write_atomic(path.resolve(), made.content)
    except OSError as error:
        raise CommandError("cli.output_failed", path=path, problem=error.strerror or error) from error
    if as_json:
        said = {"file": str(path), "form_code": form_code, "unit_id": made.unit_id, "period": f"{period:%Y-%m}"}
        out(json.dumps({"status": "done", **said, "rows": made.rows, "prefilled": prefilled}, ensure_ascii=False))
    else:
        out(texts.lines("template.written", path=path, rows=made.rows))


@dataclass(frozen=True, slots=True)
class Made:
    """A form to fill in: `rows` units are listed in it."""

    file_name: str
    content: bytes
    unit_id: str
    rows: int


def make(
    settings: Settings,
    form_code: str,
    unit: str,
    period: date,
    *,
    prefilled: bool,
    sees: Callable[[str], bool] | None = None,
) -> Made:
    """The workbook in memory; raises CommandError where form or unit are not there.

    `sees`: which enterprises, by their id, its reader may know of (default: all); others are as if there were none.
    """
    reading = Reading(load_reference(settings.seeds))
    forms = reading.vocabulary.forms
    form = forms.get(form_code)
    if form is None:
        raise CommandError("template.unknown_form", form=form_code, known=", ".join(forms))
    known = published_knowledge(settings, reading, history_start(period) if prefilled else None)
    whom = find_unit(unit, period, known, reading.reference)
    if whom is None or not _is_seen(whom, sees):
        raise CommandError("template.unknown_unit", unit=unit)
    rows = [row for row in rows_of(form, whom, period, known, reading.reference) if _is_seen(row, sees)]
    try:
        content = build(
            form,
            whom,
            period,
            rows,
            reading.reference,
            reading.vocabulary,
            (lambda code, unit_id, at, measure: known.history.value(code, unit_id, at, measure)) if prefilled else None,
        )
    except NoTemplate as error:
        raise CommandError(error.key, **error.fields) from error
    name = _UNSAFE.sub("_", f"{form_code}_{whom.name}_{period:%Y-%m}.xlsx")
    return Made(name, content, whom.unit_id, len(rows))


def _is_seen(unit: TemplateUnit, sees: Callable[[str], bool] | None) -> bool:
    return sees is None or unit.level != "enterprise" or sees(unit.unit_id)


def find_unit(text: str, period: date, known: Known, reference: Reference) -> TemplateUnit | None:
    """A county, township or enterprise by its code or exact name; None where there is none or more than one."""
    county = reference.setting("county_code", "") or ""
    name = reference.setting("county_name_zh", "") or county
    if text in (county, name, reference.setting("county_name_en", "")):
        return TemplateUnit("county", county, name)
    for row in townships(period, reference):
        if text in (row.unit_id, row.name):
            return row
    found = [
        one for one in known.registers.enterprises(period) if text in (one.enterprise_id, one.credit_code, one.name)
    ]
    return enterprise_unit(found[0], reference, period) if len(found) == 1 else None


def townships(period: date, reference: Reference) -> list[TemplateUnit]:
    """Townships in force in a month, in the order of pages."""
    rows = [
        row
        for row in reference.rows("townships")
        if row["valid_from"] <= period and (row["valid_to"] is None or row["valid_to"] >= period)
    ]
    rows.sort(key=lambda row: (row["sort_order"] is None, row["sort_order"] or 0, row["township_code"]))
    return [TemplateUnit("township", row["township_code"], row["name_zh"], row["name_zh"]) for row in rows]


def enterprise_unit(known: KnownEnterprise, reference: Reference, period: date) -> TemplateUnit:
    names = {row["township_code"]: row["name_zh"] for row in reference.rows("townships")}
    return TemplateUnit("enterprise", known.enterprise_id, known.name, names.get(known.township_code or ""), known)


def rows_of(form: Form, whom: TemplateUnit, period: date, known: Known, reference: Reference) -> list[TemplateUnit]:
    """The units that the form lists for its reporter."""
    kind = form.settings.get("template_rows", "")
    if kind == "townships":
        return [whom] if whom.level == "township" else townships(period, reference)
    if kind not in ("enterprises", "register"):
        return []
    names = [row.unit_id for row in townships(period, reference)]
    order = {code: position for position, code in enumerate(names)}
    scope = _scope(form, reference) if kind == "enterprises" else None
    chosen = [
        one
        for one in known.registers.enterprises(period)
        if (whom.level == "county" or whom.unit_id in (one.township_code, one.enterprise_id, one.credit_code))
        and (kind == "register" or one.unit_status != "closed")
        and (scope is None or _is_in(one, scope))
    ]
    chosen.sort(key=lambda one: (order.get(one.township_code or "", len(order)), one.enterprise_id))
    return [enterprise_unit(one, reference, period) for one in chosen]


def _scope(form: Form, reference: Reference) -> dict[str, str | None] | None:
    wanted = next((row["expected_scope"] for row in reference.rows("forms") if row["form_code"] == form.code), None)
    return next((row for row in reference.rows("scopes") if row["scope"] == wanted), None)


def _is_in(one: KnownEnterprise, scope: dict[str, str | None]) -> bool:
    flags = [flag for flag in (scope["flag"], scope["flag_2"]) if flag]
    pattern = scope["industry_pattern"]
    return all(getattr(one, flag, False) for flag in flags) and (
        not pattern or re.search(pattern, one.industry_code or "") is not None
    )
