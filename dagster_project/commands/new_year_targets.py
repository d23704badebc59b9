"""Last year's targets as next year's table to fill in: the same units and indicators, results beside, targets blank.

Belongs here: which targets go on, the workbook. Does not belong here: reading it back (ingest/extract_targets.py), what
else a new year carries (new_year.py), wording (messages.csv).
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import xlsxwriter

from dagster_project.commands.texts import Texts
from dagster_project.settings import Settings
from dagster_project.warehouse.pointer import current_version
from dagster_project.warehouse.read import PublishedReader

# One row per target of a unit that is still there when the year begins. Its result is December's or nothing: a figure of
# another month is no result of the year.
LAST = """
select
    unit.name_zh as unit, target.unit_id, indicator.indicator_code, indicator.name_zh as indicator,
    indicator.unit as measure, target.tier, target.target_form, target.target_value,
    max(case when month(target.period) = 12 then target.actual_value end) over (
        partition by target.unit_id, target.indicator_code) as result
from marts.fct_target_progress as target
inner join marts.dim_township as unit on target.unit_id = unit.township_code
inner join marts.dim_indicator as indicator on target.indicator_code = indicator.indicator_code
where year(target.period) = $year and (unit.valid_to is null or unit.valid_to >= make_date($year + 1, 1, 1))
qualify row_number() over (
    partition by target.unit_id, target.indicator_code, target.tier, target.target_form order by target.period desc) = 1
order by unit.sort_order, indicator.sort_order, target.tier
"""


@dataclass(frozen=True, slots=True)
class Target:
    """A target of the year before. `value` is last year's; `result` what came of it, None where December is not known."""

    unit: str
    unit_id: str
    indicator_code: str
    indicator: str
    measure: str
    tier: str
    form: str
    value: Decimal | None
    result: Decimal | None


def of_year(settings: Settings, year: int) -> list[Target] | None:
    """Targets of `year` in the published version; None where nothing is published."""
    if current_version(settings) is None:
        return None
    return [Target(*row) for row in PublishedReader(settings).query(LAST, {"year": year})[1]]


def workbook(targets: list[Target], texts: Texts, year: int) -> bytes:
    """The table of targets of `year`, blank, as the intake reads it."""
    memory = io.BytesIO()
    book = xlsxwriter.Workbook(memory, {"in_memory": True})
    # the same table on another day is the same file
    book.set_properties({"created": date(year, 1, 1)})
    sheet = book.add_worksheet()
    bold, number = book.add_format({"bold": True}), book.add_format({"num_format": "#,##0.####"})
    sheet.write(0, 0, texts.pair("new_year.targets_title", year=year)[0], bold)
    heads = texts.pair("new_year.targets_head", year=year, before=year - 1)[0].split("|")
    for column, head in enumerate(heads):
        sheet.write(1, column, head, bold)
        sheet.set_column(column, column, (6, 12, 30, 12, 14, 14, 10, 12, 34)[column])
    sheet.freeze_panes(2, 3)
    lines: dict[tuple[str, str, str], list[Target]] = {}
    for target in targets:
        tier = "cap" if target.form == "cap" else target.tier
        lines.setdefault((target.unit_id, target.indicator_code, tier), []).append(target)
    for line, ((_, _, tier), of) in enumerate(lines.items(), start=2):
        first = of[0]
        # a row without any number would be read as headings
        sheet.write_number(line, 0, line - 1)
        sheet.write(line, 1, first.unit)
        sheet.write(line, 2, first.indicator)
        sheet.write(line, 3, first.measure)
        if first.result is not None:
            sheet.write_number(line, 4, float(first.result), number)
        sheet.write(line, 7, texts.pair(f"new_year.tier.{tier}")[0])
        sheet.write(line, 8, "; ".join(_told(target, texts) for target in of if target.value is not None))
    book.close()
    return memory.getvalue()


def _told(target: Target, texts: Texts) -> str:
    """Last year's target in words."""
    assert target.value is not None
    return texts.pair(f"new_year.was.{target.form}", value=f"{target.value.normalize():f}")[0]
