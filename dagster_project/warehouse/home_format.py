"""Which program wrote a home: its format by number, and that an older program leaves a newer home alone.

Belongs here: home.json, the migrations from one number to the next. Does not belong here: schema raw and the marts, which are made
again where their code changed (taking_in.py, build.py); reference data (reference_upgrade.py).

Number 1 is every home so far: archive with its journal, accounts, published versions. A new kind of event in the journal is no new
number as long as an older program may leave it unread. Where one may not, the number is raised with a function that migrates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from dagster_project.settings import Settings
from dagster_project.warehouse.errors import WarehouseError
from dagster_project.warehouse.files import read_json, write_json

FORMAT = 1
# From a number to the next: each may be run again after a kill, and changes nothing that the archive cannot give back.
MIGRATIONS: Mapping[int, Callable[[Settings], None]] = {}


def path(settings: Settings) -> Path:
    return settings.home / "home.json"


def number(settings: Settings) -> int:
    """The home's format; 1 where nothing says otherwise."""
    kept = read_json(path(settings))
    found = kept.get("format") if isinstance(kept, dict) else None
    return found if isinstance(found, int) else 1


def enter(
    settings: Settings, present: int = FORMAT, migrations: Mapping[int, Callable[[Settings], None]] = MIGRATIONS
) -> list[int]:
    """Bring the home to the present format; returns the numbers it was migrated from. The caller holds the lock.

    Raises WarehouseError where a newer program wrote it: an older one would leave out what it does not know.
    """
    found = number(settings)
    if found > present:
        raise WarehouseError("warehouse.home_newer", found=found, known=present)
    done = []
    for step in range(found, present):
        migrations[step](settings)
        write_json(path(settings), {"format": step + 1})
        done.append(step)
    if not path(settings).exists():
        settings.home.mkdir(parents=True, exist_ok=True)
        write_json(path(settings), {"format": present})
    return done
