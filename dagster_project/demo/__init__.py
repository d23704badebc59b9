"""The demonstration inbox: synthetic workbooks of a fictional county, and the truth that was planted in them.

Belongs here: `write`, the one call of `tew demo`. Does not belong here: reading workbooks. See docs/demo.md.
"""

from dagster_project.demo.generate import DEFAULT_SEED, MAX_MONTHS, DemoReport, write

__all__ = ["DEFAULT_SEED", "MAX_MONTHS", "DemoReport", "write"]
