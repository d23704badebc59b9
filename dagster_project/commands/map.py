"""`tew map`: what a workbook of unknown layout probably says, and keeping what a person confirms.

Belongs here: reading the file safely, the proposal and accepting it for the command line and for the submission page,
printing. Does not belong here: proposing (ingest/mapping.py), keeping (warehouse/mappings.py).
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from dagster_project.commands.texts import CommandError, Texts, out
from dagster_project.ingest.mapping import BadOverride, ColumnProposal, Rows, SheetProposal, propose, rows_of, sign
from dagster_project.ingest.parse import parse_grid
from dagster_project.ingest.pool import ParsePool
from dagster_project.ingest.read import read_workbook
from dagster_project.ingest.resolve import resolve
from dagster_project.ingest.vocabulary import Vocabulary
from dagster_project.reference import load_reference
from dagster_project.settings import Settings
from dagster_project.warehouse import mappings
from dagster_project.warehouse.check import published_knowledge
from dagster_project.warehouse.known import Known, Reading


@dataclass
class Looked:
    """A workbook as a mapping would read it. `rows` is what accepting adds to the reference tables, nothing where no
    column means anything; `tried` what would then be read; `keys` name each item's row in a correction."""

    file_name: str
    proposals: list[SheetProposal]
    rows: Rows
    tried: dict[str, Any] | None
    keys: dict[str, str] = field(default_factory=dict)


def look(
    settings: Settings, name: str, content: bytes, changes: Mapping[str, str], unit_column: str | None = None
) -> Looked:
    """The proposal for a workbook with a person's `changes`. Raises CommandError where it or a change is at fault."""
    _is_safe(settings, name, content)
    seeds = mappings.seeds(settings)
    reading = Reading(load_reference(seeds))
    known = published_knowledge(settings, reading, None)
    names = [one.name for one in known.directory.enterprises.values()]
    workbook = read_workbook(content, name, reading.vocabulary.messages)
    try:
        proposals = propose(workbook, reading.vocabulary, names, changes, unit_column)
    except BadOverride as error:
        raise CommandError(error.key, **error.fields) from error
    if not proposals:
        raise CommandError("map.no_table", file=name)
    # Where a form reads the sheet and nothing is proposed, a mapping could only take something away.
    said = [one.state for proposal in proposals for one in [*proposal.columns, *proposal.items]]
    is_read = all(proposal.is_known for proposal in proposals) and "proposed" not in said and not unit_column
    rows = {} if is_read and not changes else rows_of(proposals)
    tried = _try(seeds, rows, content, name, proposals, known) if rows else None
    headings = [item.heading for proposal in proposals for item in proposal.items]
    return Looked(name, proposals, rows, tried, {text: reading.vocabulary.clean_name(text) for text in headings})


def keep(settings: Settings, looked: Looked, content: bytes, by: str | None) -> str:
    """Keep a mapping; its identifier. Raises CommandError where nothing would be read by it."""
    if not looked.rows or looked.tried is None:
        raise CommandError("map.nothing", file=looked.file_name)
    if looked.tried["observations"] == 0:
        raise CommandError("map.not_read", file=looked.file_name, problem=looked.tried["problem"] or "—")
    return mappings.accept(settings, looked.rows, looked.file_name, hashlib.sha256(content).hexdigest(), by)


def run(
    settings: Settings,
    file: Path,
    *,
    accept: bool,
    changes: Sequence[str],
    unit_column: str | None,
    by: str | None,
    as_json: bool,
) -> None:
    """Print the proposal; with `accept`, keep it. Raises CommandError where the file or a correction is at fault."""
    texts = Texts(settings.seeds)
    content = _content(settings, file)
    looked = look(settings, file.name, content, overrides(changes), unit_column)
    mapping_id = keep(settings, looked, content, by) if accept else None
    if as_json:
        out(json.dumps(as_dict(looked, mapping_id), ensure_ascii=False))
    else:
        indicators = load_reference(settings.seeds).rows("indicators")
        names = {str(row["indicator_code"]): f"{row['name_zh']} / {row['name_en']}" for row in indicators}
        _print(file, looked.proposals, looked.tried, mapping_id, texts, names)


def overrides(changes: Sequence[str]) -> dict[str, str]:
    """`C=TE01`, `C=-` as a dictionary; raises CommandError on anything else."""
    result: dict[str, str] = {}
    for change in changes:
        key, mark, value = change.partition("=")
        if not mark or not key.strip() or not value.strip():
            raise CommandError("map.bad_change", change=change)
        result[key] = value.strip()
    return result


def _content(settings: Settings, file: Path) -> bytes:
    try:
        if file.stat().st_size > settings.max_file_mb << 20:
            raise CommandError("map.too_large", file=file.name, limit=settings.max_file_mb)
        return file.read_bytes()
    except OSError as error:
        raise CommandError("map.not_readable", file=file, problem=error.strerror or error) from error


def _is_safe(settings: Settings, name: str, content: bytes) -> None:
    """A stranger's file is first read in a child process: what kills a reader must not kill us."""
    with ParsePool(
        settings.seeds, workers=1, timeout_s=settings.ingest_timeout_s, memory_mb=settings.ingest_memory_mb
    ) as pool:
        parsed = pool.parse_one(content, name)
    fatal = [issue for issue in parsed.issues if issue.severity == "error" and issue.rule.startswith("read.")]
    if fatal and not parsed.sheets:
        raise CommandError("map.damaged", problem_zh=fatal[0].message_zh, problem_en=fatal[0].message_en)


def _try(
    seeds: Path, rows: Rows, content: bytes, name: str, proposals: Sequence[SheetProposal], known: Known
) -> dict[str, Any]:
    """What would be read with the mapping; signs the new forms in `rows`."""
    with tempfile.TemporaryDirectory() as folder:
        first = Vocabulary.load(load_reference(mappings.merged(seeds, Path(folder) / "words", rows)))
        sign(rows, read_workbook(content, name, first.messages), first, proposals)
        vocabulary = Vocabulary.load(load_reference(mappings.merged(seeds, Path(folder) / "forms", rows)))
    parsed = parse_grid(read_workbook(content, name, vocabulary.messages), vocabulary)
    intake = resolve(parsed, known.directory, vocabulary)
    errors = [issue for issue in intake.issues if issue.severity == "error"]
    return {
        "forms": [sheet.form_code for sheet in parsed.sheets if sheet.form_code],
        "observations": len(parsed.observations),
        "resolved": sum(one.unit_id is not None for one in parsed.observations),
        "errors": len(errors),
        "problem": errors[0].message_en if errors else None,
        "problem_zh": errors[0].message_zh if errors else None,
    }


def as_dict(looked: Looked, mapping_id: str | None = None) -> dict[str, Any]:
    """The proposal for a program; `mapping_id` where it was accepted."""
    sheets = []
    for proposal in looked.proposals:
        entry = {key: value for key, value in asdict(proposal).items() if key not in ("columns", "items")}
        entry["confidence"] = proposal.confidence
        for part in ("columns", "items"):
            entry[part] = [
                {key: value for key, value in asdict(one).items() if key != "words"} for one in getattr(proposal, part)
            ]
        sheets.append(entry)
    return {
        "file": looked.file_name,
        "status": "accepted" if mapping_id else "proposed",
        "mapping_id": mapping_id,
        "sheets": sheets,
        "rows": looked.rows,
        "would_read": looked.tried,
    }


def _print(
    file: Path,
    proposals: Sequence[SheetProposal],
    tried: Mapping[str, Any] | None,
    mapping_id: str | None,
    texts: Texts,
    names: Mapping[str, str],
) -> None:
    for proposal in proposals:
        key = "map.sheet_known" if proposal.is_known else "map.sheet_new"
        fields = {
            "file": file.name,
            "sheet": proposal.sheet,
            "form": proposal.form_code or "—",
            "layout": proposal.layout or "—",
            "period": proposal.period or "—",
            "rows": proposal.header_rows or "—",
            **_level(texts, proposal.unit_level),
            "units": proposal.units,
            "known": proposal.units_known,
            "confidence": f"{proposal.confidence:.2f}",
        }
        out(texts.lines(key, **fields))
        for one in [*proposal.columns, *proposal.items]:
            out(_line(texts, one, names))
        if not proposal.is_known and proposal.unit_level != "item" and proposal.units and not proposal.units_known:
            out(texts.lines("map.no_units", sheet=proposal.sheet, names=", ".join(proposal.unknown)))
    if tried is not None:
        out(texts.lines("map.would_read", observations=tried["observations"], resolved=tried["resolved"]))
        if tried["problem"] and not tried["observations"]:
            out(texts.lines("map.reads_nothing", problem_zh=tried["problem_zh"], problem_en=tried["problem"]))
    if mapping_id is not None:
        out(texts.lines("map.accepted", mapping=mapping_id))
    elif tried is not None:
        out(texts.lines("map.how", file=file))
    else:
        out(texts.lines("map.nothing", file=file.name))


def _level(texts: Texts, level: str | None) -> dict[str, str]:
    zh, en = texts.pair(f"map.level.{level}") if level else ("—", "—")
    return {"level_zh": zh, "level_en": en}


def _line(texts: Texts, one: ColumnProposal, names: Mapping[str, str]) -> str:
    """One column or item: how it was judged, how surely, its heading and what it means, an indicator with its name."""
    name = names.get(one.means or "")
    meaning = f"{one.means} {name}" if name else one.means
    if one.state in ("unit", "item"):
        meaning = None
    parts = (meaning, one.measure, one.unit) if one.state != "ignored" else ()
    return texts.lines(
        "map.column",
        place=(one.letter or "·").rjust(3),
        state=" ".join(dict.fromkeys(texts.pair(f"map.state.{one.state}"))),
        confidence=f"{one.confidence:.2f}",
        heading=" ".join(one.heading.split()),
        means=" ".join(part for part in parts if part) or "—",
    )
