"""Prints and writes results of a benchmark. Belongs here: the table and JSON form. Not here: what is measured."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def emit(title: str, rows: Sequence[dict[str, Any]], json_file: Path | None = None) -> None:
    """Print rows (same keys) as an aligned table; write them as JSON where asked."""
    columns = list(rows[0]) if rows else []
    cells = [[_text(row[column]) for column in columns] for row in rows]
    widths = [max(len(column), *(len(line[i]) for line in cells)) for i, column in enumerate(columns)]
    print(title)
    print("  ".join(column.ljust(width) for column, width in zip(columns, widths, strict=True)))
    for line in cells:
        print("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)))
    if json_file is not None:
        machine = {"python": platform.python_version(), "system": platform.system(), "machine": platform.machine()}
        json_file.write_text(
            json.dumps({"title": title, "machine": machine, "rows": list(rows)}, default=str, indent=1)
        )


def _text(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
