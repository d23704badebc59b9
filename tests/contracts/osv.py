"""Known faults of packages, from a folder or zip of OSV records (PyPI's, https://osv.dev, or the PyPA advisory database as JSON).

Belongs here: which record concerns which version. Does not belong here: fetching records: nothing is looked up on a network.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version

Record = dict[str, Any]


def records(place: Path) -> Iterator[Record]:
    """Every OSV record of a folder, or of a zip file as osv.dev gives it."""
    if place.is_file():
        with zipfile.ZipFile(place) as packed:
            for name in packed.namelist():
                if name.endswith(".json"):
                    yield json.loads(packed.read(name))
        return
    for path in sorted(place.rglob("*.json")):
        yield json.loads(path.read_text(encoding="utf-8"))


def plain(name: str) -> str:
    """A package's name as PyPI compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _is_in(version: Version, events: list[dict[str, str]]) -> bool:
    """Whether the version lies in a range of OSV events, which are in the order of versions."""
    inside = False
    for event in events:
        try:
            if "introduced" in event:
                inside = inside or event["introduced"] == "0" or version >= Version(event["introduced"])
            else:
                is_mended = "fixed" in event and version >= Version(event["fixed"])
                is_past = "last_affected" in event and version > Version(event["last_affected"])
                inside = inside and not (is_mended or is_past)
        except InvalidVersion:
            continue
    return inside


def concerns(record: Record, name: str, version: str) -> bool:
    """Whether a record that was not withdrawn tells of this version of a PyPI package."""
    if record.get("withdrawn"):
        return False
    for affected in record.get("affected", []):
        package = affected.get("package", {})
        if package.get("ecosystem") != "PyPI" or plain(package.get("name", "")) != plain(name):
            continue
        if version in affected.get("versions", []):
            return True
        ranges = [part for part in affected.get("ranges", []) if part.get("type") == "ECOSYSTEM"]
        if any(_is_in(Version(version), part.get("events", [])) for part in ranges):
            return True
    return False


def faults(place: Path, packages: dict[str, str]) -> list[str]:
    """`package version id` of every known fault of the packages (name → version)."""
    by_name = {plain(name): (name, version) for name, version in packages.items()}
    found = set()
    for record in records(place):
        for affected in record.get("affected", []):
            hit = by_name.get(plain(affected.get("package", {}).get("name", "")))
            if hit and concerns(record, *hit):
                found.add(f"{hit[0]} {hit[1]} {record.get('id', '?')}")
    return sorted(found)
