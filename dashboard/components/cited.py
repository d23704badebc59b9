"""How a rule is cited to people.

Belongs here: the short form of a rule's identifier. Does not belong here: what rules say (seeds/reference), tables.
"""

from __future__ import annotations


def rule(code: str) -> str:
    """A rule as people cite it: V32, not the name of its variant; what reading itself says has no number."""
    return code.partition(".")[0] if code.startswith("V") else ""
