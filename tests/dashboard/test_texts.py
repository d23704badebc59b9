"""Texts of pages: both languages say the same things, and every key in the code exists."""

from __future__ import annotations

import csv
import re
import string

import pytest

from dagster_project.settings import PROJECT_ROOT
from dashboard.components.grid import GRID_TEXTS
from dashboard.i18n import FOLDER, Translator, texts

KEY = re.compile(r"""\bt\(\s*"([a-z_]+(?:\.[a-z_A-Z0-9]+)*)["']""")
DYNAMIC = re.compile(r"""\bt\(\s*f"([a-z_.]+)\{""")


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def used_keys() -> set[str]:
    sources = [path.read_text(encoding="utf-8") for path in (PROJECT_ROOT / "dashboard").rglob("*.py")]
    return {key for source in sources for key in KEY.findall(source)}


def test_languages_have_the_same_keys() -> None:
    zh, en = texts("zh"), texts("en")
    assert zh.keys() == en.keys()
    assert len(zh) > 200


def test_no_key_stands_twice() -> None:
    for lang in ("zh", "en"):
        lines = (FOLDER / f"{lang}.csv").read_text(encoding="utf-8").splitlines()[1:]
        keys = [line.split(",", 1)[0] for line in lines]
        assert len(keys) == len(set(keys))


@pytest.mark.parametrize("name", ["zh.csv", "en.csv", "bulletin.csv"])
def test_every_row_is_whole(name: str) -> None:
    """A comma outside quotation marks would cut a text short without a word."""
    with (FOLDER / name).open(encoding="utf-8", newline="") as handle:
        heading, *rows = csv.reader(handle)
    assert [row for row in rows if len(row) != len(heading)] == []


def test_translations_fill_the_same_fields() -> None:
    zh, en = texts("zh"), texts("en")
    # A month or a name may be needed in one language alone, but no field may be unknown to the caller.
    loose = {"period.ytd", "change.rank_up", "change.rank_down"}
    different = {key for key in zh if fields(zh[key]) != fields(en[key])} - loose
    assert different == set()


def test_every_key_in_the_code_exists() -> None:
    missing = {key for key in used_keys() if key not in texts("zh")}
    assert missing == set()
    assert len(used_keys()) > 150


def test_every_family_of_keys_exists() -> None:
    sources = [path.read_text(encoding="utf-8") for path in (PROJECT_ROOT / "dashboard").rglob("*.py")]
    prefixes = {prefix for source in sources for prefix in DYNAMIC.findall(source)}
    assert prefixes
    for prefix in prefixes:
        assert any(key.startswith(prefix) for key in texts("zh")), prefix


def test_no_text_is_unused() -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (PROJECT_ROOT / "dashboard").rglob("*.py"))
    prefixes = tuple(set(re.findall(r'f"([a-z_]+\.[a-z_.]*)\{', sources)) | {"colour.", "attention."})
    unused = [
        key
        for key in texts("zh")
        if f'"{key}"' not in sources and f"'{key}'" not in sources and not key.startswith(prefixes)
    ]
    assert unused == []


def test_no_text_holds_a_letter_for_thousands() -> None:
    for text in texts("en").values():
        assert not re.search(r"\b\d+ ?[KMB]\b", text)


def test_the_english_texts_are_english() -> None:
    chinese = {key for key, text in texts("en").items() if re.search(r"[\u3400-\u9fff]", text)} - {"lang.zh"}
    assert chinese == set()


def test_a_missing_key_is_an_error() -> None:
    with pytest.raises(KeyError):
        Translator("zh")("no.such.key")


def test_the_grid_speaks_both_languages() -> None:
    for lang in ("zh", "en"):
        assert [name for name in GRID_TEXTS if f"grid.{name}" not in texts(lang)] == []
