"""Both deployments hold every reference file, typed and consistent within themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_project.reference import Reference, ReferenceError, load_reference, schema
from dagster_project.settings import PROJECT_ROOT

FOLDERS = {"county": PROJECT_ROOT / "seeds/reference", "us_coal": PROJECT_ROOT / "tests/deployments/us_coal"}


@pytest.fixture(scope="module", params=sorted(FOLDERS))
def reference(request: pytest.FixtureRequest) -> Reference:
    return load_reference(FOLDERS[request.param])


def codes(reference: Reference, table: str, column: str) -> set[str]:
    return {row[column] for row in reference.rows(table) if row[column] is not None}


def test_no_file_stands_beside_the_declared_ones() -> None:
    for folder in FOLDERS.values():
        extra = {path.stem for path in folder.glob("*.csv")} - set(schema())
        assert extra == set(), f"declare {extra} in reference_schema.csv"


def test_every_column_is_described() -> None:
    for table, columns in schema().items():
        for column in columns:
            assert column.description, f"{table}.{column.name}"


# column → the table and column that must hold its value
POINTERS = [
    ("indicator_aliases", "indicator_code", "indicators", "indicator_code"),
    ("indicator_aliases", "within_code", "indicators", "indicator_code"),
    ("indicators", "numerator_code", "indicators", "indicator_code"),
    ("indicators", "denominator_code", "indicators", "indicator_code"),
    ("indicators", "parent_code", "indicators", "indicator_code"),
    ("indicators", "scope_base_code", "indicators", "indicator_code"),
    ("indicators", "scope", "scopes", "scope"),
    ("indicators", "lamp_rule_id", "lamp_rules", "lamp_rule_id"),
    ("indicators", "unit", "units", "canonical"),
    ("form_signatures", "form_code", "forms", "form_code"),
    ("form_settings", "form_code", "forms", "form_code"),
    ("form_calendar", "form_code", "forms", "form_code"),
    ("township_aliases", "township_code", "townships", "township_code"),
    ("township_links", "from_code", "townships", "township_code"),
    ("township_links", "to_code", "townships", "township_code"),
    ("energy_coefficients", "fuel_code", "indicators", "indicator_code"),
    ("audit_relations", "rule", "audit_rules", "rule"),
]


@pytest.mark.parametrize(("table", "column", "target", "target_column"), POINTERS)
def test_pointers_lead_somewhere(
    reference: Reference, table: str, column: str, target: str, target_column: str
) -> None:
    missing = codes(reference, table, column) - codes(reference, target, target_column)
    assert missing == set(), f"{table}.{column} names what {target}.{target_column} does not hold"


def test_source_forms_exist(reference: Reference) -> None:
    forms = codes(reference, "forms", "form_code")
    named = {form for row in reference.rows("indicators") for form in (row["source_form"] or "").split("|") if form}
    assert named - forms == set()


def test_messages_have_the_same_fields_in_both_languages(reference: Reference) -> None:
    import string

    formatter = string.Formatter()
    for row in reference.rows("messages"):
        # a field that is a word of its own in each language is given twice, as x_zh and x_en
        fields = [
            {name.removesuffix(f"_{lang}") for _, name, _, _ in formatter.parse(row[lang]) if name}
            for lang in ("zh", "en")
        ]
        assert fields[0] == fields[1], row["key"]


def test_problems_are_told_all_at_once(tmp_path: Path) -> None:
    for path in FOLDERS["county"].glob("*.csv"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "units.csv").write_text(
        "unit,canonical,dimension,factor,stored_unit\nx,x,money,much,x\n", encoding="utf-8"
    )
    (tmp_path / "forms.csv").unlink()
    with pytest.raises(ReferenceError) as caught:
        load_reference(tmp_path)
    message = str(caught.value)
    assert "forms.csv is missing" in message
    assert "units.csv line 2, factor: read 'much', expected a decimal" in message


def test_the_catalogue_holds_every_code_of_the_field() -> None:
    """domain.md A.1–A.4; the list is the field's, so it stands here and not in code."""
    catalogue = (
        "TE01 TE02 TE03 TE03a TE04 TE05 TE06 TE07 TE08 TE09 TE10 TE11 EN00 EN01 EN02 EN03 QA01 QA02 QA03 PR01 PR02 "
        "CO01 CO02 CO03 CO04 CO05 CO06 CO07 CO08 CO10 CO11 CO12 CO13 CO14 CO15 SA01 SA02 SA03 SA04 EV01 EV02 EV03 EV04 "
        "LA01 LA02 PJ01 PJ02 PJ03 BF01 BF02 BF03 BF04 BF05 BF06 BF07 BF08 BF09 BF10 BF11 BF12 BF13 BF14 PX01 "
        "EF101 EF102 EF103 EF104 EF105 EF201 EF202 EF204 EF205 EF206 EF207 EF301 EF302 EF303 EF304 EF305 EF500 EF600 "
        "DR01 DR02 DR03"
    )
    expected = catalogue.split()
    held = codes(load_reference(FOLDERS["county"]), "indicators", "indicator_code")
    assert set(expected) - held == set()
