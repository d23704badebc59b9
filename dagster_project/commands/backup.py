"""`tew backup`, `tew restore`: everything that cannot be made again, in one file.

Belongs here: archive, reference data and accounts as a zip with a hash of every file, and back again. Does not belong here:
what `tew rebuild` makes again from them (warehouse, published versions), copying of inbox files not yet taken in: those are
still in the inbox, and a backup says how many.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from dagster_project.commands.texts import CommandError, Texts, out
from dagster_project.settings import Settings
from dagster_project.warehouse.archive import Journal, scan
from dagster_project.warehouse.files import replacing, sync_directory
from dagster_project.warehouse.lock import refresh_lock

CONTENTS = "contents.json"
FORMAT = 1
PIECE = 1 << 20
# Name in the backup → folder of the home; `reference` is the deployment's, which may lie elsewhere.
IN_HOME = ("archive", "accounts")
LEFT_OUT = (".lock", ".tmp")
WAIT_S = 600.0


def _files(settings: Settings) -> Iterator[tuple[str, Path]]:
    folders = {name: settings.home / name for name in IN_HOME} | {"reference": settings.seeds}
    for name, folder in folders.items():
        for path in sorted(folder.rglob("*")) if folder.is_dir() else []:
            if path.is_file() and not path.is_symlink() and not path.name.endswith(LEFT_OUT):
                yield f"{name}/{path.relative_to(folder).as_posix()}", path


def backup(settings: Settings, file: Path, *, as_json: bool) -> None:
    """Write `file`, whole or not at all, readable by its owner alone; no refresh may write meanwhile."""
    if file.exists():
        raise CommandError("backup.exists", file=file.name)
    if not file.absolute().parent.is_dir():
        raise CommandError("backup.no_folder", folder=file.parent)
    listed: dict[str, str] = {}
    with (
        refresh_lock(settings, wait_s=WAIT_S),
        replacing(file, 0o600) as handle,
        zipfile.ZipFile(handle, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as box,
    ):
        for name, path in _files(settings):
            listed[name] = _pack(box, name, path)
        about: dict[str, Any] = {
            "format": FORMAT,
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "files": listed,
        }
        box.writestr(CONTENTS, json.dumps(about, ensure_ascii=False, indent=1))
    found = scan(settings, Journal(settings.journal).replay())
    waiting = len(found.changed) + len(found.unreadable)
    _say(settings, "backup.done", as_json, file=file.name, files=len(listed), bytes=file.stat().st_size, inbox=waiting)


def _pack(box: zipfile.ZipFile, name: str, path: Path) -> str:
    """Add one file; returns the hash of what was packed."""
    digest = hashlib.sha256()
    info = zipfile.ZipInfo.from_file(path, name, strict_timestamps=False)
    info.compress_type = zipfile.ZIP_DEFLATED
    with path.open("rb") as source, box.open(info, "w", force_zip64=True) as target:
        while piece := source.read(PIECE):
            digest.update(piece)
            target.write(piece)
    return digest.hexdigest()


def restore(settings: Settings, file: Path, *, as_json: bool) -> None:
    """Put a backup into an empty home. Everything is checked before the first file is put in place.

    The reference data goes to `reference/` of the home: TEW_SEEDS says which one is in force.
    """
    taken = [name for name in (*IN_HOME, "published", "reference") if _is_used(settings.home / name)]
    if taken:
        raise CommandError("restore.not_empty", home=settings.home.name, folders=", ".join(taken))
    if not file.is_file():
        raise CommandError("restore.no_file", file=file.name)
    scratch = settings.home / f".restore.{os.getpid()}"
    settings.home.mkdir(parents=True, exist_ok=True)
    try:
        with refresh_lock(settings, wait_s=0.0):
            count = _unpack(file, scratch)
            for folder in sorted(scratch.iterdir()):
                target = settings.home / folder.name
                if target.is_dir():
                    shutil.rmtree(target)
                folder.replace(target)
            sync_directory(settings.home)
    except (zipfile.BadZipFile, OSError, ValueError, KeyError, TypeError) as error:
        raise CommandError("restore.damaged", file=file.name, problem=error) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    _say(settings, "restore.done", as_json, file=file.name, files=count)


def _is_used(folder: Path) -> bool:
    return folder.is_dir() and any(path.is_file() and not path.name.endswith(LEFT_OUT) for path in folder.rglob("*"))


def _unpack(file: Path, scratch: Path) -> int:
    """Every file into `scratch`, each compared with its hash; ValueError where anything is missing, more or altered."""
    with zipfile.ZipFile(file) as box:
        about = json.loads(box.read(CONTENTS))
        if about["format"] != FORMAT:
            raise ValueError(f"format {about['format']}")
        listed: dict[str, str] = about["files"]
        names = {info.filename for info in box.infolist()} - {CONTENTS}
        if names != listed.keys():
            raise ValueError(f"files differ from the list: {sorted(names ^ listed.keys())[:3]}")
        for name, expected in listed.items():
            parts = PurePosixPath(name).parts
            if parts[0] not in (*IN_HOME, "reference") or ".." in parts or "\\" in name or ":" in name:
                raise ValueError(f"not a name of ours: {name}")
            target = scratch.joinpath(*parts)
            target.parent.mkdir(parents=True, exist_ok=True)
            digest = hashlib.sha256()
            with box.open(name) as source, target.open("wb") as handle:
                while piece := source.read(PIECE):
                    digest.update(piece)
                    handle.write(piece)
                handle.flush()
                os.fsync(handle.fileno())
            if digest.hexdigest() != expected:
                raise ValueError(f"altered: {name}")
            stamp = datetime(*box.getinfo(name).date_time).timestamp()
            os.utime(target, (stamp, stamp))
            if parts[0] == "accounts" and os.name != "nt":
                target.chmod(stat.S_IRUSR | stat.S_IWUSR)
                target.parent.chmod(stat.S_IRWXU)
        return len(listed)


def _say(settings: Settings, key: str, as_json: bool, **fields: object) -> None:
    texts = Texts(settings.seeds)
    if as_json:
        out(json.dumps({"status": "done", **fields, **texts.as_dict(key, **fields)}, ensure_ascii=False))
    else:
        out(texts.lines(key, **fields))
