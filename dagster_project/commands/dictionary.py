"""`tew dictionary`: the data dictionary as Markdown, from reference data.

Belongs here: which tables and columns the document shows. Does not belong here: definitions and headings
(seeds/reference), the dictionary page (dashboard/pages/dictionary.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from dagster_project.commands.texts import CommandError, Texts, out
from dagster_project.reference import Reference, load_reference
from dagster_project.settings import Settings
from dagster_project.warehouse.files import write_atomic

LANGUAGES = ("zh", "en")
# table of the reference data -> its columns as {lang} is filled in; the same order as the headings of messages.csv
CONTENT = {
    "indicators": ("indicator_code", "name_{lang}", "unit", "kind", "target_form", "source_form", "definition_{lang}"),
    "forms": ("form_code", "name_{lang}", "unit_level", "period_grain", "due_day"),
    "units": ("unit", "dimension", "factor"),
    "appraisal_schemes": ("scheme_id", "indicator_code", "full_mark", "rule_family", "parameters", "missing_policy"),
    "veto_rules": ("veto_id", "indicator_code", "condition", "threshold", "text_{lang}"),
}


def run(settings: Settings, lang: str, folder: Path | None) -> None:
    """Print the dictionary in one language, or write both into `folder`; raises CommandError where it cannot."""
    texts = Texts(settings.seeds)
    if lang not in LANGUAGES:
        raise CommandError("dictionary.unknown_language", lang=lang, known=", ".join(LANGUAGES))
    reference = load_reference(settings.seeds)
    if folder is None:
        out(document(reference, texts, lang))
        return
    for each in LANGUAGES:
        path = folder / f"dictionary.{each}.md"
        try:
            write_atomic(path.resolve(), (document(reference, texts, each) + "\n").encode("utf-8"))
        except OSError as error:
            raise CommandError("cli.output_failed", path=path, problem=error.strerror or error) from error
        out(str(path))


def document(reference: Reference, texts: Texts, lang: str) -> str:
    """The whole Markdown text in `lang` (zh, en), without a last line break."""

    def text(key: str) -> str:
        return texts.pair(f"dictionary.{key}")[LANGUAGES.index(lang)]

    parts = [f"# {text('title')}", text("made")]
    for table, columns in CONTENT.items():
        names = [column.format(lang=lang) for column in columns]
        rows = [[str("" if row.get(name) is None else row[name]) for name in names] for row in reference.tables[table]]
        if rows:
            parts += [f"## {text(table)}", markdown(text(f"{table}_columns").split("|"), rows)]
    return "\n\n".join(parts)


def markdown(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table; bars and line breaks in cells are escaped."""
    heading = list(header)
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
