"""Accounts of a home: who may sign in, with which role and which unit.

Belongs here: TEW_HOME/accounts/accounts.json (argon2 hashes, written atomically, readable by its owner alone), the
secret key of the sessions. Does not belong here: what a role may see (roles.py), sign-in over HTTP (gate.py).

A damaged or unreadable file never opens the system: it counts as "accounts exist", and nobody can sign in.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from dagster_project.settings import Settings
from dagster_project.warehouse.files import write_atomic
from dagster_project.warehouse.lock import file_lock

MIN_PASSWORD = 12
MAX_PASSWORD = 128
# What a sign-in compares at most; earlier programs took passwords as long as this.
MAX_COMPARED = 256
NAME = re.compile(r"[^\s/\\\x00-\x1f\x7f<>\"']{1,64}")
_hasher = PasswordHasher()
# Verified where the name is unknown, so that an answer takes as long as for a known one.
_DECOY = _hasher.hash(secrets.token_hex(16))


class AccountError(ValueError):
    """An account could not be kept; `key` is a row of messages.csv, `fields` fill it."""

    def __init__(self, key: str, **fields: object) -> None:
        super().__init__(key)
        self.key = key
        self.fields = fields


@dataclass(frozen=True)
class Account:
    """One person: `unit` is a township's code or an enterprise's id, `subjects` those of a section."""

    name: str
    role: str
    unit: str | None = None
    subjects: tuple[str, ...] = ()
    person: str | None = None
    password: str = field(default="", repr=False)
    created_at: str = ""

    @property
    def stamp(self) -> str:
        """Changes with the password, the role and the unit: a session made before that ends."""
        text = "\0".join((self.password, self.role, self.unit or "", *self.subjects))
        return sha256(text.encode()).hexdigest()[:16]


def folder(settings: Settings) -> Path:
    return settings.home / "accounts"


def path(settings: Settings) -> Path:
    return folder(settings) / "accounts.json"


def write_private(target: Path, content: bytes) -> None:
    """Write a file that its owner alone can read, whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if os.name != "nt":
        target.parent.chmod(0o700)
    before = os.umask(0o077)
    try:
        write_atomic(target, content)
    finally:
        os.umask(before)
    if os.name != "nt":
        target.chmod(0o600)


class Accounts:
    """The accounts of one home, read again when the file changes. Safe for many threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._path = path(settings)
        self._guard = threading.Lock()
        self._seen: tuple[int, int, int] | None = None
        self._kept: dict[str, Account] = {}
        self._is_damaged = False

    def exist(self) -> bool:
        """Whether anybody has an account; also true where the file is damaged."""
        return bool(self._load()) or self._is_damaged

    @property
    def is_damaged(self) -> bool:
        self._load()
        return self._is_damaged

    def all(self) -> list[Account]:
        return sorted(self._load().values(), key=lambda account: account.name)

    def get(self, name: str) -> Account | None:
        return self._load().get(name)

    def verify(self, name: str, password: str) -> Account | None:
        """The account whose password this is, else None; takes as long for a name that is unknown."""
        account = self.get(name)
        try:
            _hasher.verify(account.password if account else _DECOY, password[:MAX_COMPARED])
        except (VerifyMismatchError, VerificationError, InvalidHashError):
            return None
        return account

    def add(self, account: Account, password: str | None) -> None:
        """Keep a new account; raises AccountError for a name that is taken or a password too short.

        None: a password that nobody knows. It is not judged, since by chance it may hold a short name.
        """
        if not NAME.fullmatch(account.name):
            raise AccountError("user.bad_name", name=account.name)
        if password is None:
            password = secrets.token_urlsafe(48)
        else:
            _check_password(account.name, password)
        with self._changing() as kept:
            if account.name in kept:
                raise AccountError("user.exists", name=account.name)
            now = datetime.now(UTC).isoformat(timespec="seconds")
            fields = {**asdict(account), "password": _hasher.hash(password), "created_at": now}
            kept[account.name] = Account(**{**fields, "subjects": account.subjects})

    def remove(self, name: str) -> None:
        """Raises AccountError where there is no such account."""
        with self._changing() as kept:
            if name not in kept:
                raise AccountError("user.unknown", name=name)
            del kept[name]

    def set_password(self, name: str, password: str) -> None:
        _check_password(name, password)
        with self._changing() as kept:
            if name not in kept:
                raise AccountError("user.unknown", name=name)
            fields = {**asdict(kept[name]), "password": _hasher.hash(password)}
            kept[name] = Account(**{**fields, "subjects": kept[name].subjects})

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Account]]:
        folder(self._settings).mkdir(parents=True, exist_ok=True)
        with file_lock(folder(self._settings) / "accounts.lock", wait_s=10.0):
            kept = dict(self._load())
            if self._is_damaged:
                raise AccountError("user.damaged", file=self._path.name)
            yield kept
            rows = [asdict(account) for account in kept.values()]
            write_private(self._path, (json.dumps(rows, ensure_ascii=False, indent=1) + "\n").encode())

    def _load(self) -> dict[str, Account]:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            self._seen, self._kept, self._is_damaged = None, {}, False
            return self._kept
        except OSError:
            self._kept, self._is_damaged = {}, True
            return self._kept
        seen = (status.st_ino, status.st_mtime_ns, status.st_size)
        with self._guard:
            if seen != self._seen:
                try:
                    rows = json.loads(self._path.read_text(encoding="utf-8"))
                    kept = {row["name"]: Account(**{**row, "subjects": tuple(row["subjects"])}) for row in rows}
                    self._kept, self._is_damaged = kept, False
                except (OSError, ValueError, TypeError, KeyError):
                    self._kept, self._is_damaged = {}, True
                self._seen = seen
            return self._kept


def _check_password(name: str, password: str) -> None:
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise AccountError("user.bad_length", least=MIN_PASSWORD, most=MAX_PASSWORD)
    if name.lower() in password.lower() or len(set(password)) < 5:
        raise AccountError("user.weak")


def secret_key(settings: Settings) -> bytes:
    """The key that signs sessions: made once per home, readable by its owner alone."""
    target = folder(settings) / "secret.key"
    with suppress(OSError):
        kept = target.read_bytes()
        if len(kept) >= 32:
            return kept
    write_private(target, secrets.token_bytes(48))
    return target.read_bytes()
