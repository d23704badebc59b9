"""One file → what it says by itself (docs/architecture.md): sheets recognised, tables read, problems told.

Belongs here: the order of the steps over sheets and tables, periods and reporters, issues of sheets.
Does not belong here: reading file kinds (read.py), layouts (extract*.py), registers (resolve.py).
Never raises for bad input; a bad sheet does not block a good one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from dagster_project.ingest.context import Context, choose_period, read_context
from dagster_project.ingest.extract_items import extract_items
from dagster_project.ingest.extract_lists import extract_incidents, extract_roster
from dagster_project.ingest.extract_units import extract_units
from dagster_project.ingest.grid import Sheet, Workbook, address
from dagster_project.ingest.model import ParsedWorkbook, Severity, SheetReading, UnitRef
from dagster_project.ingest.periods import Grain, Period
from dagster_project.ingest.read import read_workbook
from dagster_project.ingest.recognise import (
    Block,
    Column,
    Recognition,
    columns_of,
    find_blocks,
    is_number_like,
    partial_score,
    pick_indicator,
    score,
    static_features,
)
from dagster_project.ingest.rule_ids import under_rule
from dagster_project.ingest.table import Table, level_of
from dagster_project.ingest.text import normalise
from dagster_project.ingest.vocabulary import Form, Vocabulary
from dagster_project.reference import load_reference

ROWS_LOOKED_AT = 40
HEADINGS_SHOWN = 12
# Parts of a signature that only the rows below a header can add.
ROW_PARTS = frozenset(("row_indicator", "fuel_context", "annual_indicator", "annual_only"))
# Those for which the rows are worth a look.
_NAMED_BY_ROWS = frozenset(("row_indicator", "fuel_context", "annual_indicator"))


def parser(seeds: Path) -> Callable[[bytes, str], ParsedWorkbook]:
    """`parse` over the reference folder; children of the pool call it once."""
    vocabulary = Vocabulary.load(load_reference(seeds))
    return lambda content, file_name: parse(content, file_name, vocabulary)


def parse(content: bytes, file_name: str, vocabulary: Vocabulary, today: date | None = None) -> ParsedWorkbook:
    """Read one file of any kind by the deployment's vocabulary.

    `today` is the day of receipt; resolve judges periods against it (a file by itself knows no day).
    """
    workbook = read_workbook(content, file_name, vocabulary.messages)
    return parse_grid(workbook, vocabulary)


def parse_grid(workbook: Workbook, vocabulary: Vocabulary) -> ParsedWorkbook:
    """The same from grids that are read already."""
    parsed = ParsedWorkbook(workbook.file_name, workbook.kind, issues=list(workbook.issues))
    for sheet in workbook.sheets:
        try:
            _parse_sheet(sheet, parsed, vocabulary)
        except Exception as fault:  # a sheet that trips the reader must not cost the other sheets and files theirs
            _issue(
                parsed, vocabulary, "parse.unexpected", "error", sheet, detail=f"{type(fault).__name__}: {fault}"[:200]
            )
    _report_formless(workbook, parsed, vocabulary)
    _check_periods(parsed, vocabulary)
    return parsed


def _report_formless(workbook: Workbook, parsed: ParsedWorkbook, vocabulary: Vocabulary) -> None:
    """A workbook of which no sheet is a known form gives an error: a cover may be skipped beside a form, not alone."""
    if any(sheet.form_code is not None for sheet in parsed.sheets):
        return
    if any(issue.severity == "error" for issue in parsed.issues) or not workbook.sheets:
        return
    fullest = max(workbook.sheets, key=lambda sheet: sum(len(row) for row in sheet.rows))
    parsed.issues = [
        issue for issue in parsed.issues if not (issue.rule == "parse.ignored_sheet" and issue.sheet == fullest.name)
    ]
    _unknown_layout(fullest, parsed, vocabulary, None, [])


def _issue(
    parsed: ParsedWorkbook,
    vocabulary: Vocabulary,
    key: str,
    severity: Severity,
    sheet: Sheet,
    cell: str | None = None,
    raw: str | None = None,
    **fields: object,
) -> None:
    parsed.issues.append(
        vocabulary.messages.issue(
            key, severity, sheet=sheet.name, cell=cell, raw_text=raw, file=parsed.file_name, **fields
        )
    )


def _parse_sheet(sheet: Sheet, parsed: ParsedWorkbook, vocabulary: Vocabulary) -> None:
    reading = SheetReading(sheet.name, None, None, None, is_hidden=sheet.is_hidden)
    if not any(value is not None and value != "" for row in sheet.rows for value in row):
        return
    parsed.sheets.append(reading)
    if vocabulary.match("ignored_sheet", normalise(sheet.name)):
        _issue(parsed, vocabulary, "parse.ignored_sheet", "info", sheet)
        return
    if sheet.is_hidden:
        _issue(parsed, vocabulary, "parse.hidden_sheet", "info", sheet)
    if sheet.hidden_rows or sheet.hidden_columns:
        _issue(
            parsed,
            vocabulary,
            "parse.hidden_cells",
            "info",
            sheet,
            rows=len(sheet.hidden_rows),
            columns=len(sheet.hidden_columns),
        )
    blocks = find_blocks(sheet, vocabulary)
    before: Context | None = None
    above = 0
    recognised = 0
    best: Recognition | None = None
    seen: list[str] = []
    for position, block in enumerate(blocks):
        last = blocks[position + 1].top if position + 1 < len(blocks) else len(sheet.rows)
        context = read_context(sheet, above, block.top, vocabulary)
        if before is not None:
            context.inherit(before)
        if not _has_rows(sheet, block.bottom + 1, last) and position + 1 < len(blocks):
            # two lines of keys that look like a header: what follows them is the real one
            continue
        found = recognise(sheet, block, last, context, parsed.file_name, vocabulary)
        if found.form is None:
            seen.extend(block.texts.values())
            if best is None or found.score > best.score:
                best = found
            if recognised and position:
                _issue(
                    parsed,
                    vocabulary,
                    "parse.unknown_table",
                    "error",
                    sheet,
                    address(block.top, 0),
                    seen=_shown(block.texts.values()),
                )
            continue
        before, above = context, last
        recognised += 1
        table = _table(sheet, parsed, vocabulary, block, last, context, found)
        _extract(table, parsed)
        if reading.form_code is None:
            reading.form_code, reading.layout = found.form.code, found.form.layout
            reading.confidence = round(min(found.score, 1.0), 3)
        if reading.period is None or (table.period is not None and table.period > reading.period):
            reading.period, reading.period_cell = table.period, table.period_cell
        _settle_workbook(parsed, table.reporter)
    if recognised == 0:
        _unknown_sheet(sheet, parsed, vocabulary, best, seen)


def _has_rows(sheet: Sheet, first: int, last: int) -> bool:
    return any(
        value is not None and value != "" for row in sheet.rows[first : min(last, len(sheet.rows))] for value in row
    )


def _shown(texts: Iterable[str]) -> str:
    words = [text for text in dict.fromkeys(texts) if text]
    return " | ".join(words[:HEADINGS_SHOWN])


def _unknown_sheet(
    sheet: Sheet, parsed: ParsedWorkbook, vocabulary: Vocabulary, best: Recognition | None, seen: list[str]
) -> None:
    numbers = sum(is_number_like(value) for row in sheet.rows for value in row)
    if numbers < 2 and not seen:
        _issue(parsed, vocabulary, "parse.ignored_sheet", "info", sheet)
        return
    _unknown_layout(sheet, parsed, vocabulary, best, seen)


def _unknown_layout(
    sheet: Sheet, parsed: ParsedWorkbook, vocabulary: Vocabulary, best: Recognition | None, seen: list[str]
) -> None:
    known = " | ".join(form.name_zh for form in vocabulary.forms.values())
    known_en = " | ".join(form.name_en for form in vocabulary.forms.values())
    nearest = best.nearest if best is not None and best.nearest is not None else None
    if not seen:
        seen = [
            " ".join(str(value).split())[:20]
            for row in sheet.rows[:6]
            for value in row
            if isinstance(value, str) and value.strip() and len(value) <= 40
        ]
    _issue(
        parsed,
        vocabulary,
        "parse.unknown_layout",
        "error",
        sheet,
        None,
        None,
        seen=_shown(seen) or "—",
        known_zh=known,
        known_en=known_en,
        nearest_zh=nearest.name_zh if nearest else "—",
        nearest_en=nearest.name_en if nearest else "—",
    )


# ---------------------------------------------------------------------- which form
def recognise(
    sheet: Sheet, block: Block, last: int, context: Context, file_name: str, vocabulary: Vocabulary
) -> Recognition:
    """The form whose signature fits best; of equals the one of lower source rank."""
    shared = _shared_features(sheet, context, file_name, vocabulary)
    best = Recognition(None, 0.0)
    signature = block.signature
    headers: dict[str, tuple[list[Column], set[str]]] = {}
    known_headers = _headers_of(block, signature, vocabulary)
    for form in vocabulary.forms.values():
        columns, header, lacking, is_ambiguous, asks_rows = known_headers[form.code]
        if is_ambiguous:
            settled = settle_by_content(sheet, block, last, columns, vocabulary)
            if settled is not columns:
                columns, header = settled, static_features(settled, block, form, vocabulary)
                lacking = form.required - ROW_PARTS - header
        headers[form.code] = columns, header
        if not lacking <= shared:
            continue  # what the rows say could not make up for it
        known = header | shared
        if asks_rows:
            known |= _row_features(sheet, block, last, columns, form, vocabulary)
        points = score(form, known)
        if points >= form.min_score and (
            points > best.score
            or (points == best.score and best.form is not None and form.source_rank < best.form.source_rank)
        ):
            best = Recognition(form, points, columns)
    if best.form is None:
        near = 0.0
        for form in vocabulary.forms.values():
            columns, header = headers[form.code]
            rows = _row_features(sheet, block, last, columns, form, vocabulary)
            closeness = partial_score(form, header | shared | rows)
            if closeness > near:
                best.nearest, near = form, closeness
    return best


# columns, features, required parts that the header does not give, whether the rows may settle a heading of two meanings,
# whether the rows have a say in the score
_Header = tuple[list[Column], set[str], frozenset[str], bool, bool]


def _headers_of(block: Block, signature: tuple[tuple[int, str], ...], vocabulary: Vocabulary) -> Mapping[str, _Header]:
    """A header as each form reads it. The same header comes every month, so they are remembered."""
    known: dict[str, _Header] | None = vocabulary.headers.get(signature)
    if known is None:
        known = {form.code: _header_of(block, form, vocabulary) for form in vocabulary.forms.values()}
        if len(vocabulary.headers) > 500:
            vocabulary.headers.clear()
        vocabulary.headers[signature] = known
    return known


def _header_of(block: Block, form: Form, vocabulary: Vocabulary) -> _Header:
    columns = columns_of(block, form, vocabulary)
    features = static_features(columns, block, form, vocabulary)
    is_ambiguous = any(_may_be_unit(block, column) for column in columns)
    asks_rows = any(part in _NAMED_BY_ROWS for part, _, _ in form.signature)
    return columns, features, form.required - ROW_PARTS - features, is_ambiguous, asks_rows


def _may_be_unit(block: Block, column: Column) -> bool:
    """Whether a heading was taken for another field than the unit of account that it may mean too."""
    if column.kind != "field" or column.field in ("unit", None):
        return False
    return any(r.kind == "field" and r.name == "unit" for r in block.paths[column.index][-1].readings)


def settle_by_content(
    sheet: Sheet, block: Block, last: int, columns: list[Column], vocabulary: Vocabulary
) -> list[Column]:
    """A heading that may mean the reporting unit or the unit of account is the latter where units stand below it."""
    result = columns
    for position, column in enumerate(columns):
        if not _may_be_unit(block, column):
            continue
        below = [
            str(row[column.index])
            for row in sheet.rows[block.bottom + 1 : min(last, block.bottom + 1 + ROWS_LOOKED_AT)]
            if column.index < len(row) and row[column.index] not in (None, "")
        ]
        spelled = sum(vocabulary.units.find(text) is not None for text in below)
        if below and spelled * 2 > len(below):
            if result is columns:
                result = list(columns)
            result[position] = replace(column, field="unit")
    return result


def _shared_features(sheet: Sheet, context: Context, file_name: str, vocabulary: Vocabulary) -> set[str]:
    features: set[str] = {f"key:{role}" for role, found in context.keys.items() if found.value}
    if {"key:identifier", "key:enterprise_name"} & features:
        features.add("key:enterprise")
    lines = [*context.titles, normalise(sheet.name)]
    for purpose, patterns in vocabulary.patterns.items():
        if purpose.startswith("title_") and any(pattern.search(line) for pattern, _ in patterns for line in lines):
            features.add(f"title:{purpose}")
    period, _, _ = choose_period(context, sheet.name, file_name, vocabulary)
    if period is not None and period.month is None:
        features.add("grain:year")
    if "fuel" in context.keys:
        features.add("fuel_context")
    return features


def _row_features(
    sheet: Sheet,
    block: Block,
    last: int,
    columns: Sequence[Column],
    form: Form,
    vocabulary: Vocabulary,
) -> set[str]:
    """What the first rows below the header tell: names of indicators, fuels of a ledger."""
    wanted = {part for part, _, _ in form.signature}
    features: set[str] = set()
    if not wanted & _NAMED_BY_ROWS:
        return features
    annual = set(form.settings.get("annual_indicators", "").split("|"))
    named = {column.indicator for column in columns if column.indicator is not None}
    index = next((c.index for c in columns if c.kind == "field" and c.field == "indicator"), None)
    first = min((c.index for c in columns if c.period is not None), default=0)
    for row in sheet.rows[block.bottom + 1 : min(last, block.bottom + 1 + ROWS_LOOKED_AT)]:
        if index is not None and index < len(row) and isinstance(text := row[index], str) and text:
            is_item, code = _item(text, form, vocabulary)
            if is_item:
                features.add("row_indicator")
                if code is not None:
                    named.add(code)
                if code in annual:
                    features.add("annual_indicator")
        if "fuel_context" in wanted:
            for value in row[:first]:
                if isinstance(value, str) and value:
                    code = pick_indicator(vocabulary.term(value), form.code, (), vocabulary)
                    if code in vocabulary.fuels:
                        features.add("fuel_context")
    if named and named <= annual:
        features.add("annual_only")
    return features


def _item(text: str, form: Form, vocabulary: Vocabulary) -> tuple[bool, str | None]:
    """Whether a row's name is that of an item in a form, and the indicator that it means by itself. Remembered."""
    known: tuple[bool, str | None] | None = vocabulary.items.get((form.code, text))
    if known is None:
        term = vocabulary.term(text)
        is_item = any(r.kind == "indicator" and r.form in (None, form.code) for r in term.readings)
        known = is_item, pick_indicator(term, form.code, (), vocabulary) if is_item else None
        if len(vocabulary.items) > 20_000:
            vocabulary.items.clear()
        vocabulary.items[form.code, text] = known
    return known


# ---------------------------------------------------------------------- one table
def _table(
    sheet: Sheet,
    parsed: ParsedWorkbook,
    vocabulary: Vocabulary,
    block: Block,
    last: int,
    context: Context,
    found: Recognition,
) -> Table:
    form = found.form
    assert form is not None
    said, cell, from_file = choose_period(context, sheet.name, parsed.file_name, vocabulary)
    period, grain = _period_of(said, form, found.columns)
    table = Table(
        workbook=parsed,
        vocabulary=vocabulary,
        sheet=sheet,
        form=form,
        columns=found.columns,
        context=context,
        first=block.bottom + 1,
        last=last,
        period=period,
        said=said,
        grain=grain,
        reporter=_reporter(form, context, sheet, vocabulary),
        period_cell=cell,
    )
    for word, row, column in context.unknown_units:
        table.issue("parse.sheet_unit", "warning", row, column, word, unit=word)
    if said is not None and said.grain == "range":
        table.issue("parse.range_period", "error", raw=said.text, quarantines=True)
        table.period = None
    elif from_file and period is not None:
        made = table.issue("parse.period_from_file", "warning", raw=parsed.file_name, period_text=f"{period:%Y-%m}")
        made.cell = cell
    return table


def _period_of(said: Period | None, form: Form, columns: Sequence[Column]) -> tuple[date | None, Grain]:
    """The table's period and grain; where the lines above name none, the latest that a column names in full."""
    if said is None or said.first_day is None:
        dated = [
            column.period
            for column in columns
            if column.period is not None and column.period.year is not None and column.period.month is not None
        ]
        if dated:
            latest = max(dated, key=lambda one: (one.year or 0, one.month or 0))
            return latest.first_day, latest.grain
        years = [column.period.year for column in columns if column.period is not None and column.period.year]
        if said is None and years and form.period_grain == "year":
            return date(max(years), 12, 1), "year"
    if said is None:
        return None, "month"
    if said.year is not None and said.month is None and form.period_grain in ("year", "event"):
        return (date(said.year, 12, 1) if form.period_grain == "year" else None), "year"
    if form.subject == "targets" and said.year is not None:
        return date(said.year, 12, 1), "year"
    return said.first_day, said.grain


def _reporter(form: Form, context: Context, sheet: Sheet, vocabulary: Vocabulary) -> UnitRef:
    """Whose sheet it is: the enterprise of its keys, the township of its title, reporter line or name, the county."""
    identifier = context.value("identifier")
    name = context.value("enterprise_name")
    if level_of(form) == "enterprise" and (identifier or name):
        township = context.value("township") or context.place
        return UnitRef(
            "enterprise",
            identifier=identifier,
            name=name,
            township=township,
            identifier_cell=context.cell("identifier"),
            township_cell=context.cell("township"),
        )
    place = context.place or context.value("township")
    sheet_name = normalise(sheet.name)
    if place is None and sheet_name in vocabulary.place_codes:
        place = sheet.name.strip()
    if place is not None and not context.names_county:
        return UnitRef("township", name=place, township=place, township_cell=context.place_cell)
    return UnitRef("county")


def _extract(table: Table, parsed: ParsedWorkbook) -> None:
    # rows of units and of items come every month; what reads the rarer layouts is imported when one comes
    form = table.form
    _report_columns(table)
    rows_have_period = any(table.field_index(role) is not None for role in ("year", "period", "changed_on"))
    is_ledger = any(part == "months" and required for part, _, required in form.signature)
    dateless = form.subject in ("incidents", "roster", "tasks") or rows_have_period or is_ledger
    if table.period is None and not dateless:
        if not (table.said is not None and table.said.grain == "range"):
            _no_period(table)
        return
    if form.subject == "roster":
        extract_roster(table)
    elif form.subject == "incidents":
        extract_incidents(table)
    elif form.subject == "unit_changes":
        from dagster_project.ingest.extract_changes import extract_changes

        extract_changes(table)
    elif form.subject == "tasks":
        from dagster_project.ingest.extract_tasks import extract_tasks

        extract_tasks(table)
    elif form.subject == "targets":
        from dagster_project.ingest.extract_targets import extract_targets

        extract_targets(table)
    elif is_ledger:
        from dagster_project.ingest.extract_ledger import extract_ledger

        extract_ledger(table)
    elif table.field_index("indicator") is not None:
        extract_items(table)
    else:
        extract_units(table)
    table.finish()
    _settle_reporter(table)


def _no_period(table: Table) -> None:
    lines = " | ".join(table.context.titles[:3])
    table.issue("parse.no_period", "error", raw=lines[:120], quarantines=True, lines=lines[:120])


def _report_columns(table: Table) -> None:
    """Handled, explicitly ignored, or reported: a column that no rule knows is named with its address."""
    for column in table.columns:
        if column.kind != "unknown":
            continue
        holds = any(
            column.index < len(cells) and cells[column.index] not in (None, "")
            for cells in table.sheet.rows[table.first : table.last]
        )
        table.issue(
            "parse.unknown_column",
            "warning" if holds else "info",
            table.first - 1,
            column.index,
            column.path,
            heading=column.path,
        )
    known = {column.index for column in table.columns}
    if len(known) < table.sheet.width:
        _report_headless(table, known)


def _report_headless(table: Table, known: set[int]) -> None:
    """Figures in a column that has no heading at all; labels left of a ledger's months need none."""
    first = min(known, default=0)
    headless: dict[int, int] = {}
    for row in range(table.first, min(table.last, len(table.sheet.rows))):
        for index, value in enumerate(table.sheet.rows[row]):
            if index not in known and index > first and is_number_like(value):
                headless.setdefault(index, row)
    for index, row in headless.items():
        table.issue("parse.no_heading", "warning", row, index)


def _settle_reporter(table: Table) -> None:
    """A county form that holds the rows of one township alone was sent by that township."""
    if table.reporter.level != "county" or table.form.subject != "indicators":
        return
    names = {entry.unit.name for entry in table.units if entry.unit.level == "township"}
    if len(names) == 1 and len(table.units) == 1 and not table.workbook.totals:
        (name,) = names
        table.reporter = UnitRef("township", name=name, township=name)


def _settle_workbook(parsed: ParsedWorkbook, reporter: UnitRef) -> None:
    """Whose file it is: the unit of its first table; where its tables are of several units, the county's."""
    first = parsed.reporter
    if first is None:
        parsed.reporter = reporter
    elif first.level != "county" and (first.level, first.identifier, first.name) != (
        reporter.level,
        reporter.identifier,
        reporter.name,
    ):
        parsed.reporter = UnitRef("county")


def _check_periods(parsed: ParsedWorkbook, vocabulary: Vocabulary) -> None:
    """The periods that the sheets and the file's name say, against each other (V34).

    A sheet that stands alone against its neighbours of other forms is refused: its figures would overwrite another
    month's. A file's name alone is advice and corrects nothing. A workbook that holds one form for several months is
    what it says.
    """
    stem = parsed.file_name.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    said = vocabulary.periods.find(stem)
    if said is not None and said.month is None:
        said = None
    dated = [reading for reading in parsed.sheets if reading.period is not None and reading.form_code]
    if not dated or any(vocabulary.forms[reading.form_code or ""].period_grain != "month" for reading in dated):
        return
    _refuse_lone_periods(dated, said, parsed, vocabulary)
    periods = {reading.period for reading in dated if reading.period is not None}
    if said is None or not periods or any(_is_said(period, said) for period in periods):
        return
    newest = max(periods)
    made = vocabulary.messages.issue(
        "parse.file_name_period",
        "error",
        raw_text=said.text,
        file=parsed.file_name,
        said=said.text,
        period_text=f"{newest:%Y-%m}",
    )
    made.period = newest
    if len(dated) == 1:
        made.sheet, made.cell = dated[0].sheet, dated[0].period_cell
    parsed.issues.append(under_rule(made))


def _is_said(period: date, said: Period) -> bool:
    return said.year in (None, period.year) and said.month == period.month


def _refuse_lone_periods(
    dated: Sequence[SheetReading], said: Period | None, parsed: ParsedWorkbook, vocabulary: Vocabulary
) -> None:
    """Takes the period and the force from a sheet that alone says another month than its neighbours of other forms."""
    voices: dict[date, int] = {}
    for reading in dated:
        if reading.period is not None:
            voices[reading.period] = voices.get(reading.period, 0) + 1
    if len(voices) < 2:
        return
    for period in voices:
        voices[period] += said is not None and _is_said(period, said)
    usual = max(voices, key=lambda period: voices[period])
    forms = [reading.form_code for reading in dated]
    for reading in dated:
        own = vocabulary.periods.find(reading.sheet)
        if (
            reading.period is None
            or voices[reading.period] > 1
            or voices[usual] < 2
            or forms.count(reading.form_code) > 1
            or (own is not None and _is_said(reading.period, own))
        ):
            continue
        made = vocabulary.messages.issue(
            "parse.sheet_period",
            "error",
            sheet=reading.sheet,
            cell=reading.period_cell,
            raw_text=f"{reading.period:%Y-%m}",
            file=parsed.file_name,
            period_text=f"{reading.period:%Y-%m}",
            usual=f"{usual:%Y-%m}",
        )
        made.period, made.quarantines = reading.period, True
        parsed.issues.append(under_rule(made))
        for observation in parsed.observations:
            if observation.sheet == reading.sheet:
                observation.status = "quarantined"
        parsed.coverage = [entry for entry in parsed.coverage if entry.sheet != reading.sheet]
        reading.period = None
