"""The raw rows of the dbt tests, under the name they were first written with.

Belongs here: nothing new. Raw rows are in tests/raw_rows.py, the fixtures `shared_dbt_home` and `build_marts` in
tests/conftest.py.
"""

from __future__ import annotations

from tests.raw_rows import Raw, make_work

__all__ = ["Raw", "make_work"]
