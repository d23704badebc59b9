"""docs/rules.md: each rule of the field with what carries it out and the test that holds it; all of it exists.

Belongs here: that the table is whole and names nothing that is gone. Does not belong here: the rules themselves.
"""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from pathlib import Path

import pytest
import yaml

from dagster_project.settings import PROJECT_ROOT

TABLE = PROJECT_ROOT / "docs" / "rules.md"
DBT = PROJECT_ROOT / "dbt"
SECTIONS = {"A", *(f"B.{number}" for number in range(1, 10)), "D", "E", "G", "J"}


def rows() -> list[tuple[str, list[str], list[str]]]:
    """(rule, what carries it out, what holds it) of every row below a heading."""
    found = []
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|") or cells[0] == "rule" or set(cells[0]) == {"-"}:
            continue
        rule, carried_out, held = cells
        found.append((rule, re.findall(r"`([^`]+)`", carried_out), re.findall(r"`([^`]+)`", held)))
    return found


@lru_cache
def unit_tests() -> set[str]:
    return {
        test["name"]
        for path in (DBT / "models").rglob("*.yml")
        for test in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("unit_tests", [])
    }


@lru_cache
def data_tests() -> set[str]:
    named = {path.stem for path in (DBT / "tests").glob("*.sql")}
    for path in (DBT / "models").rglob("*.yml"):
        named |= set(re.findall(r"^\s+name: (\w+_holds)$", path.read_text(encoding="utf-8"), re.MULTILINE))
    return named


@lru_cache
def functions(path: Path) -> set[str]:
    if not path.is_file():
        return set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def is_there(name: str) -> bool:
    """A model, a macro, a reference table, or a file of the project."""
    if name.endswith("()"):
        return any(f"macro {name[:-2]}(" in path.read_text(encoding="utf-8") for path in (DBT / "macros").glob("*.sql"))
    if name.endswith(".csv"):
        return (PROJECT_ROOT / "seeds" / "reference" / name).is_file()
    if "/" in name:
        return (PROJECT_ROOT / name).is_file()
    return any(True for _ in DBT.rglob(name if name.endswith(".sql") else f"{name}.sql"))


def is_held(name: str) -> bool:
    """A test of dbt or of pytest."""
    kind, _, rest = name.partition(":")
    if kind == "unit":
        return rest in unit_tests()
    if kind == "data":
        return rest in data_tests()
    path, _, function = name.partition("::")
    return function.startswith("test_") and function in functions(PROJECT_ROOT / path)


@pytest.mark.parametrize(("rule", "carried_out", "held"), rows(), ids=[row[0][:60] for row in rows()])
def test_a_rule_is_carried_out_and_held_by_what_exists(rule: str, carried_out: list[str], held: list[str]) -> None:
    assert carried_out and held, f"who does, and who checks: {rule}"
    assert [name for name in carried_out if not is_there(name)] == []
    assert [name for name in held if not is_held(name)] == []


def test_the_table_has_every_section_and_every_worked_unit_test() -> None:
    text = TABLE.read_text(encoding="utf-8")
    assert {heading.rstrip(".") for heading in re.findall(r"^## ([A-Z](?:\.\d)?)", text, re.MULTILINE)} == SECTIONS
    named = {name for _, _, held in rows() for name in held}
    assert {f"unit:{name}" for name in unit_tests()} - named == set()


def test_a_name_that_is_gone_would_be_seen() -> None:
    assert not is_there("int_nothing") and not is_there("nothing()") and not is_there("nothing.csv")
    assert not is_held("unit:nothing") and not is_held("data:nothing")
    assert not is_held("tests/test_parity.py::test_nothing") and not is_held("tests/nothing.py::test_it")
