"""Open SDG's progress measure beside ours on generated targets: who gives an answer, who a reason, who neither.

Belongs here: the cases, both judgements of each, the table. Does not belong here: how a target is judged
(dbt/models/intermediate/int_target_progress.sql).

    python -m benchmarks.open_sdg [--targets 200] [--seed 1] [--json FILE] [--list]

Theirs is the formula of sdg-build's ProgressMeasure for a target with a number: the growth from the base year to now over
the growth required until the target year, each as a compound rate; a base or target of 0 counts as 0.001, nothing is
said where base and current value differ in sign. Ours is the row of marts.fct_target_progress and
fct_indicator_progress that the real dbt project makes of the same figures. Prints per kind of case how many got an
answer from each. Exit 1 where one of ours has neither an answer nor a stated reason.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.report import emit
from dagster_project.reference import load_reference
from dagster_project.settings import PROJECT_ROOT, Settings, load_settings
from dagster_project.warehouse import build, reference_tables

NEARLY_NOTHING = 0.001
THIS_YEAR = "2026-10-01"
TARGET_AT = "2026-12-01"
DOWNWARD = ("cap", "reduction")


@dataclass(frozen=True)
class Case:
    """One target: what was, what is, what shall be. `target` None is a blank one, `current` None an absent report."""

    kind: str
    indicator: str
    measure: str
    form: str
    base: float | None
    current: float | None
    target: float | None


@dataclass(frozen=True)
class Judged:
    """What somebody says of a case: a judgement, else a reason for none, else nothing at all."""

    answer: str | None = None
    reason: str | None = None


# --- cases --------------------------------------------------------------------------------------------------------------


def cases(count: int, seed: int) -> list[Case]:
    """`count` targets, the kinds in turn, their figures at random."""
    chance = random.Random(seed)
    makers = list(KINDS.items())
    return [make(chance, name) for number in range(count) for name, make in [makers[number % len(makers)]]]


def _flow(chance: random.Random, kind: str, base: float | None, current: float | None, target: float | None) -> Case:
    code = chance.choice(("TE01", "TE02", "TE03", "TE08", "BF01", "BF02"))
    return Case(kind, code, "ytd", "level", base, current, target)


def _profit(chance: random.Random, kind: str, base: float | None, current: float | None, target: float | None) -> Case:
    return Case(kind, chance.choice(("BF05", "BF09", "BF10")), "ytd", "level", base, current, target)


def _some(chance: random.Random) -> float:
    return float(chance.randint(1, 5000))


KINDS: dict[str, Callable[[random.Random, str], Case]] = {
    "level, ordinary": lambda r, k: _flow(r, k, _some(r), _some(r), _some(r)),
    "level, base zero": lambda r, k: _flow(r, k, 0, _some(r), _some(r)),
    "level, nothing yet": lambda r, k: _flow(r, k, _some(r), 0, _some(r)),
    "level, no base known": lambda r, k: _flow(r, k, None, _some(r), _some(r)),
    "level, not reported": lambda r, k: _flow(r, k, _some(r), None, _some(r)),
    "level, target blank": lambda r, k: _flow(r, k, _some(r), _some(r), None),
    "level, target as the base": lambda r, k: (lambda b: _flow(r, k, b, _some(r), b))(_some(r)),
    "profit, from loss to profit": lambda r, k: _profit(r, k, -_some(r), _some(r), _some(r)),
    "profit, from profit to loss": lambda r, k: _profit(r, k, _some(r), -_some(r), _some(r)),
    "profit, loss to be limited": lambda r, k: _profit(r, k, -_some(r), -_some(r), -_some(r)),
    "profit, to break even": lambda r, k: _profit(r, k, -_some(r), r.choice((-1, 1)) * _some(r), 0),
    "profit, loss and a target above": lambda r, k: _profit(r, k, -_some(r), -_some(r), _some(r)),
    "growth, ordinary": lambda r, k: Case(k, "BF03", "ytd", "growth", _some(r), _some(r), float(r.randint(1, 30))),
    "growth, base zero": lambda r, k: Case(k, "BF04", "ytd", "growth", 0, _some(r), float(r.randint(1, 30))),
    "growth, base negative": lambda r, k: Case(k, "BF05", "ytd", "growth", -_some(r), _some(r), 10.0),
    "stock to be reached": lambda r, k: Case(k, "TE04", "stock", "level", 1000, 1000 + r.randint(-50, 400), 1200),
    "stock to be held": lambda r, k: Case(k, "TE04", "stock", "level", 1000, 1000 + r.randint(-90, 90), 950),
    "cap": lambda r, k: Case(k, "EN02", "ytd", "cap", _some(r), _some(r), _some(r)),
    "cap of zero": lambda r, k: Case(k, "EN02", "ytd", "cap", r.choice((0, _some(r))), r.choice((0, _some(r))), 0),
    "reduction": lambda r, k: Case(k, "EN00", "ytd", "reduction", _some(r), _some(r), float(r.randint(1, 10))),
}


# --- theirs -------------------------------------------------------------------------------------------------------------


def theirs(case: Case) -> Judged:
    """Observed over required growth; both years one apart, so that a compound rate is a plain one."""
    if case.target is None or case.base is None or case.current is None:
        return Judged()
    base = case.base or NEARLY_NOTHING
    if base * case.current < 0:
        return Judged()
    # their targets are levels: one of growth or reduction is the level it leads to
    target = {
        "growth": base * (1 + case.target / 100),
        "reduction": base * (1 - case.target / 100),
    }.get(case.form, case.target)
    target = target or NEARLY_NOTHING
    required = target / base - 1
    if required == 0:
        return Judged()
    direction = -1 if case.form in DOWNWARD else 1
    return Judged(answer=f"{(-1 if base < 0 else 1) * direction * (case.current / base - 1) / abs(required):.3f}")


# --- ours ---------------------------------------------------------------------------------------------------------------


def ours(found: Sequence[Case], home: Path) -> list[Judged]:
    """The same targets through the whole dbt project on a warehouse of their own below `home`.

    A (township, indicator) holds one target; cases that meet on one go into another round.
    """
    settings = load_settings(home=home)
    judged: list[Judged] = [Judged()] * len(found)
    for places in _rounds(found, townships(settings)):
        made = _marts(settings, [(found[number], unit) for number, unit in places.items()])
        for number, unit in places.items():
            judged[number] = _read(made, found[number], unit)
        made.close()
    return judged


def townships(settings: Settings) -> list[str]:
    """Townships that stand throughout the two years."""
    rows = load_reference(settings.seeds).tables["townships"]
    return [str(row["township_code"]) for row in rows if not row["valid_to"] and str(row["valid_from"]) < "2020-01-01"]


def _rounds(found: Sequence[Case], units: Sequence[str]) -> list[dict[int, str]]:
    """Case number → township, so that within a round no township has two targets of one indicator."""
    rounds: list[dict[int, str]] = []
    taken: list[set[tuple[str, str]]] = []
    for number, case in enumerate(found):
        for index in range(len(found)):
            if index == len(rounds):
                rounds.append({})
                taken.append(set())
            free = [unit for unit in units if (unit, case.indicator) not in taken[index]]
            if free:
                rounds[index][number] = free[0]
                taken[index].add((free[0], case.indicator))
                break
    return rounds


def _marts(settings: Settings, placed: Sequence[tuple[Case, str]]) -> duckdb.DuckDBPyConnection:
    settings.work.mkdir(parents=True, exist_ok=True)
    settings.warehouse.unlink(missing_ok=True)
    with duckdb.connect(str(settings.warehouse)) as work:
        work.execute((PROJECT_ROOT / "dagster_project" / "warehouse" / "schema.sql").read_text(encoding="utf-8"))
        reference_tables.load(work, load_reference(settings.seeds), settings)
        for seq, (form, period, received) in enumerate(
            (
                ("TG-Y1", TARGET_AT, "2026-01-20"),
                ("TE-M1", "2025-12-01", "2026-01-21"),
                ("TE-M1", THIS_YEAR, "2026-11-05"),
            ),
            start=1,
        ):
            work.execute(
                "insert into raw.submission (submission_id, seq, file_name, sha256, size_bytes, file_kind, form_code,"
                " period, received_at, ingested_at, status, observations, errors, warnings)"
                " values (?, ?, ?, ?, 1, 'xlsx', ?, ?, ?, ?, 'accepted', 0, 0, 0)",
                [f"S{seq:06d}", seq, f"{seq}.xlsx", f"{seq:064d}", form, period, received, received],
            )
        for number, (case, unit) in enumerate(placed):
            for cell in _cells(case):
                _put(work, number, unit, case, *cell)
    result = build.build(settings)
    if not result.ok:
        raise RuntimeError([(node.name, node.message, node.sample) for node in result.failures] or result.error)
    return duckdb.connect(str(settings.candidate), read_only=True)


def _cells(case: Case) -> list[tuple[int, str, str, float | None]]:
    """(submission, period, measure, value) of every cell of a case."""
    cells: list[tuple[int, str, str, float | None]] = [
        (1, TARGET_AT, "target_growth" if case.form == "growth" else "target", case.target),
        (3, THIS_YEAR, case.measure, case.current),
    ]
    if case.base is not None:
        cells.append(
            (2, "2025-12-01", "stock", case.base) if case.measure == "stock" else (3, THIS_YEAR, "base_ytd", case.base)
        )
    return cells


def _put(
    work: duckdb.DuckDBPyConnection,
    number: int,
    unit: str,
    case: Case,
    submission: int,
    period: str,
    measure: str,
    value: float | None,
) -> None:
    form = {1: "TG-Y1"}.get(submission, "TE-M1")
    received = {1: "2026-01-20", 2: "2026-01-21", 3: "2026-11-05"}[submission]
    work.execute(
        "insert into raw.observation (submission_id, seq, form_code, indicator_code, level, unit_id, township_code, period,"
        " measure, line_no, value, null_reason, is_estimated, is_carried, target_form, sheet, cell, raw_text, unit_factor,"
        " status, received_at) values (?, ?, ?, ?, 'township', ?, ?, ?, ?, 1, ?, ?, false, false, ?, 'Sheet1', ?, ?, 1,"
        " 'accepted', ?)",
        [
            f"S{submission:06d}",
            submission,
            form,
            case.indicator,
            unit,
            unit,
            period,
            measure,
            value,
            None if value is not None else "unknown" if measure.startswith("target") else "not_reported",
            case.form if measure.startswith("target") else None,
            f"{measure[0].upper()}{number + 1}",
            "" if value is None else str(value),
            received,
        ],
    )


def _read(marts: duckdb.DuckDBPyConnection, case: Case, unit: str) -> Judged:
    row = marts.execute(
        "select target.lamp, target.gap_pp, target.attainment_pct, target.target_value, figure.growth_note_en"
        " from marts.fct_target_progress as target"
        " left join marts.fct_indicator_progress as figure"
        " on figure.basis = 'comparable' and target.level = figure.level and target.unit_id = figure.unit_id"
        " and target.indicator_code = figure.indicator_code and target.period = figure.period"
        " where target.unit_id = ? and target.indicator_code = ? and target.target_form = ?"
        " and target.period in (?::date, ?::date) order by target.period limit 1",
        [unit, case.indicator, case.form, THIS_YEAR, TARGET_AT],
    ).fetchone()
    if row is None:
        return Judged()
    lamp, gap, attained, target, note = row
    if lamp in ("green", "yellow", "red"):
        parts = [lamp, None if gap is None else f"{gap:+.1f} pp", None if attained is None else f"{attained:.1f} %"]
        return Judged(answer=", ".join(part for part in parts if part))
    if target is None:
        return Judged(reason="target pending")
    if lamp == "grey":
        return Judged(reason=note or "not reported")
    if note and case.form in ("growth", "reduction"):
        return Judged(reason=note)
    return Judged()


# --- table --------------------------------------------------------------------------------------------------------------


def table(found: Sequence[Case], mine: Sequence[Judged], others: Sequence[Judged]) -> list[dict[str, Any]]:
    """One row per kind of case, and one over all."""
    rows = []
    for kind in [*KINDS, "all"]:
        chosen = [index for index, case in enumerate(found) if kind in ("all", case.kind)]
        if not chosen:
            continue
        rows.append(
            {
                "kind": kind,
                "targets": len(chosen),
                "theirs_answer": sum(others[index].answer is not None for index in chosen),
                "theirs_nothing": sum(others[index].answer is None for index in chosen),
                "theirs_from_0.001": sum(
                    others[index].answer is not None and 0 in (found[index].base, found[index].target)
                    for index in chosen
                ),
                "ours_answer": sum(mine[index].answer is not None for index in chosen),
                "ours_reason": sum(mine[index].reason is not None for index in chosen),
                "ours_neither": sum(mine[index] == Judged() for index in chosen),
            }
        )
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--targets", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--list", action="store_true", help="every target with both judgements")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    found = cases(options.targets, options.seed)
    with tempfile.TemporaryDirectory() as home:
        mine = ours(found, Path(home))
    others = [theirs(case) for case in found]
    if options.list:
        for case, us, them in zip(found, mine, others, strict=True):
            print(case, "| ours:", us.answer or us.reason, "| theirs:", them.answer)
    rows = table(found, mine, others)
    emit("targets with an answer, a reason, neither", rows, options.json)
    return 1 if any(row["ours_neither"] for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
