"""Everything the dashboard is made of reaches a clone."""

from __future__ import annotations

import subprocess

from dagster_project.settings import PROJECT_ROOT

KINDS = {".py", ".sql", ".csv", ".css", ".js", ".cfg"}


def test_no_source_file_is_ignored() -> None:
    """A folder called data is ignored where it holds the home, not where it holds queries."""
    names = sorted(
        path.relative_to(PROJECT_ROOT).as_posix()
        for package in ("dashboard", "dagster_project", "seeds", "dbt/models", "dbt/macros")
        for path in (PROJECT_ROOT / package).rglob("*")
        if path.suffix in KINDS and "__pycache__" not in path.parts
    )
    assert any(name.startswith("dashboard/data/sql/") for name in names)
    asked = subprocess.run(
        ["git", "check-ignore", "--stdin"], cwd=PROJECT_ROOT, input="\n".join(names), capture_output=True, text=True
    )
    assert asked.stdout.split() == []
