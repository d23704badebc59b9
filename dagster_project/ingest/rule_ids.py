"""Which audit rule (domain.md B.9) a finding of reading or resolving belongs to.

Belongs here: the rule's identifier for message keys that state one. Does not belong here: texts, severities.
Findings that no rule of B.9 covers keep their message's key as their rule.
"""

from __future__ import annotations

from dagster_project.ingest.model import Issue

RULES = {
    "parse.column_period": "V34",
    "parse.file_name_period": "V34",
    "parse.range_period": "V34",
    "parse.sheet_period": "V34",
    "resolve.bad_code": "V32",
    "resolve.eaten_code": "V32",
    "resolve.padded_code": "V32",
    "resolve.check_digit": "V32.check_digit",
    "resolve.check_digit_open": "V32.check_digit",
    "resolve.repeated_row": "V32.twice",
    "resolve.roster_twice": "V32.twice",
    "resolve.code_differs": "V33",
    "resolve.name_differs": "V33",
    "resolve.township_differs": "V33",
}


def under_rule(issue: Issue) -> Issue:
    """The same issue, filed under the audit rule it belongs to."""
    issue.rule = RULES.get(issue.rule, issue.rule)
    return issue
