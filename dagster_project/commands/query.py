"""`tew query`: one SQL statement on the published version.

Belongs here: running it read-only and writing the rows out. Does not belong here: formats (render.py), following the
pointer (warehouse/read.py).
"""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import duckdb

from dagster_project.commands import render
from dagster_project.commands.as_of import ready
from dagster_project.commands.texts import CommandError, Texts, note, out
from dagster_project.commands.versions import published_file
from dagster_project.settings import Settings
from dagster_project.warehouse import as_of as days
from dagster_project.warehouse.read import PublishedReader


def run(
    settings: Settings,
    sql: str,
    output_format: str,
    output: Path | None,
    *,
    as_of: date | None = None,
    version: str | None = None,
) -> None:
    """Print the rows, or write them to `output` whole (aside, then renamed). `sql` is a statement or the name of a .sql file.

    `as_of`: on the marts of that day, made first where they are not there; `version`: on an earlier version. Raises
    CommandError where DuckDB refuses the statement or the file cannot be written, NothingPublished.
    """
    sql = _statement(sql)
    file = None if as_of is None else ready(settings, as_of)
    if version is not None:
        file = published_file(settings, version)
    try:
        if output_format == "parquet":
            assert output is not None
            rows = _write_parquet(settings, sql, output, file or published_file(settings))
        else:
            if file is None:
                names, found = PublishedReader(settings).query(sql)
            else:
                names, found = days.query(file, settings, sql)
            if output is None:
                _print(names, found, output_format)
                return
            rows = _write(names, found, output_format, output)
    except duckdb.Error as error:
        raise CommandError("cli.query_failed", problem=str(error)) from error
    except OSError as error:
        if output is None:
            raise
        raise CommandError("cli.output_failed", path=output, problem=error.strerror or error) from error
    note(Texts(settings.seeds).lines("cli.query_written", rows=rows, path=output))


def _print(names: list[str], rows: list[tuple[object, ...]], output_format: str) -> None:
    if output_format == "csv":
        render.write_csv(sys.stdout, names, rows, for_spreadsheet=False)
    elif output_format == "json":
        for chunk in render.json_lines(names, rows):
            sys.stdout.write(chunk)
    else:
        out(render.table(names, rows))


def _aside(output: Path) -> Path:
    return output.with_name(f".{output.name}.part")


def _write(names: list[str], rows: list[tuple[object, ...]], output_format: str, output: Path) -> int:
    """A CSV file is for Excel: with the mark by which it knows UTF-8, and no cell that it would run."""
    part = _aside(output)
    is_csv = output_format == "csv"
    try:
        with part.open("w", encoding="utf-8-sig" if is_csv else "utf-8", newline="") as handle:
            if is_csv:
                render.write_csv(handle, names, rows, for_spreadsheet=True)
            elif output_format == "json":
                handle.writelines(render.json_lines(names, rows))
            else:
                handle.write(render.table(names, rows) + "\n")
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)
    return len(rows)


def _write_parquet(settings: Settings, sql: str, output: Path, file: Path) -> int:
    """Parquet keeps DuckDB's own types. The statement must be one SELECT: here DuckDB may write files."""
    part = _aside(output)
    try:
        spill: dict[str, str | bool | int | float | list[str]] = {"temp_directory": str(settings.work / "spill")}
        with duckdb.connect(str(file), read_only=True, config=spill) as connection:
            statements = connection.extract_statements(sql)
            if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                raise duckdb.InvalidInputException("--format parquet takes one SELECT statement")
            relation = connection.sql(sql)
            relation.write_parquet(str(part))
            counted = connection.execute("SELECT count(*) FROM read_parquet(?)", [str(part)]).fetchone()
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)
    return int(counted[0]) if counted else 0


def _statement(sql: str) -> str:
    """The statement itself, out of a file where a .sql file is named; raises CommandError where it cannot be read."""
    if not sql.endswith(".sql") or len(sql.split()) > 1:
        return sql
    try:
        return Path(sql).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError("cli.query_failed", problem=f"{sql}: {error}") from error
