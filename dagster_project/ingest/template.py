"""Forms for reporters: a workbook that this intake reads, with names, codes and what is known already (issue 3.5).

Belongs here: laying out a form from its rows `template_*` of form_settings.csv, live checks and drop-downs in it.
Does not belong here: looking up units and figures (commands/template.py), reading what comes back (parse.py).

`template_title`: the title, with {unit}, {year}, {span} (January to date), {month}. `template_rows`: townships,
enterprises (of the form's expected scope), register (all enterprises), blank, items (rows are indicators).
`template_columns`: parts joined by |. A field is its role; a figure is CODE:measure,measure in rows of units, a lone
:measure in rows of items; `last` is the month before's level, for comparison only. `=text` after a role or code
replaces the heading. `template_items`: the codes of an item form, > before a part.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import xlsxwriter

from dagster_project.ingest.grid import address
from dagster_project.ingest.model import KnownEnterprise, Level
from dagster_project.ingest.vocabulary import Form, Indicator, Vocabulary
from dagster_project.reference import Reference

Figures = Callable[[str, str, date, str], Decimal | None]

BLANK_ROWS = 20
TITLE_ROW, UNIT_ROW, HEAD_ROW, FIRST_ROW = 0, 1, 2, 4
LEVELS = ("month", "ytd", "stock")
# Excel refuses a longer list typed into a validation.
LONGEST_LIST = 255
_TOKEN = re.compile(r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<sign>[-+*/()]))")
_OPPOSITE = {"<=": ">", "<": ">=", ">=": "<", ">": "<="}


class NoTemplate(ValueError):
    """The form has no template rows, or the unit has no rows in it; `key` is the message that says so."""

    def __init__(self, key: str, **fields: object) -> None:
        super().__init__(key)
        self.key = key
        self.fields = fields


@dataclass(frozen=True, slots=True)
class TemplateUnit:
    """Whom the form is for, or one of its rows."""

    level: Level
    unit_id: str
    name: str
    township: str | None = None
    enterprise: KnownEnterprise | None = None

    @property
    def code(self) -> str:
        """The code as forms print it: the credit code where there is one."""
        return (self.enterprise.credit_code if self.enterprise is not None else None) or self.unit_id


@dataclass(slots=True)
class _Column:
    """One column: a field, or a measure of an indicator (of the row's own where `indicator` is None)."""

    index: int
    heading: str
    role: str | None = None
    indicator: Indicator | None = None
    measure: str | None = None


@dataclass(slots=True)
class _Line:
    """One row of the body: its unit and, in item forms, its indicator."""

    row: int
    unit: TemplateUnit | None
    indicator: Indicator | None = None
    is_part: bool = False
    cells: dict[tuple[str, str], int] = field(default_factory=dict)  # (indicator, measure) -> column


class Template:
    """One form being written; `build` is its only use."""

    def __init__(
        self,
        form: Form,
        unit: TemplateUnit,
        period: date,
        rows: Sequence[TemplateUnit],
        reference: Reference,
        vocabulary: Vocabulary,
        figures: Figures | None,
    ) -> None:
        if "template_columns" not in form.settings:
            known = [code for code, one in vocabulary.forms.items() if "template_columns" in one.settings]
            raise NoTemplate("template.none", form=form.code, known=", ".join(known) or "—")
        self.form, self.unit, self.period = form, unit, period
        self.reference, self.vocabulary, self.figures = reference, vocabulary, figures
        self.kind = form.settings.get("template_rows", "blank")
        if self.kind in ("townships", "enterprises", "register") and not rows:
            raise NoTemplate("template.no_rows", form=form.code, unit=unit.name)
        self.units = list(rows)
        self.language = vocabulary.settings.get("default_language", "zh")
        self.columns = self._columns()
        self.buffer = io.BytesIO()
        self.book = xlsxwriter.Workbook(self.buffer, {"in_memory": True})
        self.book.set_properties({"created": datetime(2000, 1, 1), "title": self.title()})
        self.sheet = self.book.add_worksheet(self.text("template.sheet"))
        self.styles = {
            "title": self.book.add_format({"bold": True, "font_size": 14, "align": "center"}),
            "head": self.book.add_format(
                {
                    "bold": True,
                    "border": 1,
                    "align": "center",
                    "valign": "vcenter",
                    "text_wrap": True,
                    "bg_color": "#DCE6F1",
                }
            ),
            "given": self.book.add_format({"border": 1, "bg_color": "#F2F2F2"}),
            "code": self.book.add_format({"border": 1, "bg_color": "#F2F2F2", "num_format": "@"}),
            "input": self.book.add_format({"border": 1, "num_format": "#,##0.######", "bg_color": "#FFFFE5"}),
            "text": self.book.add_format({"border": 1, "bg_color": "#FFFFE5"}),
            "known": self.book.add_format({"border": 1, "bg_color": "#F2F2F2", "num_format": "#,##0.######"}),
            "wrong": self.book.add_format({"bg_color": "#FFC7CE", "font_color": "#9C0006"}),
            "doubt": self.book.add_format({"bg_color": "#FFEB9C", "font_color": "#7F6000"}),
        }
        self.checks: list[str] = []

    # ------------------------------------------------------------------ words
    def text(self, key: str, **fields: object) -> str:
        zh, en = self.vocabulary.messages.render(key, **fields)
        return zh if self.language == "zh" else en

    def title(self) -> str:
        """The title that intake reads period and unit from."""
        said = {"year": self.period.year, "month": self.period.month}
        span = self.text("template.span_january" if self.period.month == 1 else "template.span", **said)
        month = self.text("template.month", **said)
        pattern = self.form.settings["template_title"]
        return pattern.format(unit=self.unit.name, year=self.period.year, span=span, month=month)

    def _heading(self, kind: str, role: str) -> str:
        """The first spelling of a field or measure that this form reads."""
        fitting = [
            row["heading"]
            for row in self.reference.rows("heading_aliases")
            if row["kind"] == kind and row["role"] == role and row["form_code"] in (None, self.form.code)
        ]
        if not fitting:
            raise NoTemplate("template.no_heading", form=self.form.code, role=role)
        return str(fitting[0])

    def _measure_heading(self, measure: str) -> str:
        return self._heading(
            "ignore" if measure == "last" else "measure", "last_month" if measure == "last" else measure
        )

    def _name(self, indicator: Indicator) -> str:
        return indicator.name_zh if self.language == "zh" else indicator.name_en

    def _columns(self) -> list[_Column]:
        columns: list[_Column] = []
        for part in self.form.settings["template_columns"].split("|"):
            head, _, measures = part.partition(":")
            name, _, heading = head.partition("=")
            indicator = self.vocabulary.indicators.get(name)
            if indicator is None and name:
                columns.append(_Column(len(columns), heading or self._heading("field", name), role=name))
                continue
            for measure in measures.split(","):
                if measure == "last" and self.figures is None:
                    continue
                text = (heading or self._name(indicator)) if indicator is not None else self._measure_heading(measure)
                columns.append(_Column(len(columns), text, indicator=indicator, measure=measure))
        return columns

    # ------------------------------------------------------------------ the sheet
    def build(self) -> bytes:
        """The workbook as .xlsx."""
        last = len(self.columns) - 1
        self.sheet.merge_range(TITLE_ROW, 0, TITLE_ROW, last, self.title(), self.styles["title"])
        self._unit_line(last)
        self._keys()
        self._head()
        lines = self._body()
        self._checks(lines)
        self.sheet.freeze_panes(FIRST_ROW, 1 + min((c.index for c in self.columns if c.role in _NAMES), default=0))
        for column in self.columns:
            self.sheet.set_column(column.index, column.index, 22 if column.role in _NAMES else 13)
        self.sheet.set_landscape()
        self.sheet.fit_to_pages(1, 0)
        self._help()
        self.book.close()
        return self.buffer.getvalue()

    def _unit_line(self, last: int) -> None:
        units: list[str] = []
        for column in self.columns:
            if column.indicator is not None and column.measure != "declared_growth":
                units.append(column.indicator.unit)
            elif column.measure == "declared_growth":
                units.append("%")
        if units and not any(column.role == "unit" for column in self.columns):
            words = self.text("template.unit_joint").join(dict.fromkeys(units))
            self.sheet.write(UNIT_ROW, max(0, last - 2), self.text("template.unit_line", units=words))

    def _keys(self) -> None:
        """An enterprise's own form says whose it is by keys above the table."""
        if self.unit.level != "enterprise":
            return
        pairs = (("identifier", self.unit.code), ("enterprise_name", self.unit.name), ("township", self.unit.township))
        written = [
            self.text("template.key", name=self._heading("field", role), value=value) for role, value in pairs if value
        ]
        self.sheet.write(UNIT_ROW, 0, written[0] if written else "")
        for offset, text in enumerate(written[1:], 1):
            self.sheet.write(UNIT_ROW, offset * 2, text)

    def _head(self) -> None:
        head = self.styles["head"]
        is_item = self.kind == "items"
        for column in self.columns:
            if column.indicator is None or is_item:
                self.sheet.merge_range(HEAD_ROW, column.index, HEAD_ROW + 1, column.index, column.heading, head)
        position = 0
        while position < len(self.columns):
            first = self.columns[position]
            if first.indicator is None or is_item:
                position += 1
                continue
            end = position
            while end + 1 < len(self.columns) and self.columns[end + 1].indicator is first.indicator:
                end += 1
            if end > position:
                self.sheet.merge_range(HEAD_ROW, position, HEAD_ROW, end, first.heading, head)
            else:
                self.sheet.write(HEAD_ROW, position, first.heading, head)
            for column in self.columns[position : end + 1]:
                self.sheet.write(HEAD_ROW + 1, column.index, self._measure_heading(column.measure or ""), head)
            position = end + 1

    def _body(self) -> list[_Line]:
        lines: list[_Line] = []
        if self.kind == "items":
            for position, code in enumerate(self.form.settings["template_items"].split("|")):
                indicator = self.vocabulary.indicators[code.lstrip(">")]
                lines.append(_Line(FIRST_ROW + position, self.unit, indicator, code.startswith(">")))
        elif self.kind == "blank":
            lines = [_Line(FIRST_ROW + position, None) for position in range(BLANK_ROWS)]
        else:
            lines = [_Line(FIRST_ROW + position, unit) for position, unit in enumerate(self.units)]
        for number, line in enumerate(lines, 1):
            for column in self.columns:
                if column.role is not None:
                    self._field(line, column, number)
                else:
                    self._figure(line, column)
        if self.kind in ("townships", "enterprises") and len(lines) > 1:
            self._total(lines)
        self._drop_downs(lines)
        return lines

    def _field(self, line: _Line, column: _Column, number: int) -> None:
        value, style = self._field_value(line, column.role or "", number)
        self.sheet.write(line.row, column.index, value, self.styles[style])

    def _field_value(self, line: _Line, role: str, number: int) -> tuple[Any, str]:
        indicator, unit = line.indicator, line.unit
        if role == "order_no":
            return number, "given"
        if role == "indicator" and indicator is not None:
            return self.text("template.part", name=self._name(indicator)) if line.is_part else self._name(
                indicator
            ), "given"
        if role == "unit" and indicator is not None:
            return indicator.unit, "given"
        if role == "row_code" and indicator is not None:
            return f"{number:02d}", "code"
        if unit is None:
            return None, "text"
        if role == "township":
            return (unit.name if unit.level == "township" else unit.township), "given"
        known = unit.enterprise
        given: dict[str, Any] = {"enterprise_name": unit.name, "identifier": unit.code}
        if known is not None:
            given |= {"industry_code": known.industry_code}
            for flag in ("is_above_scale", "is_agro_processing", "is_pharma", "is_coal_mine", "is_key_energy_user"):
                given[flag] = self._word("boolean", "true" if getattr(known, flag) else "false")
            given["capacity"] = None if known.capacity is None else float(known.capacity) / 10000
            if role == "unit_status":
                return self._word("unit_status", known.unit_status), "text"
        return (
            (given[role], "code" if role in ("identifier", "industry_code") else "given")
            if role in given
            else (None, "text")
        )

    def _word(self, kind: str, value: str) -> str | None:
        """The first word of value_words.csv for a value."""
        rows = self.reference.rows("value_words")
        return next((row["word"] for row in rows if row["kind"] == kind and row["value"] == value), None)

    def _figure(self, line: _Line, column: _Column) -> None:
        indicator = column.indicator or line.indicator
        measure = column.measure or ""
        if indicator is None:
            return
        is_stock = indicator.kind == "stock"
        if self.kind == "items":
            if measure == "month" and is_stock:
                self.sheet.write(line.row, column.index, self._na(), self.styles["given"])
                return
            measure = "stock" if is_stock and measure == "ytd" else measure
        line.cells[indicator.code, measure] = column.index
        known = self._known(line, indicator, measure)
        if measure == "declared_growth":
            self._growth(line, column, indicator)
        elif known is not None:
            self.sheet.write_number(line.row, column.index, float(known), self.styles["known"])
        else:
            style = "given" if measure == "last" else "input"
            self.sheet.write_blank(line.row, column.index, None, self.styles[style])

    def _na(self) -> str:
        rows = self.reference.rows("null_tokens")
        return next((str(row["token"]) for row in rows if row["null_reason"] == "na"), "")

    def _known(self, line: _Line, indicator: Indicator, measure: str) -> Decimal | None:
        """What the published version knows: last year's level for a base, last month's for `last`."""
        if self.figures is None or line.unit is None:
            return None
        level = "stock" if indicator.kind == "stock" else "ytd"
        year, month = self.period.year, self.period.month
        if measure in ("base", "base_ytd"):
            return self.figures(indicator.code, line.unit.unit_id, date(year - 1, month, 1), level)
        if measure == "base_month":
            return self.figures(indicator.code, line.unit.unit_id, date(year - 1, month, 1), "month")
        if measure == "prior_actual":
            return self.figures(indicator.code, line.unit.unit_id, date(year - 1, 12, 1), level)
        if measure == "last" and (month > 1 or level == "stock"):
            before = date(year - (month == 1), (month - 2) % 12 + 1, 1)
            return self.figures(indicator.code, line.unit.unit_id, before, level)
        return None

    def _growth(self, line: _Line, column: _Column, indicator: Indicator) -> None:
        level = self._cell(line, indicator.code, "stock") or self._cell(line, indicator.code, "ytd")
        base = self._cell(line, indicator.code, "base_ytd") or self._cell(line, indicator.code, "base")
        if level is None or base is None:
            self.sheet.write_blank(line.row, column.index, None, self.styles["input"])
            return
        computed = f"{level}-{base}" if indicator.kind == "ratio" else f"({level}/{base}-1)*100"
        formula = f'=IF(AND(ISNUMBER({level}),ISNUMBER({base}),N({base})>0),ROUND({computed},1),"{self._na()}")'
        self.sheet.write_formula(line.row, column.index, formula, self.styles["known"], self._na())

    @staticmethod
    def _cell(line: _Line, code: str, measure: str) -> str | None:
        column = line.cells.get((code, measure))
        return None if column is None else f"${address(line.row, column)}"

    def _total(self, lines: Sequence[_Line]) -> None:
        row = lines[-1].row + 1
        label = next((c.index for c in self.columns if c.role in _NAMES), 0)
        for column in self.columns:
            if (
                column.indicator is None
                or column.indicator.kind == "ratio"
                or column.measure in ("declared_growth", "last")
            ):
                text = self.text("template.total") if column.index == label else None
                self.sheet.write(row, column.index, text, self.styles["given"])
                continue
            span = f"{address(lines[0].row, column.index)}:{address(lines[-1].row, column.index)}"
            indicator = column.indicator
            given = [self._known(line, indicator, column.measure or "") for line in lines]
            value = float(sum((one for one in given if one is not None), Decimal(0)))
            self.sheet.write_formula(row, column.index, f"=SUM({span})", self.styles["known"], value)

    # ------------------------------------------------------------------ help while typing
    def _drop_downs(self, lines: Sequence[_Line]) -> None:
        lists = {
            "unit_status": ("unit_status",),
            "remark": ("unit_status",),
            "category": ("accident_category",),
            **dict.fromkeys(_FLAGS, ("boolean",)),
        }
        first, last = lines[0].row, lines[-1].row
        for column in self.columns:
            options: list[str] = []
            for kind in lists.get(column.role or "", ()):
                options.extend(self._options(kind))
            if column.role == "township" and self.kind == "blank":
                options = [row["name_zh"] for row in self.reference.rows("townships") if self._is_active(row)]
            if column.role == "accident_class":
                options = [row["class_zh"] for row in self.reference.rows("accident_classes")]
            options = list(dict.fromkeys(option for option in options if option))
            while options and len(",".join(options)) > LONGEST_LIST:
                options.pop()
            if options:
                # a word of their own is allowed: the list helps, it does not forbid
                self.sheet.data_validation(
                    first, column.index, last, column.index,
                    {"validate": "list", "source": options, "error_type": "information"},
                )  # fmt: skip
        self._number_hints(lines)

    def _options(self, kind: str) -> list[str]:
        """One word for each value of value_words.csv."""
        first: dict[str, str] = {}
        for row in self.reference.rows("value_words"):
            if row["kind"] == kind:
                first.setdefault(row["value"], row["word"])
        return list(first.values())

    def _is_active(self, row: dict[str, Any]) -> bool:
        return row["valid_from"] <= self.period and (row["valid_to"] is None or row["valid_to"] >= self.period)

    def _number_hints(self, lines: Sequence[_Line]) -> None:
        """A warning where a figure is no number; a word such as 'not reported' may still be kept."""
        for line in lines:
            for (code, measure), column in line.cells.items():
                if measure not in LEVELS:
                    continue
                indicator = self.vocabulary.indicators[code]
                rule: dict[str, Any] = {
                    "validate": "decimal",
                    "criteria": "between",
                    "minimum": -1e12 if self._is_signed(code) else 0,
                    "maximum": 1e12,
                    "error_type": "warning",
                    "error_title": self.text("template.number_title"),
                    "error_message": self.text("template.number", unit=indicator.unit)[:255],
                }
                said = self._said(line, indicator)
                if said:
                    rule |= {"input_title": self._name(indicator)[:32], "input_message": said[:255]}
                self.sheet.data_validation(line.row, column, line.row, column, rule)

    def _is_signed(self, code: str) -> bool:
        return any(row["indicator_code"] == code and row["is_signed"] for row in self.reference.rows("indicators"))

    def _said(self, line: _Line, indicator: Indicator) -> str:
        last, base = self._known(line, indicator, "last"), self._known(line, indicator, "base_ytd")
        if last is None and base is None:
            return ""
        shown = ["—" if value is None else f"{value.normalize():f}" for value in (last, base)]
        return self.text("template.known", last=shown[0], base=shown[1], unit=indicator.unit)

    # ------------------------------------------------------------------ live checks
    def _checks(self, lines: Sequence[_Line]) -> None:
        if not lines or not lines[0].cells:
            return
        relations = [
            row
            for row in self.reference.rows("audit_relations")
            if row["form_code"] in (None, self.form.code) and row["op"] in _OPPOSITE and self._holds_now(row)
        ]
        merged = {key: (line, column) for line in lines for key, column in line.cells.items()}
        scopes: Iterable[tuple[_Line, dict[tuple[str, str], str]]]
        if self.kind == "items":
            own = {key: f"${address(line.row, column)}" for key, (line, column) in merged.items()}
            scopes = [(lines[0], own)]
        else:
            scopes = [(line, {key: f"${address(line.row, c)}" for key, c in line.cells.items()}) for line in lines]
        for _, cells in scopes:
            self._figure_checks(cells)
            for relation in relations:
                self._relation_check(relation, cells)

    def _holds_now(self, row: dict[str, Any]) -> bool:
        return (row["valid_from"] is None or row["valid_from"] <= self.period) and (
            row["valid_to"] is None or row["valid_to"] >= self.period
        )

    def _mark(self, cells: Sequence[str], condition: str, style: str, notation: str) -> None:
        numbers = ",".join(f"ISNUMBER({cell})" for cell in cells)
        formula = f"=AND({numbers},{condition})"
        for cell in cells:
            self.sheet.conditional_format(
                cell.replace("$", ""), {"type": "formula", "criteria": formula, "format": self.styles[style]}
            )
        if notation not in self.checks:
            self.checks.append(notation)

    def _figure_checks(self, cells: dict[tuple[str, str], str]) -> None:
        for (code, measure), cell in cells.items():
            if measure in LEVELS and not self._is_signed(code):
                self._mark([cell], f"{cell}<0", "wrong", self.text("template.check_sign"))
            month, last = cells.get((code, "month")), cells.get((code, "last"))
            if measure != "ytd" or month is None:
                continue
            if self.period.month == 1:
                self._mark([month, cell], f"{month}<>{cell}", "wrong", self.text("template.check_january"))
            elif not self._is_signed(code):
                self._mark([month, cell], f"{month}>{cell}", "wrong", self.text("template.check_month"))
            if last is not None and self.period.month > 1:
                off = f"ABS({last}+{month}-{cell})>MAX(1,0.005*ABS({cell}))"
                self._mark([last, month, cell], off, "doubt", self.text("template.check_ytd"))

    def _relation_check(self, relation: dict[str, Any], cells: dict[tuple[str, str], str]) -> None:
        measures = (relation["measures"] or "|".join(LEVELS)).split("|")
        for measure in measures:
            used: list[str] = []
            left = self._formula(relation["left"], measure, cells, used)
            right = self._formula(relation["right"], measure, cells, used)
            if left is None or right is None or not used:
                continue
            # a step of the last printed digit is rounding
            slack = "+1" if relation["op"] in ("<=", "<") else "-1"
            condition = f"({left}){_OPPOSITE[relation['op']]}({right}){slack}"
            self._mark(
                used,
                condition,
                "wrong",
                relation["notation"] or f"{relation['left']} {relation['op']} {relation['right']}",
            )

    def _formula(self, text: str, measure: str, cells: dict[tuple[str, str], str], used: list[str]) -> str | None:
        """A relation's side as a worksheet formula; None where it names what the form does not hold."""
        result, position, stripped = "", 0, text.rstrip()
        while position < len(stripped):
            match = _TOKEN.match(stripped, position)
            if match is None:
                return None
            position = match.end()
            name = match["name"]
            if name is None:
                result += match["number"] or match["sign"]
            elif name == "tau":
                result += f"{self.period.month}/12"
            else:
                cell = cells.get((name, measure))
                if cell is None:
                    return None
                result += cell
                if cell not in used:
                    used.append(cell)
        return result

    def _help(self) -> None:
        sheet = self.book.add_worksheet(self.text("template.help_sheet"))
        sheet.set_column(0, 0, 100)
        for row, line in enumerate([self.text("template.help"), *self.checks]):
            sheet.write(row, 0, line)


_NAMES = ("township", "enterprise_name", "indicator")
_FLAGS = (
    "is_above_scale",
    "is_agro_processing",
    "is_pharma",
    "is_coal_mine",
    "is_key_energy_user",
    "counted_in_rate",
)


def build(
    form: Form,
    unit: TemplateUnit,
    period: date,
    rows: Sequence[TemplateUnit],
    reference: Reference,
    vocabulary: Vocabulary,
    figures: Figures | None = None,
) -> bytes:
    """An .xlsx of `form` for `unit` and `period` with a row for each of `rows`.

    `figures(indicator, unit_id, period, measure)` in stored units pre-fills last year's and last month's; None leaves
    them out. Raises NoTemplate where the form has no `template_*` settings or nobody to list.
    """
    return Template(form, unit, period, rows, reference, vocabulary, figures).build()
