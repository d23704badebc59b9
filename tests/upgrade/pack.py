"""Packs the home of a state that is about to be released: `python -m tests.upgrade.pack VERSION`, before the release, once.

Belongs here: one small home made by this very program through its commands (a register, a month, a correction, a withdrawal, an
explanation, an account), and its reference folder, as homes/<VERSION>.zip. Does not belong here: what later programs must make of
it (test_upgrade.py).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from dagster_project.settings import PROJECT_ROOT
from tests.warehouse import workbooks

HOMES = Path(__file__).with_name("homes")
PASSWORD = "A-long-enough-password\n"
# What is made anew, or belongs to this machine's run alone.
LEFT_OUT = ("dagster", "dbt", "logs", "candidate", "spool")


def make(home: Path, seeds: Path) -> None:
    """The home, step by step, as the commands make it."""
    shutil.copytree(PROJECT_ROOT / "seeds" / "reference", seeds)
    first, second = workbooks.TOWNS

    def tew(*arguments: str, typed: str = "") -> None:
        environment = {**os.environ, "TEW_HOME": str(home), "TEW_SEEDS": str(seeds), "TEW_SETTLE_SECONDS": "0"}
        command = [sys.executable, "-m", "dagster_project.cli", *arguments]
        subprocess.run(command, env=environment, cwd=PROJECT_ROOT, input=typed, text=True, check=True)

    inbox, start = home / "inbox", workbooks.START
    workbooks.register(inbox / "roster.xlsx")
    workbooks.townships(inbox / "a.xlsx", 1, {first: (10, 10), second: (20, 20)}, mtime=start + 10)
    workbooks.townships(inbox / "b.xlsx", 2, {first: (11, 21), second: (-5, 15)}, mtime=start + 20)
    tew("refresh")
    workbooks.townships(inbox / "c.xlsx", 2, {first: (12, 22)}, mtime=start + 30)
    tew("refresh")
    tew("withdraw", "S000002", "--reason", "sent twice", "--by", "Section")
    said = ("--rule", "V01", "--reason", "a refund", "--by", "Wang")
    tew("explain", "S000003", "C6", "--sheet", "Sheet", *said)
    tew("refresh")
    tew("user", "add", "wang", "--role", "township_reporter", "--unit", workbooks.CODES[second], typed=PASSWORD)


def pack(target: Path) -> None:
    """Write the zip file; raises CalledProcessError where a command failed."""
    with tempfile.TemporaryDirectory() as folder:
        home, seeds = Path(folder) / "home", Path(folder) / "reference"
        make(home, seeds)
        served = (home / "published" / "CURRENT").read_text(encoding="utf-8").strip()
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
            for path in sorted([*home.rglob("*"), *seeds.rglob("*")]):
                parts = path.relative_to(folder).parts
                is_older = parts[:2] == ("home", "published") and len(parts) > 2 and parts[2] not in (served, "CURRENT")
                if not is_older and not any(part in LEFT_OUT for part in parts) and path.name != "secret.key":
                    packed.write(path, Path(*parts))


if __name__ == "__main__":
    pack(HOMES / f"{sys.argv[1]}.zip")
