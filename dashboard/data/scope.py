"""What one reader may see of the warehouse: the rows of every relation, default deny.

Belongs here: the Scope of a reader, resolving it on a version, and giving a named query relations that hold no other row.
Does not belong here: who the reader is (dashboard/access/), what a role reaches (seeds/reference/access_roles.csv), which
column carries township, enterprise or subject (data/scope/relations.csv).

Every query of a page names its relations `marts.x`. For a reader with limits each becomes a common table expression `x`
over the rows of the scope; a relation without a rule does not exist for that reader.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("scope")
# a name before a bracket is a macro (a formula), which holds no rows
RELATION = re.compile(r"\bmarts\.([a-z_][a-z0-9_]*)\b(?!\s*\()")
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_WITH = re.compile(r"\s*with\s+(?!recursive\b)", re.IGNORECASE)
PREFIX = "scope_"
Row = dict[str, Any]


class OutOfScope(RuntimeError):
    """A query asks for a relation, or a unit, that does not exist for this reader."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a reader may see; hashable, so that caches can be kept apart by it.

    `reach` is all, subject, township, enterprise or none; `unit` the reader's township or enterprise; `patterns` the
    indicator codes of its subjects (regular expressions over whole codes) and `flags` the marks of their enterprises;
    `pages` the addresses that it may open, * for all; `takes_out` whether tables may be downloaded, `hands_in` whether
    workbooks may be submitted; `suppressed` the levels (county, township) of which figures that identify an enterprise are
    left out (fct_suppression): outside the bureau, and in what leaves it.
    """

    reach: str = "none"
    unit: str | None = None
    patterns: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    sees_county: bool = False
    sees_enterprises: bool = False
    sees_county_files: bool = False
    pages: tuple[str, ...] = ("*",)
    takes_out: bool = True
    hands_in: bool = True
    suppressed: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether no row is held back: such a reader's queries run as they are."""
        return self.reach == "all" and not self.suppressed

    @property
    def sees_all_units(self) -> bool:
        return self.reach == "all"

    def opens(self, page: str) -> bool:
        """Whether the reader may open the page at an address."""
        return "*" in self.pages or page in self.pages


LEVELS = ("county", "township")
WHOLE = Scope("all", sees_county=True, sees_enterprises=True, sees_county_files=True)
NOTHING = Scope(pages=(), takes_out=False, hands_in=False)


@dataclass(frozen=True)
class Resolved:
    """A scope on one version: codes of what it holds, and the names of the enterprises it must not meet."""

    townships: frozenset[str]
    enterprises: frozenset[str]
    indicators: frozenset[str]
    hidden_names: tuple[str, ...]
    county: bool
    files: bool
    suppressed: tuple[str, ...] = ()
    # no indicator is held back: its list need not be searched for every row
    all_indicators: bool = False

    def parameters(self) -> dict[str, Any]:
        """Named parameters of the relations' predicates."""
        return {
            f"{PREFIX}townships": sorted(self.townships),
            f"{PREFIX}enterprises": sorted(self.enterprises),
            f"{PREFIX}indicators": sorted(self.indicators),
            f"{PREFIX}hidden": list(self.hidden_names),
            f"{PREFIX}totals": self.county,
            f"{PREFIX}files": self.files,
            f"{PREFIX}suppressed": list(self.suppressed),
            f"{PREFIX}whole": self.all_indicators,
        }

    def holds(self, unit_id: str | None) -> bool:
        """Whether a township or enterprise is within the scope."""
        return unit_id in self.townships or unit_id in self.enterprises


def _predecessors(codes: Iterable[str], townships: Iterable[Row]) -> frozenset[str]:
    """The codes and every township that was absorbed or renamed into them."""
    rows = list(townships)
    found = set(codes)
    while True:
        more = {row["township_code"] for row in rows if row["successor_code"] in found} - found
        if not more:
            return frozenset(found)
        found |= more


def resolve(scope: Scope, fetch: Callable[[str], Iterable[Row]]) -> Resolved:
    """The codes a scope holds; `fetch(name)` gives the rows of data/scope/<name>.sql."""
    townships, enterprises = list(fetch("townships")), list(fetch("enterprises"))
    codes = [row["indicator_code"] for row in fetch("indicators")]
    own: frozenset[str] = frozenset()
    firms: set[str] = set()
    if scope.reach in ("all", "subject"):
        own = frozenset(row["township_code"] for row in townships if row["kind"] != "county")
    elif scope.reach == "township" and scope.unit:
        own = _predecessors([scope.unit], townships)
    if scope.sees_enterprises:
        if scope.reach == "all":
            firms = {row["enterprise_id"] for row in enterprises}
        elif scope.reach == "subject":
            firms = {row["enterprise_id"] for row in enterprises if any(row.get(flag) for flag in scope.flags)}
        elif scope.reach == "township":
            firms = {row["enterprise_id"] for row in enterprises if row["township_code"] in own}
        elif scope.reach == "enterprise":
            firms = {row["enterprise_id"] for row in enterprises if row["enterprise_id"] == scope.unit}
    patterns = [re.compile(pattern) for pattern in scope.patterns]
    limited = scope.reach == "subject"
    indicators = {code for code in codes if not limited or any(pattern.fullmatch(code) for pattern in patterns)}
    hidden = tuple(sorted({row["name_zh"] for row in enterprises if row["enterprise_id"] not in firms} - {None, ""}))
    if scope.reach == "none":
        indicators = set()
    return Resolved(
        own,
        frozenset(firms),
        frozenset(indicators),
        hidden,
        scope.sees_county,
        scope.sees_county_files,
        scope.suppressed,
        all_indicators=not limited and scope.reach != "none",
    )


@lru_cache(maxsize=1)
def rules() -> dict[str, dict[str, str]]:
    """Relation → its row of relations.csv."""
    with (FOLDER / "relations.csv").open(encoding="utf-8", newline="") as handle:
        return {row["relation"]: row for row in csv.DictReader(handle)}


@lru_cache(maxsize=1)
def open_queries() -> dict[str, str]:
    """Queries that run over all rows because their answer tells of none but the reader's → parameter that must be in scope."""
    with (FOLDER / "open_queries.csv").open(encoding="utf-8", newline="") as handle:
        return {row["query"]: row["guard"] for row in csv.DictReader(handle)}


def _among(kind: str, column: str) -> str:
    # list_contains becomes a join, above which a page's own conditions are applied: a whole table read for one row.
    found = f"coalesce(list_position(${PREFIX}{kind}, {column}) > 0, false)"
    return f"(${PREFIX}whole or {found})" if kind == "indicators" else found


def _suppressed(rule: dict[str, str], which: str = "suppressed") -> str:
    """Whether the figure of a row, its county's, or the row's of any month may identify an enterprise and is left out.

    A subquery that does not look at the row it is asked for: DuckDB answers it once, after the page's own conditions.
    """
    level, unit, indicator, period = (
        column if column.startswith("'") else f"{rule['relation']}.{column}" for column in rule["hidden"].split("|")
    )
    template = (FOLDER / f"{which}.sql").read_text(encoding="utf-8").strip()
    return template.format(level=level, unit=unit, indicator=indicator, period=period)


def _predicate(rule: dict[str, str]) -> str:
    """The condition on a row of one relation; false where the rule names no unit."""
    if rule["open"] == "true":
        return "true"
    units = []
    if rule["level"]:
        level, unit = rule["level"], rule["unit"]
        units.append(f"({level} = 'township' and {_among('townships', unit)})")
        units.append(f"({level} = 'enterprise' and {_among('enterprises', unit)})")
        if rule["county"]:
            units.append(f"({level} = 'county' and ${PREFIX}{rule['county']})")
    if rule["township"]:
        units.append(_among("townships", rule["township"]))
    if rule["enterprise"]:
        units.append(_among("enterprises", rule["enterprise"]))
    terms = [f"({' or '.join(units)})" if units else "false"]
    if rule["indicator"]:
        column = rule["indicator"]
        terms.append(f"({column} is null or {_among('indicators', column)})")
    if rule["gate"]:
        terms.append(_among("indicators", f"'{rule['gate']}'"))
    # A text written by us or by a reporter may name an enterprise beside the row's own.
    for column in filter(None, rule["texts"].split("|")):
        terms.append(f"len(list_filter(${PREFIX}hidden, lambda n: contains(coalesce({column}, ''), n))) = 0")
    if rule["hidden"]:
        terms.append(f"not coalesce({_suppressed(rule)}, false)")
    return " and ".join(terms)


def _columns(rule: dict[str, str]) -> str:
    """All columns; emptied are those that tell which enterprise a row is about where it is out of scope, those by which a
    county's figure that is left out could be computed, and those that look back at months of which one is left out."""
    masked = [column for column in rule["mask"].split("|") if column]
    parts = [
        f"case when {_among('enterprises', rule['enterprise'])} then {column} end as {column}" for column in masked
    ]
    for rules_of, which in (("gives_away", "suppressed_county"), ("looks_back", "suppressed_ever")):
        telling = [column for column in rule[rules_of].split("|") if column]
        kept = f"not coalesce({_suppressed(rule, which)}, false)" if telling else ""
        parts += [f"case when {kept} then {column} end as {column}" for column in telling]
    return f"* replace ({', '.join(parts)})" if parts else "*"


@lru_cache(maxsize=256)
def scoped(text: str) -> tuple[str, tuple[str, ...]]:
    """A query over `marts.x` made to read only rows of a scope, and the parameters it needs.

    Raises OutOfScope where it names a relation without a rule.
    """
    bare = _COMMENT.sub("", text)
    names = list(dict.fromkeys(RELATION.findall(bare)))
    known = rules()
    unknown = [name for name in names if name not in known]
    if unknown:
        raise OutOfScope(f"no rule in data/scope/relations.csv for {', '.join(unknown)}")
    template = (FOLDER / "relation.sql").read_text(encoding="utf-8").strip()
    parts = [
        template.format(relation=name, columns=_columns(known[name]), predicate=_predicate(known[name]))
        for name in names
    ]
    body = RELATION.sub(r"\1", bare)
    if not parts:
        return body, ()
    head = _WITH.match(body)
    joined = "with " + ",\n".join(parts)
    made = f"{joined},\n{body[head.end() :]}" if head else f"{joined}\n{body}"
    needed = tuple(dict.fromkeys(re.findall(rf"\$({PREFIX}[a-z]+)", made)))
    return made, needed
