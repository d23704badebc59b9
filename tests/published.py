"""A published file opened apart from the readers of this process.

Belongs here: opening a copy of it. Does not belong here: what is asked of it.

DuckDB opens one file once a process, with one configuration: a plain connection beside a reader's fails, whichever came
first. A copy has a path of its own.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import duckdb


def open_copy(path: Path) -> duckdb.DuckDBPyConnection:
    """A read-only connection to a copy of `path`, in a folder that goes with the temporary files."""
    twin = Path(tempfile.mkdtemp(prefix="published-")) / path.name
    shutil.copyfile(path, twin)
    return duckdb.connect(str(twin), read_only=True)
