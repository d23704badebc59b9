"""The proof package of a month: one zip that opens without our server.

Belongs here: what the package holds and how it is written, with a list of sums of its files.
Does not belong here: the tables (tables.py), the bulletin (bulletin.py).

Holds the tables as xlsx and csv, the bulletin, the published DuckDB file, reference data, the month's source workbooks as
they were received, and index.html, which needs nothing but a browser. The same version gives the same bytes. On an
earlier day all of it is as known then, but for the reference data, of which only the present is kept: the index says so.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable, Iterator
from datetime import date
from html import escape
from pathlib import Path

from dashboard.data.store import Row, Snapshot
from dashboard.export import bulletin, delimited, docx, tables, xlsx
from dashboard.export.docx import ZIP_TIME
from dashboard.export.tables import Table
from dashboard.view import View

SUMS = "SHA256SUMS"
INDEX = "index.html"
BLOCK = 1 << 20


def month_tables(view: View) -> list[Table]:
    """Every table of the month; progress once for each headline indicator."""
    headline = [str(row["indicator_code"]) for row in view.catalogue.headline()]
    found = [
        tables.headline(view),
        tables.progress(view, headline[0]),
        tables.ranking(view, headline[0]),
        tables.safety(view, tables.watched(view)),
        tables.unreported(view),
        tables.enterprises(view, headline[0]),
    ]
    return [tables.finished(view, table) for table in found]


def write(
    snapshot: Snapshot,
    period: date,
    target: Path,
    *,
    warehouse: Path,
    seeds: Path,
    stored: Callable[[str], Path],
    base: str,
) -> dict[str, str]:
    """Write the package; gives each file's SHA-256 by its name in it.

    `stored` gives the archive's file of a SHA-256; one that is gone is listed in the index without a link. Raises NoSuchMonth, OSError.
    """
    view = bulletin.view_of(snapshot, period)
    found = month_tables(view)
    sources = [row for row in snapshot.rows("submissions", period=period) if row["period"] == period]
    sums: dict[str, str] = {}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as package:

        def add(name: str, content: bytes) -> None:
            _stream(package, name, iter([content]), sums)

        for index, table in enumerate(found, 1):
            out = io.BytesIO()
            xlsx.write(table, out, footer=view.t("export.page"), stamp=view.stamp(), made_at=bulletin.made_at(view))
            add(f"tables/{index}_{table.name}.xlsx", out.getvalue())
            add(f"tables/{index}_{table.name}.csv", delimited.write(table, tables.said(view, table)))
        add("bulletin.docx", docx.write(bulletin.draft(snapshot, period, base)))
        for path in sorted(seeds.glob("*.csv")):
            add(f"reference/{path.name}", path.read_bytes())
        for row in sources:
            path = stored(str(row["sha256"]))
            if path.is_file():
                _stream(package, source_name(row), _blocks(path), sums)
        _stream(package, "warehouse.duckdb", _blocks(warehouse), sums)
        add(INDEX, page(view, found, sources, sums).encode("utf-8"))
        listed = "".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items()))
        add(SUMS, listed.encode("utf-8"))
    return sums


def source_name(row: Row) -> str:
    """A workbook's name in the package: two of one name stay apart by their submission."""
    return f"sources/{row['submission_id']}_{Path(str(row['file_name'])).name}"


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as handle:
        while block := handle.read(BLOCK):
            yield block


def _stream(package: zipfile.ZipFile, name: str, blocks: Iterator[bytes], sums: dict[str, str]) -> None:
    info = zipfile.ZipInfo(name, ZIP_TIME)
    info.compress_type = zipfile.ZIP_DEFLATED
    digest = hashlib.sha256()
    with package.open(info, "w", force_zip64=True) as entry:
        for block in blocks:
            digest.update(block)
            entry.write(block)
    sums[name] = digest.hexdigest()


def page(view: View, found: list[Table], sources: list[Row], sums: dict[str, str]) -> str:
    """The index as one file of HTML without script or address of a server."""
    t = view.t
    title = escape(t("proof.title", bureau=view.bureau, month=view.month(view.period)))
    parts = [f"<h1>{title}</h1><p>{escape(view.stamp())}</p>"]
    for index, table in enumerate(found, 1):
        files = " ".join(f'<a href="tables/{index}_{table.name}.{kind}">{kind}</a>' for kind in ("xlsx", "csv"))
        parts.append(f"<h2>{escape(table.title)}</h2><p>{escape(table.unit_line)} {files}</p>{_grid(table)}")
    if snapshot_day := view.snapshot.day:
        parts.append(f"<p>{escape(t('proof.reference_now', day=view.day(snapshot_day)))}</p>")
    parts.append(f"<h2>{escape(t('proof.sources'))}</h2><ul>")
    for row in sources:
        name = source_name(row)
        status = f"submission.status.{row['status']}"
        text = escape(f"{row['file_name']} · {t(status) if t.has(status) else row['status']}")
        shown = f'<a href="{escape(name)}">{text}</a>' if name in sums else text
        parts.append(f"<li>{shown}<br><code>{escape(str(row['sha256']))}</code></li>")
    parts.append(f"</ul><h2>{escape(t('proof.files'))}</h2><ul>")
    parts += [
        f'<li><a href="{escape(name)}">{escape(name)}</a><br><code>{digest}</code></li>'
        for name, digest in sums.items()
    ]
    style = (
        "body{font:16px sans-serif;margin:2em}table{border-collapse:collapse}td,th{border:1px solid;padding:.2em .5em}"
    )
    style += ".num{text-align:right}"
    return (
        f'<!DOCTYPE html><html lang="zh-CN"><head><meta charset="utf-8"><title>{title}</title><style>{style}</style>'
        f"</head><body>{''.join(parts)}</ul></body></html>"
    )


def _grid(table: Table) -> str:
    depth = len(table.columns[0].heading)
    levels = ["" for _ in range(depth)]
    for level, first, last, bottom, text in docx.merged(table):
        levels[level] += f'<th colspan="{last - first + 1}" rowspan="{bottom - level + 1}">{escape(text)}</th>'
    rows = [f"<tr>{cells}</tr>" for cells in levels]
    for values in table.rows:
        cells = ""
        for column, value in zip(table.columns, values, strict=True):
            decimals = None if isinstance(value, str) else column.decimals
            side = ' class="num"' if column.decimals is not None else ""
            cells += f"<td{side}>{escape(tables.shown(value, decimals))}</td>"
        rows.append(f"<tr>{cells}</tr>")
    return f"<table>{''.join(rows)}</table>"
