"""Are the marts of refreshes that keep earlier years the same, cell by cell, as marts made whole?

Takes a published home (default: a demonstration county made for it), holds some submissions back, then lets random things
happen to the rows that were received: held ones arrive, months are corrected, blanked, answered twice, withdrawn, accidents
come and go, errors are accepted, targets change, units fall silent, close or are registered anew. After each the marts are
made as a refresh makes them, published, and held against a whole build.
Belongs here: what can happen to schema raw, the loop, its table. Does not belong here: the comparison
(warehouse/increments.py).
Run: python -m benchmarks.increments [--steps 30] [--seed 1] [--months 36] [--home HOME] [--json FILE]
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.report import emit
from dagster_project.settings import Settings, load_settings
from dagster_project.warehouse import build, increments, publish, store

OF_A_SUBMISSION = ("observation", "declared_total", "incident", "task", "coverage", "issue")

Connection = duckdb.DuckDBPyConnection


def hold_back(connection: Connection, chance: random.Random, count: int) -> None:
    """Move random submissions of figures, with all their rows, into a schema of their own."""
    connection.execute("CREATE SCHEMA held")
    for table in ("submission", *OF_A_SUBMISSION):
        connection.execute(f"CREATE TABLE held.{table} AS FROM raw.{table} LIMIT 0")
    for submission in chance.sample(_submissions(connection), count):
        for table in ("submission", *OF_A_SUBMISSION):
            connection.execute(f"INSERT INTO held.{table} FROM raw.{table} WHERE submission_id = ?", [submission])
            connection.execute(f"DELETE FROM raw.{table} WHERE submission_id = ?", [submission])


def _submissions(connection: Connection) -> list[str]:
    """Those in force that no register depends on."""
    return [
        row[0]
        for row in connection.execute(
            "SELECT submission_id FROM raw.submission WHERE status = 'accepted' AND submission_id NOT IN "
            "(SELECT submission_id FROM raw.enterprise) AND submission_id NOT IN (SELECT submission_id FROM "
            "raw.unit_change) ORDER BY seq"
        ).fetchall()
    ]


def _next(connection: Connection) -> tuple[int, str]:
    row = connection.execute("SELECT max(seq) + 1 FROM (FROM raw.submission UNION ALL FROM held.submission)").fetchone()
    number = int(row[0]) if row else 1
    return number, f"S{number:06d}"


def arrive(connection: Connection, chance: random.Random) -> str:
    """One that was held back, as the last submission."""
    held = connection.execute("SELECT submission_id FROM held.submission ORDER BY 1").fetchall()
    if not held:
        return correct(connection, chance)
    (submission,) = chance.choice(held)
    seq, name = _next(connection)
    for table in ("submission", *OF_A_SUBMISSION):
        has_seq = table != "act"
        extra = ", ?::BIGINT AS seq" if has_seq else ""
        connection.execute(
            f"INSERT INTO raw.{table} SELECT * REPLACE (? AS submission_id{extra}) FROM held.{table} "
            "WHERE submission_id = ?",
            [name, seq, submission],
        )
        connection.execute(f"DELETE FROM held.{table} WHERE submission_id = ?", [submission])
    return f"arrived: {_named(connection, name)}"


def _named(connection: Connection, submission: str) -> str:
    row = connection.execute(
        "SELECT form_code || ' ' || coalesce(strftime(period, '%Y-%m'), '-') FROM raw.submission WHERE submission_id = ?",
        [submission],
    ).fetchone()
    return str(row[0]) if row else submission


def _again(connection: Connection, chance: random.Random, value: str, where: str, what: str) -> str:
    """A random submission is sent once more: `value` in place of its values, of the rows that `where` keeps."""
    submission = chance.choice(_submissions(connection))
    seq, name = _next(connection)
    connection.execute(
        "INSERT INTO raw.submission SELECT * REPLACE (? AS submission_id, ?::BIGINT AS seq, "
        "file_name || '-' || ? AS file_name, received_at + to_days(3) AS received_at) "
        "FROM raw.submission WHERE submission_id = ?",
        [name, seq, name, submission],
    )
    luck = chance.randint(0, 10**6)
    connection.execute(
        f"INSERT INTO raw.observation SELECT * REPLACE (? AS submission_id, ?::BIGINT AS seq, {value}) "
        f"FROM raw.observation WHERE submission_id = ? AND {where.format(luck=luck)}",
        [name, seq, submission],
    )
    connection.execute(
        "INSERT INTO raw.coverage SELECT * REPLACE (? AS submission_id, ?::BIGINT AS seq) "
        "FROM raw.coverage WHERE submission_id = ?",
        [name, seq, submission],
    )
    return f"{what}: {_named(connection, name)}"


def correct(connection: Connection, chance: random.Random) -> str:
    """Some figures of a submission, said anew."""
    factor = chance.choice(("0.5", "0.97", "1.01", "1.3", "10", "0", "-1"))
    return _again(
        connection,
        chance,
        f"CAST(value * {factor} AS DECIMAL(24, 6)) AS value",
        "hash(cell, {luck}) % 4 = 0",
        f"corrected by {factor}",
    )


def blank(connection: Connection, chance: random.Random) -> str:
    """Some figures of a submission become blanks of every kind."""
    reason = chance.choice(("unknown", "na", "below_unit", "not_reported", "suspended", "closed"))
    return _again(
        connection,
        chance,
        f"CAST(NULL AS DECIMAL(24, 6)) AS value, '{reason}' AS null_reason",
        "hash(unit_id, {luck}) % 6 = 0",
        f"blanked ({reason})",
    )


def carry(connection: Connection, chance: random.Random) -> str:
    """Some figures of a submission are called carried."""
    return _again(connection, chance, "true AS is_carried", "hash(unit_id, {luck}) % 6 = 0", "carried")


def withdraw(connection: Connection, chance: random.Random) -> str:
    """A submission goes out of force."""
    submission = chance.choice(_submissions(connection))
    connection.execute(
        "UPDATE raw.submission SET status = 'withdrawn', withdrawn_at = received_at + to_days(40) "
        "WHERE submission_id = ?",
        [submission],
    )
    return f"withdrawn: {_named(connection, submission)}"


def silence(connection: Connection, chance: random.Random) -> str:
    """One unit's rows of a random form are gone from a random month on, for some months."""
    row = chance.choice(
        connection.execute(
            "SELECT DISTINCT form_code, unit_id, period FROM raw.observation WHERE unit_id IS NOT NULL ORDER BY ALL"
        ).fetchall()
    )
    months = chance.choice((1, 2, 5, 14))
    connection.execute(
        "DELETE FROM raw.observation WHERE form_code = ? AND unit_id = ? AND period >= ? "
        "AND period < CAST(? AS DATE) + to_months(?)",
        [*row, row[2], months],
    )
    return f"silent for {months} months: {row[0]} {row[1]} {row[2]:%Y-%m}"


def accident(connection: Connection, chance: random.Random) -> str:
    """An accident is struck from the register, or becomes graver."""
    found = connection.execute("SELECT DISTINCT incident_id, occurred_on FROM raw.incident ORDER BY 1").fetchall()
    if not found:
        return correct(connection, chance)
    number, on = chance.choice(found)
    if chance.random() < 0.5:
        connection.execute("DELETE FROM raw.incident WHERE incident_id = ?", [number])
        return f"accident struck: {on:%Y-%m}"
    connection.execute("UPDATE raw.incident SET deaths = deaths + 4 WHERE incident_id = ?", [number])
    return f"accident graver: {on:%Y-%m}"


def quarantine(connection: Connection, chance: random.Random) -> str:
    """Audit holds some cells back, or lets held ones go."""
    submission = chance.choice(_submissions(connection))
    status = chance.choice(("quarantined", "accepted"))
    connection.execute(
        "UPDATE raw.observation SET status = ? WHERE submission_id = ? AND hash(cell, ?) % 5 = 0",
        [status, submission, chance.randint(0, 10**6)],
    )
    return f"{status}: {_named(connection, submission)}"


def second_form(connection: Connection, chance: random.Random) -> str:
    """Another form reports the keys of a submission as well, a little otherwise."""
    forms = [row[0] for row in connection.execute("SELECT form_code FROM reference.forms ORDER BY 1").fetchall()]
    form = chance.choice(forms)
    return _again(
        connection,
        chance,
        f"'{form}' AS form_code, CAST(value * 1.02 AS DECIMAL(24, 6)) AS value",
        "hash(unit_id, {luck}) % 5 = 0",
        f"also by {form}",
    )


def close_unit(connection: Connection, chance: random.Random) -> str:
    """A form says of an enterprise that it closed: its register changes without a year."""
    rows = connection.execute(
        "SELECT rowid, unit_id, period FROM raw.coverage WHERE level = 'enterprise' ORDER BY period, unit_id"
    ).fetchall()
    if not rows:
        return correct(connection, chance)
    row, unit, period = chance.choice(rows)
    connection.execute("UPDATE raw.coverage SET status = 'closed' WHERE rowid = ?", [row])
    return f"closed: {unit} {period:%Y-%m}"


def register(connection: Connection, chance: random.Random) -> str:
    """The register says of an enterprise that it stands elsewhere."""
    rows = connection.execute(
        "SELECT e.rowid, e.enterprise_id, (SELECT township_code FROM raw.enterprise o "
        "WHERE o.township_code <> e.township_code ORDER BY 1 LIMIT 1) FROM raw.enterprise e ORDER BY 2, 1"
    ).fetchall()
    row, unit, place = chance.choice(rows)
    connection.execute("UPDATE raw.enterprise SET township_code = ? WHERE rowid = ?", [place, row])
    return f"registered anew: {unit}"


def nothing(connection: Connection, chance: random.Random) -> str:
    """An explanation of an issue: no figure changes."""
    connection.execute("UPDATE raw.issue SET raw_text = coalesce(raw_text, '') || ' ' WHERE hash(cell) % 50 = 0")
    return "issues alone"


CHANGES: dict[Callable[[Connection, random.Random], str], int] = {
    arrive: 6,
    correct: 6,
    blank: 3,
    carry: 2,
    withdraw: 3,
    silence: 3,
    accident: 2,
    quarantine: 2,
    second_form: 2,
    close_unit: 1,
    register: 1,
    nothing: 1,
}


def change(connection: Connection, chance: random.Random) -> str:
    """One thing that happens to what was received; what it was, in words."""
    (one,) = chance.choices(list(CHANGES), weights=list(CHANGES.values()))
    return one(connection, chance)


def refreshed(settings: Settings) -> build.BuildResult:
    """Build and publish what the work database holds; SystemExit where it does not pass."""
    result = build.build(settings)
    if not result.ok:
        raise SystemExit(
            f"the build failed: {result.error or [(n.name, n.message, n.sample) for n in result.failures]}"
        )
    publish.publish(settings, result)
    return result


def run(settings: Settings, steps: int, seed: int, held: int = 30) -> list[dict[str, Any]]:
    """One row a step: what happened, what was made anew, seconds of it, and how many rows differ from a whole build."""
    chance = random.Random(seed)
    with store.connect(settings.warehouse) as connection:
        hold_back(connection, chance, min(held, len(_submissions(connection)) // 3))
    refreshed(settings)
    rows = []
    for step in range(1, steps + 1):
        with store.connect(settings.warehouse) as connection:
            told = change(connection, chance)
        started = time.process_time()
        result = refreshed(settings)
        seconds = time.process_time() - started
        found = increments.compare(settings)
        row = {
            "step": step,
            "what happened": told,
            "made anew": result.since or f"whole: {result.whole}",
            "processor s": round(seconds, 1),
            "rows that differ": sum(one.published + one.whole for one in found),
            "where": ", ".join(one.table for one in found) or "-",
        }
        print(row, file=sys.stderr, flush=True)
        rows.append(row)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--months", type=int, default=36)
    parser.add_argument("--home", type=Path, help="a published home to copy; default: a demonstration county")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary) / "home"
        if chosen.home is not None:
            shutil.copytree(chosen.home, home)
        else:
            environment = {**os.environ, "TEW_HOME": str(home)}
            for words in (["demo", "--months", str(chosen.months)], ["refresh"]):
                command = [sys.executable, "-m", "dagster_project.cli", *words]
                subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
        rows = run(load_settings(home=home), chosen.steps, chosen.seed)
    emit("marts that keep earlier years, held against whole ones", rows, chosen.json)
    if any(row["rows that differ"] for row in rows):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
