"""`tew user`, `tew log`: accounts and the activity log. Printing and asking for passwords only.

Belongs here: arguments to accounts, passwords from the terminal or stdin. Does not belong here: how accounts are kept
(dashboard/access/accounts.py), what a role reaches (reference data).
"""

from __future__ import annotations

import getpass
import json
import sys
from collections.abc import Callable, Sequence

from dagster_project.commands import render
from dagster_project.commands.texts import CommandError, Texts, out
from dagster_project.settings import Settings
from dashboard.access import activity
from dashboard.access.accounts import Account, AccountError, Accounts
from dashboard.access.roles import load_roles


def _kept(change: Callable[[], None]) -> None:
    try:
        change()
    except AccountError as error:
        raise CommandError(error.key, **error.fields) from error


def _password() -> str:
    """Typed twice at a terminal; the first line of stdin otherwise. Never an argument: those are seen by others."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass("password: ")
    if getpass.getpass("again: ") != first:
        raise CommandError("user.not_same")
    return first


def _done(settings: Settings, key: str, name: str, as_json: bool) -> None:
    texts = Texts(settings.seeds)
    if as_json:
        out(json.dumps({"status": "done", "name": name, **texts.as_dict(key, name=name)}, ensure_ascii=False))
    else:
        out(texts.lines(key, name=name))


def add(
    settings: Settings,
    name: str,
    role: str,
    unit: str | None,
    subjects: Sequence[str],
    person: str | None,
    *,
    is_outside: bool = False,
    as_json: bool,
) -> None:
    """Keep a new account; raises CommandError where role, unit, name or password cannot be.

    `is_outside`: it signs in through the proxy or the provider alone, so its password is one that nobody knows.
    """
    account = Account(name, role, unit, tuple(subjects), person)
    _kept(lambda: load_roles(settings).check(account))
    password = None if is_outside else _password()
    _kept(lambda: Accounts(settings).add(account, password))
    activity.record(settings, "account_added", target=name, role=role, unit=unit)
    _done(settings, "user.added", name, as_json)


def remove(settings: Settings, name: str, *, as_json: bool) -> None:
    """Sessions of the account end with their next request."""
    _kept(lambda: Accounts(settings).remove(name))
    activity.record(settings, "account_removed", target=name)
    _done(settings, "user.removed", name, as_json)


def password(settings: Settings, name: str, *, as_json: bool) -> None:
    """A new password; sessions under the old one end."""
    if Accounts(settings).get(name) is None:
        raise CommandError("user.unknown", name=name)
    typed = _password()
    _kept(lambda: Accounts(settings).set_password(name, typed))
    activity.record(settings, "password_changed", target=name)
    _done(settings, "user.password_changed", name, as_json)


def print_all(settings: Settings, *, as_json: bool) -> None:
    """Every account without its hash."""
    accounts = Accounts(settings)
    if accounts.is_damaged:
        raise CommandError("user.damaged", file="accounts/accounts.json")
    rows = [
        {
            "name": account.name,
            "role": account.role,
            "unit": account.unit,
            "subjects": list(account.subjects),
            "person": account.person,
            "created_at": account.created_at,
        }
        for account in accounts.all()
    ]
    if as_json:
        out(json.dumps(rows, ensure_ascii=False))
        return
    columns = ["name", "role", "unit", "subjects", "person", "created_at"]
    shown = [tuple(", ".join(v) if isinstance(v := row[key], list) else v for key in columns) for row in rows]
    out(render.table(columns, shown))


def print_log(
    settings: Settings, act: str | None, user: str | None, since: str | None, limit: int, *, as_json: bool
) -> None:
    """The newest acts first."""
    rows = activity.search(settings, act=act, user=user, since=since, limit=limit)
    if as_json:
        out(json.dumps(rows, ensure_ascii=False))
        return
    columns = ["at", "act", *[name for name in activity.FIELDS if any(name in row for row in rows)]]
    out(render.table(columns, [tuple(row.get(name) for name in columns) for row in rows]))
