"""`tew doctor`: whether a home is whole, and what a person must do where it is not.

Belongs here: checks that only read: hashes, versions, disk, permissions, accounts. Does not belong here: mending (a refresh,
`tew rebuild`, `tew restore` do that), rules of the field.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from dagster_project.commands.texts import Texts, out
from dagster_project.reference import ReferenceError, load_reference
from dagster_project.settings import PROJECT_ROOT, Settings
from dagster_project.warehouse import home_format
from dagster_project.warehouse.archive import utc_now
from dagster_project.warehouse.errors import WarehouseError
from dagster_project.warehouse.files import begins_with, damaged_sqlite, is_yaml
from dagster_project.warehouse.pointer import current_version, read_manifest, version_file, version_names

if TYPE_CHECKING:
    from dashboard.access.accounts import Account

PIECE = 1 << 20
# A refresh writes a candidate beside the work database, then a published copy.
ROOM_FACTOR = 3
GAPS_SHOWN = 5
# How a DuckDB file begins. https://duckdb.org/docs/stable/internals/storage
DUCKDB_MARK, DUCKDB_MARK_AT = b"DUCK", 8
LEAST_ROOM = 500_000_000


@dataclass(frozen=True)
class Finding:
    """One check's result: severity is ok, warning or error; `key` is a row of messages.csv."""

    severity: str
    key: str
    fields: dict[str, object] = field(default_factory=dict)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while piece := handle.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()


def _archive(settings: Settings) -> Iterator[Finding]:
    """Every archived file holds the bytes it is named by; the journal names each, none that is missing, and has no gap."""
    named: set[str] = set()
    numbers: set[int] = set()
    newest = ""
    lines = settings.journal.read_bytes().splitlines() if settings.journal.is_file() else []
    for number, line in enumerate(lines, 1):
        try:
            event = json.loads(line)
            if event.get("sha256"):
                named.add(str(event["sha256"]))
            if event.get("event") == "received":
                numbers.add(int(event["seq"]))
            newest = max(newest, str(event.get("at") or ""))
        except (ValueError, AttributeError, KeyError, TypeError):
            severity = "warning" if number == len(lines) else "error"
            yield Finding(severity, "doctor.journal_line", {"line": number})
    files = [path for path in sorted(settings.archive.glob("??/*")) if len(path.name) == 64 and path.is_file()]
    if not lines and (files or version_names(settings)):
        yield Finding("error", "doctor.journal_missing", {"files": len(files)})
    for gap in sorted(set(range(1, max(numbers, default=0))) - numbers)[:GAPS_SHOWN]:
        yield Finding("error", "doctor.journal_gap", {"number": gap})
    missing, unnamed = set(named), []
    for path in files:
        if _sha256(path) != path.name:
            yield Finding("error", "doctor.archive_altered", {"file": f"archive/{path.parent.name}/{path.name}"})
        missing.discard(path.name)
        if path.name not in named:
            unnamed.append(f"archive/{path.parent.name}/{path.name}")
    for sha256 in sorted(missing):
        yield Finding("error", "doctor.archive_missing", {"file": f"archive/{sha256[:2]}/{sha256}"})
    if unnamed and lines:
        yield Finding("warning", "doctor.archive_unnamed", {"files": len(unnamed), "file": unnamed[0]})
    if newest[:19] > (now := utc_now().isoformat())[:19]:
        yield Finding("warning", "doctor.clock", {"newest": newest[:19], "now": now[:19]})
    yield Finding("ok", "doctor.archive", {"files": len(files)})


def _versions(settings: Settings) -> Iterator[Finding]:
    current = current_version(settings)
    names = version_names(settings)
    for name in names:
        manifest = read_manifest(settings, name)
        severity = "error" if name == current else "warning"
        if manifest is None:
            yield Finding(severity, "doctor.manifest_damaged", {"version": name})
        elif manifest.get("sha256") and _sha256(version_file(settings, name)) != manifest["sha256"]:
            yield Finding(severity, "doctor.version_altered", {"version": name})
    if current is None and names:
        yield Finding("error", "doctor.no_pointer", {"version": names[-1]})
    elif current is not None and current not in names:
        yield Finding("error", "doctor.version_missing", {"version": current})
    elif not names and settings.journal.is_file():
        yield Finding("error", "doctor.nothing_published")
    yield Finding("ok", "doctor.versions", {"versions": len(names), "current": current or "-"})


def _databases(settings: Settings) -> Iterator[Finding]:
    """What a refresh makes anew by itself, told so that nobody mends it by hand: the work database, Dagster's records."""
    if not settings.warehouse.is_file():
        if version_names(settings):
            yield Finding("warning", "doctor.work_missing")
    elif not begins_with(settings.warehouse, DUCKDB_MARK, DUCKDB_MARK_AT):
        yield Finding("warning", "doctor.work_damaged")
    for path in damaged_sqlite(settings.dagster_home)[:1]:
        yield Finding("warning", "doctor.dagster_damaged", {"file": path.relative_to(settings.home).as_posix()})
    configuration = settings.dagster_home / "dagster.yaml"
    if configuration.is_file() and not is_yaml(configuration):
        yield Finding("warning", "doctor.dagster_yaml", {"file": "dagster/dagster.yaml"})


def _format(settings: Settings) -> Iterator[Finding]:
    """The home is not one of a newer program."""
    found = home_format.number(settings)
    if found > home_format.FORMAT:
        yield Finding("error", "warehouse.home_newer", {"found": found, "known": home_format.FORMAT})


def _disk(settings: Settings) -> Iterator[Finding]:
    sizes = [version_file(settings, name).stat().st_size for name in version_names(settings)[-1:]]
    if settings.warehouse.is_file():
        sizes.append(settings.warehouse.stat().st_size)
    needed = max(LEAST_ROOM, ROOM_FACTOR * sum(sizes))
    free = shutil.disk_usage(settings.home).free
    fields: dict[str, object] = {"free": free // 1_000_000, "needed": needed // 1_000_000}
    yield Finding("ok" if free >= needed else "error", "doctor.disk" if free >= needed else "doctor.disk_full", fields)


def _permissions(settings: Settings) -> Iterator[Finding]:
    closed = 0
    for folder in (settings.home, settings.inbox, settings.archive, settings.work, settings.published):
        if folder.exists() and not folder.is_dir():
            closed += 1
            yield Finding("error", "doctor.not_a_folder", {"folder": folder.name})
        if folder.is_dir() and not os.access(folder, os.W_OK | os.X_OK):
            closed += 1
            yield Finding("error", "doctor.not_writable", {"folder": folder.name})
    secret = settings.home / "accounts"
    for path in (secret / "accounts.json", secret / "secret.key", secret / "activity.jsonl"):
        if os.name != "nt" and path.is_file() and stat.S_IMODE(path.stat().st_mode) & 0o077:
            yield Finding("error", "doctor.too_open", {"file": f"accounts/{path.name}"})
    if not closed:
        yield Finding("ok", "doctor.permissions")


def _accounts(settings: Settings) -> Iterator[Finding]:
    from dashboard.access.accounts import Accounts

    accounts = Accounts(settings)
    if accounts.is_damaged:
        yield Finding("error", "user.damaged", {"file": "accounts/accounts.json"})
    elif not accounts.exist():
        yield Finding("ok", "doctor.no_accounts")
    else:
        yield from _people(settings, accounts.all())
        yield Finding("ok", "doctor.accounts", {"accounts": len(accounts.all())})


def _people(settings: Settings, accounts: Iterable[Account]) -> Iterator[Finding]:
    """Accounts that open nothing, since what they rest on is gone: a role, a subject, a unit."""
    from dashboard.access.accounts import AccountError
    from dashboard.access.roles import load_roles

    try:
        roles = load_roles(settings)
    except ReferenceError:
        # Told with the reference data.
        return
    units = _units(settings)
    for account in accounts:
        try:
            roles.check(account)
        except AccountError:
            yield Finding("error", "doctor.account", {"name": account.name, "role": account.role})
        if units and account.unit and account.unit not in units:
            yield Finding("error", "doctor.account_unit", {"name": account.name, "unit": account.unit})


def _units(settings: Settings) -> set[str]:
    """Townships and enterprises that the served version knows; empty where it cannot be asked."""
    import duckdb

    from dagster_project.warehouse.read import PublishedReader

    known = "SELECT township_code FROM marts.dim_township UNION SELECT enterprise_id FROM marts.dim_enterprise"
    try:
        return {str(row[0]) for row in PublishedReader(settings).query(known)[1]}
    except (WarehouseError, duckdb.Error, OSError):
        return set()


def _alerts(settings: Settings) -> Iterator[Finding]:
    """alerts.toml can be read, and by its owner alone: addresses in it are secrets."""
    from dagster_project.alerts import channels

    try:
        found = channels.load(settings)
    except WarehouseError as error:
        yield Finding("error", error.key, error.fields)
        return
    if channels.is_open_to_others(settings):
        yield Finding("error", "doctor.too_open", {"file": channels.FILE})
    yield Finding("ok", "doctor.alerts", {"channels": len(found.channels)})


def _software(settings: Settings) -> Iterator[Finding]:
    """The reference data can be read, and the installed packages are those of the lock."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        load_reference(settings.seeds)
    except ReferenceError as error:
        yield Finding("error", "cli.reference_error", {"problem": error})
        yield Finding("warning", "upgrade.hint")
    lock = PROJECT_ROOT / "requirements.lock"
    differing = []
    for line in lock.read_text(encoding="utf-8").splitlines() if lock.is_file() else []:
        if "==" not in line or line.startswith((" ", "#")) or ";" in line:
            continue
        name, _, wanted = line.split("\\")[0].strip().partition("==")
        try:
            found = version(name.split("[")[0])
        except PackageNotFoundError:
            found = "-"
        if found != wanted:
            differing.append(f"{name} {found} ({wanted})")
    if differing:
        yield Finding("warning", "doctor.packages", {"packages": ", ".join(differing)})
    yield Finding("ok", "doctor.software", {"python": sys.version.split()[0]})


def examine(settings: Settings) -> list[Finding]:
    """Every check, in the order of the report."""
    if not settings.home.is_dir():
        return [Finding("error", "doctor.no_home", {"home": settings.home.name})]
    checks = (_format, _archive, _versions, _databases, _disk, _permissions, _accounts, _alerts, _software)
    return [finding for check in checks for finding in check(settings)]


def run(settings: Settings, *, as_json: bool) -> int:
    """Print the report; 1 where something is wrong that a person must mend."""
    texts = Texts(settings.seeds)
    findings = examine(settings)
    if as_json:
        rows = [{"severity": found.severity, **texts.as_dict(found.key, **found.fields)} for found in findings]
        out(json.dumps(rows, ensure_ascii=False))
    else:
        marks = {"ok": "✓", "warning": "!", "error": "✗"}
        for found in findings:
            zh, en = texts.pair(found.key, **found.fields)
            out(f"{marks[found.severity]} {zh}\n  {en}")
    return 1 if any(found.severity == "error" for found in findings) else 0
