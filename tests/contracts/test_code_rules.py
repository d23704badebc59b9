"""Rules that hold for every source file: languages, addresses, layers of imports and SQL."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from dagster_project.settings import PROJECT_ROOT

PACKAGES = ("dagster_project", "dashboard")
CHINESE = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
MAY_HOLD_CHINESE = ("dagster_project/demo/", "dashboard/i18n/")


def tracked_files() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.splitlines() if (PROJECT_ROOT / name).is_file()]


def python_sources() -> list[str]:
    return sorted(
        path.relative_to(PROJECT_ROOT).as_posix()
        for package in PACKAGES
        for path in (PROJECT_ROOT / package).rglob("*.py")
    )


@pytest.mark.parametrize("name", python_sources())
def test_no_chinese_in_python(name: str) -> None:
    if name.startswith(MAY_HOLD_CHINESE):
        return
    lines = (PROJECT_ROOT / name).read_text(encoding="utf-8").splitlines()
    found = [f"{name}:{number}: {line.strip()}" for number, line in enumerate(lines, 1) if CHINESE.search(line)]
    assert not found, "headings and texts belong into seeds/reference or dashboard/i18n:\n" + "\n".join(found)


def test_import_rules() -> None:
    """The contracts of pyproject.toml, section importlinter (design: who may import whom)."""
    tool = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([str(tool)], cwd=PROJECT_ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_sql_stands_only_in_dashboard_data() -> None:
    statement = re.compile(r"\bselect\b[^\"']{0,200}\bfrom\b|\binsert\s+into\b", re.IGNORECASE)
    offenders = [
        name
        for name in python_sources()
        if name.startswith("dashboard/") and statement.search((PROJECT_ROOT / name).read_text(encoding="utf-8"))
    ]
    assert offenders == [], "SQL of pages stands in dashboard/data/sql/*.sql"


def dashboard_sql_files() -> list[Path]:
    return sorted((PROJECT_ROOT / "dashboard" / "data" / "sql").glob("*.sql"))


def test_dashboard_sql_names_only_marts() -> None:
    files = dashboard_sql_files()
    assert files, "dashboard/data/sql holds the queries"
    relation = re.compile(r"\b(?:from|join)\s+([a-z_]+(?:\.[a-z_]+)*)", re.IGNORECASE)
    for path in files:
        text = re.sub(r"--.*", "", path.read_text(encoding="utf-8"))
        defined = {name.lower() for name in re.findall(r"([a-z_]+)\s+as\s+(?:materialized\s+)?\(", text, re.IGNORECASE)}
        for name in relation.findall(text):
            assert name.lower().startswith("marts.") or name.lower() in defined | {
                "unnest",
                "range",
                "generate_series",
            }, f"{path.name} reads {name}: only schema marts may be read"


def test_no_address_of_this_machine_and_no_registry() -> None:
    home_folders = "|".join(("work", "farm", "root", "home"))
    pattern = re.compile(rf"(?<![\w.$}}])/(?:{home_folders})/[a-z]|index-url|pypi\.org|registry\.npmjs|/simple/")
    offenders = []
    for name in tracked_files():
        path = PROJECT_ROOT / name
        if path.suffix in {".png", ".docx", ".xlsx", ".xls"} or name.startswith("tests/contracts/"):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if pattern.search(line) and "no-emit-index-url" not in line:
                offenders.append(f"{name}:{number}: {line.strip()[:120]}")
    assert offenders == []


def test_no_build_products_are_tracked() -> None:
    product = re.compile(r"\.(duckdb|wal|parquet|pyc|log)$|(^|/)(target|__pycache__|\.venv|node_modules)/")
    assert [name for name in tracked_files() if product.search(name)] == []


def test_lock_files_pin_with_hashes_and_name_no_index() -> None:
    for name in ("requirements.lock", "requirements-dev.lock", "requirements-spark.lock"):
        text = (PROJECT_ROOT / name).read_text(encoding="utf-8")
        assert "index-url" not in text and "://" not in text
        entries = [line for line in text.splitlines() if re.match(r"[a-z0-9]", line)]
        assert len(entries) > 50
        for entry in entries:
            assert "==" in entry and entry.rstrip().endswith("\\"), f"{name}: {entry} is not pinned with a hash"


def test_direct_dependencies_are_named_in_the_readme() -> None:
    import tomllib

    project = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    readme = (PROJECT_ROOT / "README.md").read_text(encoding="utf-8").lower()
    extras = [entry for group in project["optional-dependencies"].values() for entry in group]
    for entry in project["dependencies"] + extras:
        name = re.split(r"[\[<>=;~ ]", entry)[0].lower()
        assert name in readme, f"README gives no reason for the dependency {name}"
