"""Documents that come from data are current, example queries run, a new year begins as told."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import openpyxl
import pytest

from dagster_project.cli import app
from dagster_project.commands import dictionary, new_year, new_year_targets
from dagster_project.commands.texts import Texts
from dagster_project.reference import load_reference
from dagster_project.settings import PROJECT_ROOT, Settings, load_settings
from dagster_project.warehouse.pointer import current_version, version_file
from tests.program import tew
from tests.published import open_copy

LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")
SEEDS = PROJECT_ROOT / "seeds" / "reference"
QUERIES = sorted((PROJECT_ROOT / "docs" / "queries").glob("*.sql"))


def test_links_between_documents_lead_somewhere() -> None:
    pages = [*PROJECT_ROOT.glob("*.md"), *(PROJECT_ROOT / "docs").rglob("*.md"), *PROJECT_ROOT.glob("*/README.md")]
    dead = [
        f"{page.relative_to(PROJECT_ROOT)}: {target}"
        for page in pages
        for target in LINK.findall(page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert len(pages) > 8
    assert dead == []


def test_the_readme_has_one_place_for_every_command_and_no_row_twice() -> None:
    text = (PROJECT_ROOT / "README.md").read_text(encoding="utf-8")
    tables = text.split("## Commands\n")[1].split("\n## ")[0]
    rows = [row.split(" | ")[0] for row in tables.splitlines() if row.startswith("| `tew ")]
    named = [name for row in rows for name in dict.fromkeys(re.findall(r"`tew ([a-z-]+)", row))]
    commands = {
        info.name or info.callback.__name__.replace("_", "-") for info in app.registered_commands if info.callback
    }
    groups = {info.name for info in app.registered_groups}
    assert sorted(named) == sorted(commands | groups)


@pytest.mark.parametrize("lang", dictionary.LANGUAGES)
def test_the_dictionary_is_current(lang: str) -> None:
    made = dictionary.document(load_reference(SEEDS), Texts(SEEDS), lang) + "\n"
    written = (PROJECT_ROOT / "docs" / f"dictionary.{lang}.md").read_text(encoding="utf-8")
    assert written == made, "run `make docs`"


def test_every_example_query_answers(county_home: Settings) -> None:
    version = current_version(county_home)
    assert version is not None and QUERIES
    with open_copy(version_file(county_home, version)) as connection:
        rows = {path.name: len(connection.execute(path.read_text(encoding="utf-8")).fetchall()) for path in QUERIES}
    assert all(rows.values()), rows


def test_an_example_query_is_run_by_its_file(county_home: Settings) -> None:
    for path in QUERIES:
        done = tew(county_home, "query", str(path), "--json")
        assert done.returncode == 0 and json.loads(done.stdout), (path.name, done.stderr)
    missing = tew(county_home, "query", "nowhere.sql")
    assert missing.returncode == 1 and "nowhere.sql" in missing.stderr


def test_every_test_that_the_security_document_names_exists() -> None:
    text = (PROJECT_ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)`", text))
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (PROJECT_ROOT / "tests").rglob("test_*.py"))
    there = set(re.findall(r"^def (test_\w+)\(", sources, re.MULTILINE))
    assert len(named) > 30 and named <= there, sorted(named - there)


def test_a_new_year_carries_schemes_once_and_writes_only_when_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seeds = tmp_path / "reference"
    shutil.copytree(SEEDS, seeds)
    settings = load_settings(home=tmp_path / "home", seeds=seeds)
    vetoes = seeds / "veto_rules.csv"
    vetoes.write_text(vetoes.read_text(encoding="utf-8").replace("2007-06-01,,", "2007-06-01,2026-12-31,", 1), "utf-8")
    before = {path.name: path.read_bytes() for path in seeds.iterdir()}
    new_year.run(settings, 2027, write=False)
    assert {path.name: path.read_bytes() for path in seeds.iterdir()} == before
    said = capsys.readouterr().out
    assert "appraisal_schemes: 21 row(s) carried into 2027" in said
    assert "V-DEATHS of veto_rules ends on 2026-12-31" in said
    new_year.run(settings, 2027, write=True)
    tables = load_reference(seeds).tables
    old = [row for row in tables["appraisal_schemes"] if row["year"] == 2026]
    new = [row for row in tables["appraisal_schemes"] if row["year"] == 2027]
    assert len(new) == len(old) == 21
    assert all(row["scheme_id"].startswith("2027-") for row in new)
    assert {row["scheme_id"] for row in new} <= {row["scheme_id"] for row in tables["appraisal_grades"]}
    assert (seeds / "appraisal_schemes.csv").read_bytes().startswith(before["appraisal_schemes.csv"].rstrip())
    capsys.readouterr()
    new_year.run(settings, 2027, write=True)
    assert "appraisal_schemes: 0 row(s) carried into 2027" in capsys.readouterr().out


def test_a_new_year_lists_forms_and_hands_out_last_years_targets_to_be_decided(
    county_home: Settings, tmp_path: Path
) -> None:
    table = tmp_path / "targets.xlsx"
    done = tew(county_home, "new-year", "2027", "--targets", str(table))
    assert done.returncode == 0, done.stderr
    assert "go on in 2027 (TE-M1," in done.stdout
    before = new_year_targets.of_year(county_home, 2026)
    assert before and f"Targets: {len(before)} of 2026" in done.stdout and "0 of 2027 have come in" in done.stdout

    book = openpyxl.load_workbook(table)
    sheet = book.active
    assert sheet is not None
    rows = list(sheet.iter_rows(min_row=3, values_only=True))
    asked = {(one.unit, one.indicator, "cap" if one.form == "cap" else one.tier) for one in before}
    assert len(rows) == len(asked)
    assert {row[5] for row in rows} == {row[6] for row in rows} == {None}  # the target and its growth are to be decided
    (first,) = [row for row in rows if row[:4] == (1, "示范县", "乡镇企业增加值", "万元")]
    assert first[4] is None and "上年定为" in first[8]  # December of 2026 is not known yet

    # filled in, the intake reads it as the targets of 2027; still blank, it finds nothing to complain of
    assert tew(county_home, "check", str(table)).returncode == 0
    sheet["F3"], sheet["G3"] = 350_000, 6
    book.save(table)
    checked = tew(county_home, "check", str(table), "--json")
    assert checked.returncode == 0, checked.stdout
    assert "TG-Y1" in checked.stdout and "2027-12" in checked.stdout
