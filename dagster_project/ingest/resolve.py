"""Names and numbers of units → the registers' units: what a workbook says, made definite (domain.md C.2, D.1, D.4).

Belongs here: townships by name, code and date; enterprises by code, then by name within their township; repeated rows.
Does not belong here: reading sheets (parse.py), judging figures, and days that have not come (audit), storing
(warehouse/store.py).
Nothing is matched by similarity: near names are offered as advice and never applied.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar

from dagster_project.ingest.codes import Code, EatenCode, judge, organisation_part, township_part
from dagster_project.ingest.extract_lists import UNDATED
from dagster_project.ingest.model import (
    Coverage,
    IncidentRow,
    Intake,
    Issue,
    KnownEnterprise,
    Level,
    NewTownship,
    Observation,
    ParsedWorkbook,
    RosterRow,
    Severity,
    TaskRow,
    UnitRef,
)
from dagster_project.ingest.rule_ids import under_rule
from dagster_project.ingest.table import clean_enterprise
from dagster_project.ingest.text import normalise
from dagster_project.ingest.vocabulary import Form, Vocabulary
from dagster_project.reference import Reference

# Operations after which the unit goes on under another code or name (domain.md D.2): its rows follow it.
CONTINUING = frozenset(("rename", "rank_change", "code_change"))
LONGEST_CHAIN = 20
ADVICE = 3
SIMILAR = 0.5

Item = TypeVar("Item", Observation, Coverage, RosterRow, IncidentRow)


@dataclass(frozen=True, slots=True)
class Township:
    """One row of townships.csv (or one that a form registered)."""

    code: str
    name: str
    valid_from: date
    valid_to: date | None
    successor: str | None

    def holds_at(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    def holds_in_year(self, year: int) -> bool:
        """On any day of the year."""
        return self.valid_from <= date(year, 12, 31) and (self.valid_to is None or date(year, 1, 1) <= self.valid_to)


@dataclass(frozen=True, slots=True)
class _Name:
    """A name that workbooks may use for a township, in force from and to."""

    code: str
    valid_from: date | None
    valid_to: date | None
    is_former: bool


@dataclass(slots=True)
class Directory:
    """The registers as known now. Filled from reference data and, by the warehouse, from what was read before.

    `register(KnownEnterprise)`, `add_township(NewTownship)` extend it; `learn(intake)` takes in what one intake brought,
    so that the next file of the same batch knows it.
    """

    county_code: str
    county_names: frozenset[str]
    townships: dict[str, Township]
    names: dict[str, list[_Name]]
    operations: dict[tuple[str, str | None], str]
    vocabulary: Vocabulary
    enterprises: dict[str, KnownEnterprise] = field(default_factory=dict)
    # what each register said, the oldest first: audit asks what held in the month that it judges
    versions: dict[str, list[KnownEnterprise]] = field(default_factory=dict)
    by_code: dict[str, str] = field(default_factory=dict)
    by_organisation: dict[str, str] = field(default_factory=dict)
    by_name: dict[str, set[str]] = field(default_factory=dict)
    # what people said a name means (enterprise_aliases.csv); goes before the registers' names
    aliases: dict[str, set[str]] = field(default_factory=dict)

    @classmethod
    def from_reference(cls, reference: Reference, vocabulary: Vocabulary | None = None) -> Directory:
        """Townships, their names by date and their changes; no enterprise yet."""
        vocabulary = vocabulary or Vocabulary.load(reference)
        settings = vocabulary.settings
        townships: dict[str, Township] = {}
        names: dict[str, list[_Name]] = {}
        for row in reference.rows("townships"):
            code = row["township_code"]
            townships[code] = Township(code, row["name_zh"], row["valid_from"], row["valid_to"], row["successor_code"])
            for name in (row["name_zh"], row["name_en"]):
                if name:
                    names.setdefault(normalise(name), []).append(_Name(code, None, None, False))
        for row in reference.rows("township_aliases"):
            names.setdefault(normalise(row["alias"]), []).append(
                _Name(row["township_code"], row["valid_from"], row["valid_to"], row["valid_to"] is not None)
            )
        aliases: dict[str, set[str]] = {}
        for row in reference.rows("enterprise_aliases"):
            aliases.setdefault(clean_enterprise(row["alias"], vocabulary), set()).add(row["enterprise_id"])
        operations = {(row["from_code"], row["to_code"]): row["op"] for row in reference.rows("township_links")}
        county = [settings.get("county_name_zh", ""), settings.get("county_name_en", "")]
        return cls(
            county_code=settings.get("county_code", ""),
            county_names=frozenset(normalise(name) for name in county if name),
            townships=townships,
            names=names,
            operations=operations,
            vocabulary=vocabulary,
            aliases=aliases,
        )

    def register(self, enterprise: KnownEnterprise) -> None:
        """Add or renew one enterprise."""
        old = self.enterprises.get(enterprise.enterprise_id)
        if old is not None and old.name:
            self.by_name.get(clean_enterprise(old.name, self.vocabulary), set()).discard(old.enterprise_id)
        self.enterprises[enterprise.enterprise_id] = enterprise
        self._remember(enterprise)
        self.by_code[enterprise.enterprise_id] = enterprise.enterprise_id
        if enterprise.credit_code:
            self.by_code[enterprise.credit_code] = enterprise.enterprise_id
            if len(enterprise.credit_code) == 18:
                self.by_organisation[organisation_part(enterprise.credit_code)] = enterprise.enterprise_id
        if enterprise.name:
            self.by_name.setdefault(clean_enterprise(enterprise.name, self.vocabulary), set()).add(
                enterprise.enterprise_id
            )

    def _remember(self, enterprise: KnownEnterprise) -> None:
        versions = self.versions.setdefault(enterprise.enterprise_id, [])
        since = enterprise.valid_from or date.min
        versions[:] = [known for known in versions if (known.valid_from or date.min) != since]
        versions.append(enterprise)
        versions.sort(key=lambda known: known.valid_from or date.min)

    def enterprise_at(self, enterprise_id: str, day: date) -> KnownEnterprise | None:
        """What the register in force on `day` says of an enterprise; None before the first one that lists it."""
        found: KnownEnterprise | None = None
        for known in self.versions.get(enterprise_id, ()):
            if (known.valid_from or date.min) <= day:
                found = known
        return found

    def add_township(self, new: NewTownship, valid_from: date = date(1900, 1, 1)) -> None:
        self.townships.setdefault(new.township_code, Township(new.township_code, new.name_zh, valid_from, None, None))
        names = self.names.setdefault(normalise(new.name_zh), [])
        if not any(name.code == new.township_code for name in names):
            names.append(_Name(new.township_code, None, None, False))

    def learn(self, intake: Intake) -> None:
        """Take in the units that one intake registered."""
        for new in intake.new_townships:
            self.add_township(new)
        for row in intake.parsed.roster:
            if row.enterprise_id is not None:
                self.register(known_from(row, self.enterprises.get(row.enterprise_id)))

    # ------------------------------------------------------------------ townships
    def township_at(self, code: str, day: date) -> str | None:
        """The unit that holds this one's ground on `day`: itself, or down its chain of successors."""
        current: str | None = code
        for _ in range(LONGEST_CHAIN):
            township = self.townships.get(current or "")
            if township is None:
                return None
            if township.valid_to is None or day <= township.valid_to:
                return township.code
            current = township.successor
        return None

    def predecessor_at(self, code: str, day: date) -> str | None:
        """The unit that this one continues (renamed, raised in rank) and that was in force on `day`."""
        for township in self.townships.values():
            continues = self.operations.get((township.code, code)) in CONTINUING
            if township.successor == code and continues and township.holds_at(day):
                return township.code
        return None

    def find_township(self, name: str, day: date) -> list[tuple[str, bool]]:
        """Codes that a name may mean on `day`, with whether it is a former name by then; those in force first."""
        normal = normalise(name)
        for county in self.county_names:
            if normal.startswith(county) and normal != county and normal[len(county) :] in self.names:
                normal = normal[len(county) :]
        held = self.names.get(normal, [])
        found: dict[str, bool] = {}
        for entry in held:
            former = entry.valid_to is not None and day > entry.valid_to
            found[entry.code] = former and found.get(entry.code, True)
        in_force = [code for code in found if self.townships[code].holds_at(day)]
        return [(code, found[code]) for code in in_force or list(found)]

    def near_townships(self, name: str, day: date) -> list[str]:
        names = [township.name for township in self.townships.values() if township.holds_at(day)]
        return difflib.get_close_matches(name, names, n=ADVICE, cutoff=SIMILAR)


def known_from(row: RosterRow, old: KnownEnterprise | None = None) -> KnownEnterprise:
    """A register row as the directory keeps it; what the row does not speak of stays as it was."""

    def flag(new: bool | None, before: bool) -> bool:
        return before if new is None else new

    return KnownEnterprise(
        enterprise_id=row.enterprise_id or "",
        name=row.unit.name or (old.name if old else ""),
        township_code=row.township_code or (old.township_code if old else None),
        credit_code=row.credit_code or (old.credit_code if old else None),
        unit_status=row.unit_status,
        industry_code=row.industry_code or (old.industry_code if old else None),
        is_above_scale=flag(row.is_above_scale, old.is_above_scale if old else False),
        is_agro_processing=flag(row.is_agro_processing, old.is_agro_processing if old else False),
        is_pharma=flag(row.is_pharma, old.is_pharma if old else False),
        is_coal_mine=flag(row.is_coal_mine, old.is_coal_mine if old else False),
        is_key_energy_user=flag(row.is_key_energy_user, old.is_key_energy_user if old else False),
        capacity=row.capacity if row.capacity is not None else (old.capacity if old else None),
        is_provisional=row.is_provisional,
        valid_from=row.valid_from,
    )


@dataclass(slots=True)
class _Found:
    """The outcome for one way of naming a unit in one period; `unit_id` None: it stays out of force."""

    level: Level
    unit_id: str | None
    township_code: str | None


@dataclass(slots=True)
class _Resolver:
    parsed: ParsedWorkbook
    directory: Directory
    vocabulary: Vocabulary
    provisional: dict[str, RosterRow] = field(default_factory=dict)
    new_townships: dict[str, NewTownship] = field(default_factory=dict)
    memory: dict[tuple[object, ...], _Found] = field(default_factory=dict)
    told: set[tuple[object, ...]] = field(default_factory=set)

    # ------------------------------------------------------------------ issues
    def issue(
        self,
        key: str,
        severity: Severity,
        sheet: str | None,
        cell: str | None,
        raw: str | None,
        *,
        quarantines: bool = False,
        once: tuple[object, ...] | None = None,
        **fields: object,
    ) -> Issue | None:
        """Add one issue; with `once`, only the first of its kind in this file."""
        if once is not None:
            mark = (key, *once)
            if mark in self.told:
                return None
            self.told.add(mark)
        made = self.vocabulary.messages.issue(
            key, severity, sheet=sheet, cell=cell, raw_text=raw, file=self.parsed.file_name, **fields
        )
        made.quarantines = quarantines
        self.parsed.issues.append(under_rule(made))
        return made

    def beside(self, key: str, names: Iterable[str]) -> dict[str, Any]:
        """A sentence of advice that lists names, for a message that has room for it; empty where there are none."""
        listed = " | ".join(names)
        zh, en = self.vocabulary.messages.render(key, names=listed) if listed else ("", "")
        # Texts come without the spaces at their ends; in English a sentence is set off by one.
        return {"beside_zh": zh, "beside_en": f" {en}" if en else ""}

    # ------------------------------------------------------------------ townships
    def township(
        self, name: str, code: str | None, period: date, form: Form, sheet: str, cell: str | None, *, is_row: bool
    ) -> str | None:
        """The township meant. `is_row`: the row is the township's own, so an ended one is an error; else the name only
        says where an enterprise stands, and its ground is followed to whoever holds it."""
        directory = self.directory
        if form.registers_units and form.settings.get("township_template"):
            return self._registered_township(name, form)
        if code:
            part = township_part(code)
            if part is not None and part in directory.townships:
                return self._in_force(part, name or code, period, sheet, cell, form, is_row=is_row)
        found = directory.find_township(name, period)
        if not found:
            near = directory.near_townships(name, period)
            self.issue(
                "resolve.unknown_township" if is_row else "resolve.unknown_location",
                "error" if is_row else "warning",
                sheet,
                cell,
                name,
                quarantines=is_row,
                once=(sheet, cell, name),
                name=name,
                **self.beside("resolve.near", near),
            )
            return None
        codes = [code for code, _ in found]
        if len(codes) > 1:
            # names of one durable unit (before and after a change of rank) are one; others are ambiguous
            ends = {directory.township_at(code, period) for code in codes}
            if len(ends) > 1:
                self.issue(
                    "resolve.ambiguous_township",
                    "error",
                    sheet,
                    cell,
                    name,
                    quarantines=is_row,
                    once=(sheet, cell, name),
                    name=name,
                    near=" | ".join(sorted(code for code in codes)),
                )
                return None
        chosen, former = found[0]
        if former:
            self.issue(
                "resolve.former_name",
                "info",
                sheet,
                cell,
                name,
                once=(sheet, name),
                name=name,
                now=directory.townships[chosen].name,
            )
        return self._in_force(chosen, name, period, sheet, cell, form, is_row=is_row)

    def _in_force(
        self, code: str, name: str, period: date, sheet: str, cell: str | None, form: Form, *, is_row: bool
    ) -> str | None:
        directory = self.directory
        township = directory.townships[code]
        if township.holds_at(period):
            return code
        if period < township.valid_from:
            earlier = directory.predecessor_at(code, period)
            if earlier is not None:
                self._tell_successor(name, earlier, period, sheet, cell)
                return earlier
            return code
        operation = directory.operations.get((code, township.successor))
        successor = township.successor
        if successor is not None and (operation in CONTINUING or not is_row):
            end = directory.township_at(successor, period)
            if end is not None:
                self._tell_successor(name, end, period, sheet, cell)
                return end
        if not is_row:
            return None
        if form.subject == "targets" and township.holds_in_year(period.year):
            return code  # set before it ended; the successor's target takes it in (domain.md D.3.5)
        self.issue(
            "resolve.ended_township" if successor else "resolve.left_township",
            "error",
            sheet,
            cell,
            name,
            quarantines=True,
            once=(sheet, cell, name),
            name=name,
            ended=f"{township.valid_to}",
            now=directory.townships[successor].name if successor in directory.townships else "—",
        )
        return None

    def _tell_successor(self, name: str, code: str, period: date, sheet: str, cell: str | None) -> None:
        self.issue(
            "resolve.successor",
            "info",
            sheet,
            cell,
            name,
            once=(sheet, name, code),
            name=name,
            now=self.directory.townships[code].name,
            period_text=f"{period:%Y-%m}",
        )

    def _registered_township(self, name: str, form: Form) -> str | None:
        if not name:
            return None
        if name not in self.directory.townships and name not in self.new_townships:
            self.new_townships[name] = NewTownship(name, name, name, form.settings.get("township_kind", "county"))
        return name

    # ------------------------------------------------------------------ enterprises
    def enterprise(
        self, unit: UnitRef, period: date, form: Form, sheet: str, cell: str | None, *, is_roster: bool = False
    ) -> _Found:
        own = self.township(unit.township, None, period, form, sheet, cell, is_row=False) if unit.township else None
        code = self._code(unit, form, sheet, cell)
        if isinstance(code, _Lost):
            return _Found("enterprise", None, own)
        enterprise_id = self._by_code(code) if code is not None else None
        if enterprise_id is None and code is not None and code.check is False and unit.name and not is_roster:
            named = self._by_name(unit.name, own)
            if len(named) == 1:
                (enterprise_id,) = named
                self.issue(
                    "resolve.code_differs",
                    "warning",
                    sheet,
                    unit.identifier_cell or cell,
                    code.text,
                    once=(sheet, cell),
                    name=unit.name,
                    code=code.text,
                    known=enterprise_id,
                )
        if enterprise_id is not None:
            return self._known(enterprise_id, unit, own, period, form, sheet, cell, is_roster=is_roster)
        if code is not None and (code.kind != "other" or is_roster or form.registers_units):
            if not is_roster and not form.registers_units:
                self._provisional(code, unit, own, period, form, sheet, cell)
            return _Found("enterprise", code.text, own)
        if code is not None:
            self.issue(
                "resolve.bad_code",
                "error",
                sheet,
                unit.identifier_cell or cell,
                code.text,
                quarantines=True,
                once=(sheet, cell),
                code=code.text,
            )
            return _Found("enterprise", None, own)
        return self._named(unit, own, period, form, sheet, cell, is_roster=is_roster)

    def _location(self, unit: UnitRef, period: date, form: Form, sheet: str, cell: str | None) -> str | None:
        """The township that the row says the enterprise stands in."""
        if not unit.township:
            return None
        return self.township(unit.township, None, period, form, sheet, unit.township_cell or cell, is_row=False)

    def _code(self, unit: UnitRef, form: Form, sheet: str, cell: str | None) -> Code | _Lost | None:
        if not unit.identifier:
            return None
        cell = unit.identifier_cell or cell
        if form.settings.get("identifier") == "own":
            return Code(unit.identifier.strip(), "other", None)
        try:
            code = judge(unit.identifier)
        except EatenCode:
            self.issue(
                "resolve.eaten_code",
                "error",
                sheet,
                cell,
                unit.identifier,
                quarantines=True,
                once=(sheet, cell),
                name=unit.name or "—",
            )
            return _Lost()
        if code.was_padded:
            self.issue(
                "resolve.padded_code",
                "info",
                sheet,
                cell,
                unit.identifier,
                once=(sheet, cell),
                code=code.text,
            )
        if code.check is False:
            self.issue(
                "resolve.check_digit" if code.suggestion else "resolve.check_digit_open",
                "warning",
                sheet,
                cell,
                unit.identifier,
                once=(sheet, cell),
                code=code.text,
                name=unit.name or "—",
                suggestion=code.suggestion,
            )
        return code

    def _by_code(self, code: Code) -> str | None:
        directory = self.directory
        found = directory.by_code.get(code.text)
        if found is not None:
            return found
        if code.text in self.provisional:
            return code.text
        if code.kind == "organisation":
            return directory.by_organisation.get(code.text)
        if code.kind == "credit":
            return directory.by_code.get(organisation_part(code.text))
        return None

    def _by_name(self, name: str, township: str | None) -> set[str]:
        """Enterprises that this name is said to mean, else those that bear exactly this name; in the township where
        one is given."""
        cleaned = clean_enterprise(name, self.vocabulary)
        said = {one for one in self.directory.aliases.get(cleaned, ()) if one in self.directory.enterprises}
        for ids in (said, self.directory.by_name.get(cleaned, set())):
            found = set(ids) if township is None else {one for one in ids if self._ground(one) in (township, None)}
            if found:
                return found
        return set()

    def is_known(self, unit: UnitRef, day: date) -> bool:
        """Whether exactly one enterprise bears this name, in the township that is said."""
        if not unit.name:
            return False
        codes = [code for code, _ in self.directory.find_township(unit.township or "", day)]
        ground = self._ground_now(codes[0]) if codes else None
        return len(self._by_name(unit.name, ground)) == 1

    def _ground(self, enterprise_id: str) -> str | None:
        """The township that holds the enterprise's ground today."""
        known = self.directory.enterprises.get(enterprise_id)
        if known is None or known.township_code is None:
            return None
        return self.directory.township_at(known.township_code, date.max) or known.township_code

    def _known(
        self,
        enterprise_id: str,
        unit: UnitRef,
        own: str | None,
        period: date,
        form: Form,
        sheet: str,
        cell: str | None,
        *,
        is_roster: bool,
    ) -> _Found:
        known = self.directory.enterprises.get(enterprise_id)
        if known is None:  # met earlier in this very file
            row = self.provisional.get(enterprise_id)
            return _Found("enterprise", enterprise_id, own or (row.township_code if row else None))
        if form.registers_units and form.subject == "indicators":
            return _Found("enterprise", enterprise_id, own or known.township_code)
        # a mine handed to another township stood where the register of that month says it did
        then = self.directory.enterprise_at(enterprise_id, period) or known
        register = then.township_code or known.township_code
        if register is not None and register in self.directory.townships:
            register = self._ground_at(register, period) or register
        if unit.township_cell is None and register is not None:
            own = register
        if not is_roster:
            if unit.name and known.name and not self._bears(unit.name, known, then):
                self.issue(
                    "resolve.name_differs",
                    "warning",
                    sheet,
                    cell,
                    unit.name,
                    once=(sheet, cell),
                    name=unit.name,
                    known=known.name,
                    code=enterprise_id,
                )
            if own is not None and register is not None and own != register:
                self.issue(
                    "resolve.township_differs",
                    "warning",
                    sheet,
                    cell,
                    unit.township,
                    once=(sheet, cell, "t"),
                    name=unit.name or known.name,
                    here=self._township_name(own),
                    known=self._township_name(register),
                )
        return _Found("enterprise", enterprise_id, own or register)

    def _bears(self, name: str, *versions: KnownEnterprise) -> bool:
        """Whether a register, the month's own or today's, gives the enterprise this name."""
        return any(not known.name or self._same_name(name, known.name) for known in versions)

    def _ground_at(self, code: str, period: date) -> str | None:
        township = self.directory.townships[code]
        if period < township.valid_from:
            return self.directory.predecessor_at(code, period) or code
        return self.directory.township_at(code, period)

    def _township_name(self, code: str) -> str:
        township = self.directory.townships.get(code)
        return township.name if township else code

    def _same_name(self, first: str, second: str) -> bool:
        one, other = clean_enterprise(first, self.vocabulary), clean_enterprise(second, self.vocabulary)
        # a short name that the full one ends with ('No. 1 mine' of 'county township No. 1 mine') is the same, since the
        # code has decided already
        return one == other or one.endswith(other) or other.endswith(one)

    def _provisional(
        self, code: Code, unit: UnitRef, own: str | None, period: date, form: Form, sheet: str, cell: str | None
    ) -> None:
        same = self._by_name(unit.name, own) if unit.name else set()
        self.issue(
            "resolve.provisional",
            "warning",
            sheet,
            cell,
            code.text,
            once=(sheet, cell),
            name=unit.name or "—",
            code=code.text,
            **self.beside("resolve.same_name", sorted(same)),
        )
        row = RosterRow(
            form_code=form.code,
            unit=unit,
            valid_from=period,
            sheet=sheet,
            cell=cell or "",
            is_provisional=True,
            enterprise_id=code.text,
            credit_code=code.text if code.kind == "credit" else None,
            township_code=own,
        )
        self.provisional[code.text] = row
        self.parsed.roster.append(row)

    def _named(
        self,
        unit: UnitRef,
        own: str | None,
        period: date,
        form: Form,
        sheet: str,
        cell: str | None,
        *,
        is_roster: bool,
    ) -> _Found:
        if not unit.name:
            return _Found("enterprise", None, own)
        ids = self._by_name(unit.name, self._ground_now(own))
        if not ids and unit.township_cell is None:
            # the township was only filled down from the row above: it says less than a name that one enterprise bears
            ids = self._by_name(unit.name, None)
        if len(ids) == 1:
            (found,) = ids
            return self._known(found, unit, own, period, form, sheet, cell, is_roster=is_roster)
        if is_roster and not ids:
            self.issue("resolve.roster_code", "error", sheet, cell, unit.name, quarantines=True, name=unit.name)
            return _Found("enterprise", None, own)
        if len(ids) > 1:
            self.issue(
                "resolve.ambiguous_enterprise",
                "error",
                sheet,
                cell,
                unit.name,
                quarantines=True,
                once=(sheet, cell),
                name=unit.name,
                near=" | ".join(sorted(ids)),
            )
            return _Found("enterprise", None, own)
        elsewhere = self._by_name(unit.name, None)
        near = [
            f"{self.directory.enterprises[one].name} ({self._township_name(self._ground(one) or '—')})"
            for one in sorted(elsewhere)
        ] or difflib.get_close_matches(
            unit.name, [known.name for known in self.directory.enterprises.values()], n=ADVICE, cutoff=SIMILAR
        )
        self.issue(
            "resolve.unknown_enterprise",
            "error",
            sheet,
            cell,
            unit.name,
            quarantines=True,
            once=(sheet, cell),
            name=unit.name,
            **self.beside("resolve.near", near),
        )
        return _Found("enterprise", None, own)

    def _ground_now(self, township: str | None) -> str | None:
        return None if township is None else (self.directory.township_at(township, date.max) or township)

    # ------------------------------------------------------------------ units
    def unit(self, unit: UnitRef, period: date, form: Form, sheet: str, cell: str | None) -> _Found:
        key = (unit.level, unit.identifier, unit.name, unit.township, period, sheet)
        found = self.memory.get(key)
        if found is None:
            found = self.memory[key] = self._unit(unit, period, form, sheet, cell)
        return found

    def _unit(self, unit: UnitRef, period: date, form: Form, sheet: str, cell: str | None) -> _Found:
        if unit.level == "county":
            return _Found("county", self.directory.county_code, None)
        if unit.level == "enterprise":
            return self.enterprise(unit, period, form, sheet, cell)
        name = unit.name or unit.township or ""
        if not name and not unit.identifier:
            return _Found("township", None, None)
        where = unit.township_cell or cell
        code = self.township(name, unit.identifier, period, form, sheet, where, is_row=True)
        return _Found("township", code, code)


@dataclass(frozen=True, slots=True)
class _Lost:
    """A code whose digits Excel has eaten: neither it nor a name beside it decides."""


def resolve(
    parsed: ParsedWorkbook, directory: Directory, vocabulary: Vocabulary, received: date | None = None
) -> Intake:
    """Fill level, unit_id and township_code of everything parsed; add issues; quarantine what stays unclear.

    `received` is the day of receipt, from whose year on a register holds that names no year (None: from 1900 on). The
    directory is read, not changed: call `directory.learn(intake)` once the intake is kept.
    """
    resolver = _Resolver(parsed, directory, vocabulary)
    _date_roster(resolver, received)
    _resolve_roster(resolver)
    row_cells = {(entry.sheet, id(entry.unit)): entry.cell for entry in parsed.coverage}
    unit: UnitRef | None = None
    period: date | None = None
    sheet = ""
    for observation in parsed.observations:
        # the figures of a row stand one behind another and share their unit, month and sheet
        if observation.unit is not unit or observation.period is not period or observation.sheet is not sheet:
            unit, period, sheet = observation.unit, observation.period, observation.sheet
            cell = row_cells.get((sheet, id(unit)), observation.cell)
            found = resolver.unit(unit, period, vocabulary.forms[observation.form_code], sheet, cell)
        observation.level, observation.unit_id = found.level, found.unit_id
        observation.township_code = found.township_code
        if found.unit_id is None:
            observation.status = "quarantined"
        elif not vocabulary.indicators[observation.indicator_code].allows(found.level) and (
            not observation.measure.startswith("target")
        ):
            observation.status = "quarantined"
            _level_issue(resolver, observation, found.level)
    for entry in parsed.coverage:
        form = vocabulary.forms[entry.form_code]
        found = resolver.unit(entry.unit, entry.period, form, entry.sheet, entry.cell)
        entry.level, entry.unit_id = found.level, found.unit_id
    _resolve_totals(resolver)
    _resolve_incidents(resolver)
    _resolve_tasks(resolver)
    _repeated_rows(resolver)
    return _intake(resolver)


def _level_issue(resolver: _Resolver, observation: Observation, level: Level) -> None:
    indicator = resolver.vocabulary.indicators[observation.indicator_code]
    resolver.issue(
        "resolve.level",
        "error",
        observation.sheet,
        observation.cell,
        observation.raw_text,
        quarantines=True,
        once=(observation.sheet, observation.indicator_code, level),
        indicator_zh=indicator.name_zh,
        indicator_en=indicator.name_en,
        level=level,
    )


def _date_roster(resolver: _Resolver, received: date | None) -> None:
    """A register that names no period holds from the first day of the year in which it was received."""
    for row in resolver.parsed.roster:
        if row.valid_from != UNDATED:
            continue
        row.valid_from = date(received.year, 1, 1) if received else date(1900, 1, 1)
        resolver.issue(
            "resolve.roster_date", "warning", row.sheet, None, None, once=(row.sheet,), since=row.valid_from.isoformat()
        )


def _resolve_roster(resolver: _Resolver) -> None:
    kept: list[RosterRow] = []
    rows: dict[str, RosterRow] = {}
    for row in list(resolver.parsed.roster):
        form = resolver.vocabulary.forms[row.form_code]
        is_register = form.subject == "roster"
        found = resolver.enterprise(row.unit, row.valid_from, form, row.sheet, row.cell, is_roster=True)
        row.enterprise_id, row.township_code = found.unit_id, found.township_code
        if found.unit_id is None:
            continue
        if len(found.unit_id) == 18 and form.settings.get("identifier") != "own":
            row.credit_code = found.unit_id
        elif row.enterprise_id in resolver.directory.enterprises:
            row.credit_code = resolver.directory.enterprises[found.unit_id].credit_code
        first = rows.get(found.unit_id)
        if first is None:
            rows[found.unit_id] = row
            kept.append(row)
        elif is_register:
            resolver.issue(
                "resolve.roster_twice",
                "error",
                row.sheet,
                row.cell,
                row.unit.name or row.unit.identifier,
                quarantines=True,
                name=row.unit.name or "—",
                code=found.unit_id,
                first=first.cell,
            )
    resolver.parsed.roster[:] = kept


def _resolve_totals(resolver: _Resolver) -> None:
    for total in resolver.parsed.totals:
        if total.scope is None:
            continue
        form = resolver.vocabulary.forms[total.form_code]
        total.scope_unit_id = resolver.township(
            total.scope, None, total.period, form, total.sheet, total.cell, is_row=False
        )
    # a subtotal whose township nobody knows would be taken for a grand total
    resolver.parsed.totals[:] = [
        total for total in resolver.parsed.totals if total.scope is None or total.scope_unit_id is not None
    ]


def _resolve_incidents(resolver: _Resolver) -> None:
    """Whose accident it was. A death counts whether or not a register holds the enterprise (domain.md B.8): where only
    the township is known, the township bears it."""
    for row in resolver.parsed.incidents:
        form = resolver.vocabulary.forms[row.form_code]
        month = date(row.occurred_on.year, row.occurred_on.month, 1)
        unit = row.unit
        if unit.identifier is None and unit.township and not resolver.is_known(unit, month):
            row.township_code = resolver.township(unit.township, None, month, form, row.sheet, row.cell, is_row=False)
            if row.township_code is not None:
                resolver.issue(
                    "resolve.incident_enterprise",
                    "warning",
                    row.sheet,
                    row.cell,
                    unit.name or row.raw_text,
                    name=unit.name or "—",
                    township=resolver.directory.townships[row.township_code].name,
                )
                continue
        found = resolver.unit(unit, month, form, row.sheet, row.cell)
        row.enterprise_id, row.township_code = found.unit_id, found.township_code
        if found.unit_id is None and found.township_code is None:
            row.status = "quarantined"
            if not unit.name and unit.identifier is None:
                resolver.issue("resolve.incident_unit", "error", row.sheet, row.cell, row.raw_text, quarantines=True)


def _resolve_tasks(resolver: _Resolver) -> None:
    """Who answers for a task, and its identity: year, responsible unit, name. A task whose township nobody knows stays
    out of force, and so does the second row of one task."""
    first: dict[str, TaskRow] = {}
    for row in resolver.parsed.tasks:
        form = resolver.vocabulary.forms[row.form_code]
        day = row.reported_for or row.done_on or row.planned_on or date.max
        name = row.unit.township or row.unit.name
        if row.unit.level != "county" and name:
            cell = row.unit.township_cell or row.cell
            row.township_code = resolver.township(name, None, day, form, row.sheet, cell, is_row=True)
            if row.township_code is None:
                row.status = "quarantined"
        elif row.unit.level != "county":
            found = resolver.unit(row.unit, day, form, row.sheet, row.cell)
            row.township_code = found.township_code
        owner = row.township_code or name or resolver.directory.county_code
        row.task_id = f"{row.year or ''}:{owner}:{normalise(row.name)}"
        other = first.setdefault(row.task_id, row)
        if other is not row:
            row.status = "quarantined"
            resolver.issue(
                "resolve.task_twice",
                "error",
                row.sheet,
                row.cell,
                row.name,
                quarantines=True,
                name=row.name,
                other=f"{other.sheet}!{other.cell}",
            )


def _repeated_rows(resolver: _Resolver) -> None:
    """One key twice in a workbook: by the form, the rows add (line_no counts) or the later one is kept out of force."""
    keyed = [
        ((one.form_code, one.indicator_code, one.unit_id, one.period, one.measure), one)
        for one in resolver.parsed.observations
        if one.unit_id is not None
    ]
    # hardly a workbook repeats one, and so much is soon seen
    if len({key for key, _ in keyed}) == len(keyed):
        return
    first: dict[tuple[object, ...], Observation] = {}
    counts: dict[tuple[object, ...], int] = {}  # of those met more than once
    for key, observation in keyed:
        other = first.setdefault(key, observation)
        if other is observation:
            continue
        observation.line_no = counts[key] = counts.get(key, 1) + 1
        if resolver.vocabulary.forms[observation.form_code].repeated_rows == "add":
            continue
        if other.sheet != observation.sheet and other.value is not None and other.value == observation.value:
            continue  # a summary sheet beside the units' own: audit tells it and keeps it out (V32.same)
        observation.status = "quarantined"
        indicator = resolver.vocabulary.indicators[observation.indicator_code]
        for here, there in ((other, observation), (observation, other)):
            made = resolver.issue(
                "resolve.repeated_row",
                "error",
                here.sheet,
                here.cell,
                here.raw_text,
                quarantines=here is observation,
                once=(here.sheet, here.cell),
                name=observation.unit.name or observation.unit_id,
                other=f"{there.sheet}!{there.cell}",
                indicator_zh=indicator.name_zh,
                indicator_en=indicator.name_en,
            )
            if made is not None:
                made.indicator_code, made.period = observation.indicator_code, observation.period
                made.level, made.unit_id = observation.level, observation.unit_id


def _intake(resolver: _Resolver) -> Intake:
    parsed = resolver.parsed
    known = [reading for reading in parsed.sheets if reading.form_code is not None]
    form_code = known[0].form_code if known else None
    reporter_level: Level | None = None
    reporter_id: str | None = None
    periods = [reading.period for reading in known if reading.period is not None]
    period = max(periods) if periods else None
    if form_code is not None and parsed.reporter is not None:
        form = resolver.vocabulary.forms[form_code]
        reporter = parsed.reporter
        if reporter.level == "county":
            reporter_level, reporter_id = "county", resolver.directory.county_code
        else:
            day = period or date.max
            found = resolver.unit(reporter, day, form, known[0].sheet, None)
            reporter_level, reporter_id = found.level, found.unit_id
    _place_issues(parsed.issues, parsed)
    return Intake(
        parsed=parsed,
        form_code=form_code,
        layout=known[0].layout if known else None,
        period=period,
        reporter_level=reporter_level,
        reporter_unit_id=reporter_id,
        new_townships=list(resolver.new_townships.values()),
    )


def _place_issues(issues: Iterable[Issue], parsed: ParsedWorkbook) -> None:
    """Issues that name a cell of an observation learn whose it is, for pages that list issues by unit."""
    open_ones = [one for one in issues if one.sheet is not None and one.cell is not None and one.unit_id is None]
    if not open_ones:
        return
    by_cell: dict[tuple[str | None, str | None], Observation] = {
        (one.sheet, one.cell): one for one in parsed.observations
    }
    for issue in open_ones:
        observation = by_cell.get((issue.sheet, issue.cell))
        if observation is not None:
            issue.level, issue.unit_id = observation.level, observation.unit_id
            issue.indicator_code = issue.indicator_code or observation.indicator_code
            issue.period = observation.period
