"""Fixtures of the worked cases: what the folders of intake and audit use, under the same names.

Belongs here: borrowing. Does not belong here: fixtures of its own.
"""

from __future__ import annotations

from tests.audit.conftest import auditor, book, reference
from tests.ingest.conftest import county_reference, directory, read, vocabulary

__all__ = ["auditor", "book", "county_reference", "directory", "read", "reference", "vocabulary"]
