"""What a role reaches: rows of access_roles.csv and access_subjects.csv made into a scope.

Belongs here: from an account to its role and Scope. Does not belong here: which rows a scope holds (data/scope.py),
the rows themselves (seeds/reference/).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dagster_project.reference import load_reference
from dagster_project.settings import Settings
from dashboard.access.accounts import Account, AccountError
from dashboard.data.scope import NOTHING, Scope

Row = dict[str, Any]


@dataclass(frozen=True)
class Roles:
    """The roles and subjects of one deployment."""

    roles: dict[str, Row]
    subjects: dict[str, Row]

    def get(self, role: str) -> Row | None:
        return self.roles.get(role)

    def check(self, account: Account) -> None:
        """Raises AccountError where role, unit and subjects do not fit together."""
        row = self.roles.get(account.role)
        if row is None:
            raise AccountError("user.no_role", role=account.role, known=", ".join(self.roles))
        unknown = [name for name in account.subjects if name not in self.subjects]
        if unknown or (row["reach"] == "subject") != bool(account.subjects):
            raise AccountError("user.no_subject", role=account.role, known=", ".join(self.subjects))
        if (row["reach"] in ("township", "enterprise")) != bool(account.unit):
            raise AccountError("user.no_unit", role=account.role, reach=row["reach"])

    def scope(self, account: Account) -> Scope:
        """What the account may see; nothing where its role is not known any more."""
        row = self.roles.get(account.role)
        if row is None:
            return NOTHING
        subjects = [self.subjects[name] for name in account.subjects if name in self.subjects]
        return Scope(
            reach=row["reach"],
            unit=account.unit,
            patterns=tuple(str(subject["indicator_pattern"]) for subject in subjects),
            flags=tuple(str(subject["enterprise_flag"]) for subject in subjects if subject["enterprise_flag"]),
            sees_county=row["sees_county"],
            sees_enterprises=row["sees_enterprises"],
            sees_county_files=row["sees_county_files"],
            pages=tuple(str(row["pages"] or "").split("|")),
            takes_out=row["may_export"],
            hands_in=row["may_submit"],
            suppressed=tuple(part for part in str(row["suppressed"] or "").split("|") if part),
        )

    def home(self, role: str) -> str:
        """The first page a role may open."""
        pages = str((self.roles.get(role) or {}).get("pages") or "").split("|")
        return "/" if "*" in pages else pages[0]


def load_roles(settings: Settings) -> Roles:
    """The roles of the deployment's reference data."""
    reference = load_reference(settings.seeds)
    return Roles(
        {row["role"]: row for row in reference.rows("access_roles")},
        {row["subject"]: row for row in reference.rows("access_subjects")},
    )
