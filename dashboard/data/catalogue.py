"""What every page needs to know of a version: names, units, months, rules.

Belongs here: the dimensions of one published version, read once per version.
Does not belong here: figures of a page, texts of the dashboard (i18n/).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from dashboard.data.store import Row, Snapshot


@dataclass(frozen=True)
class Catalogue:
    """Dimensions of one version; `indicators`, `townships` and `forms` keep the order of pages."""

    version: str
    manifest: dict[str, Any]
    indicators: dict[str, Row]
    townships: dict[str, Row]
    forms: dict[str, Row]
    lamp_rules: tuple[Row, ...]
    scopes: dict[str, Row]
    industries: dict[str, Row]
    enterprises: dict[str, Row]
    settings: dict[str, str]
    periods: tuple[date, ...]
    latest: date | None
    county: Row
    months: dict[date, Row]
    # townships whose rows the reader may see; the list of names itself is open to all
    seen: frozenset[str]

    def active_townships(self, period: date) -> list[Row]:
        """Units below the county that exist in a month and within the reader's scope, in the order of pages."""
        return [
            row
            for code, row in self.townships.items()
            if code != self.county["township_code"]
            and code in self.seen
            and (row["valid_from"] is None or row["valid_from"] <= period)
            and (row["valid_to"] is None or row["valid_to"] >= period)
        ]

    def headline(self) -> list[Row]:
        """Indicators of the overview; all of them where a deployment marks none."""
        marked = [row for row in self.indicators.values() if row["is_headline"]]
        return marked or list(self.indicators.values())

    def source_forms(self, code: str | None) -> list[str]:
        """Forms that may report an indicator, the first in precedence first."""
        row = self.indicators.get(code or "")
        return [form for form in str(row["source_form"] or "").split("|") if form] if row else []

    def from_incidents(self) -> list[Row]:
        """Indicators counted from the list of incidents, and the ratios made of them."""
        forms = {code for code, row in self.forms.items() if row["subject"] == "incidents"}
        direct = {code for code in self.indicators if forms & set(self.source_forms(code))}
        return [row for code, row in self.indicators.items() if code in direct or row["numerator_code"] in direct]

    def safety(self) -> list[Row]:
        """Indicators of safety: those from incidents, and the rates that must be full on the same form as the output."""
        counted = self.from_incidents()
        codes = {row["indicator_code"] for row in counted}
        output = {form for row in counted for form in self.source_forms(row["denominator_code"])[:1]}
        return [
            row
            for code, row in self.indicators.items()
            if code in codes or (row["target_form"] == "full" and output & set(self.source_forms(row["numerator_code"])))
        ]

    def lamp_rule(self, indicator_code: str, target_form: str | None, period: date) -> Row | None:
        """The rule in force that judges an indicator: its own for the target form, else for any form."""
        rule_id = self.indicators[indicator_code]["lamp_rule_id"]
        for wanted in (target_form, None):
            for row in self.lamp_rules:
                if (
                    row["lamp_rule_id"] == rule_id
                    and (row["target_form"] or None) == wanted
                    and row["valid_from"] <= period
                    and (row["valid_to"] is None or row["valid_to"] >= period)
                ):
                    return row
        return None


def _latest(rows: tuple[Row, ...]) -> date | None:
    """The newest month that is not merely begun: at least half the indicators of the fullest month have a figure."""
    if not rows:
        return None
    fullest = max(row["indicators"] for row in rows)
    return next((row["period"] for row in reversed(rows) if row["indicators"] * 2 >= fullest), rows[-1]["period"])


def catalogue(snapshot: Snapshot) -> Catalogue:
    """The catalogue of the snapshot's version, kept with it."""

    def build() -> Catalogue:
        settings = {row["key"]: row["value"] or "" for row in snapshot.rows("settings")}
        townships = {row["township_code"]: row for row in snapshot.rows("townships")}
        code = settings.get("county_code", "")
        own = townships.get(code) or next((row for row in townships.values() if row["kind"] == "county"), None)
        county = own or {"township_code": code, "name_zh": code, "name_en": code, "kind": "county", "class": None}
        periods = snapshot.rows("periods")
        return Catalogue(
            version=snapshot.version,
            manifest=snapshot.manifest(),
            indicators={row["indicator_code"]: row for row in snapshot.rows("indicators")},
            townships=townships,
            forms={row["form_code"]: row for row in snapshot.rows("forms")},
            lamp_rules=snapshot.rows("lamp_rules"),
            scopes={row["scope"]: row for row in snapshot.rows("scopes")},
            industries={row["industry_code"]: row for row in snapshot.rows("industries")},
            enterprises={row["enterprise_id"]: row for row in snapshot.rows("enterprise_names")},
            settings=settings,
            periods=tuple(row["period"] for row in periods),
            latest=_latest(periods),
            county=county,
            months={row["period"]: row for row in snapshot.rows("months")},
            seen=frozenset(one for one in townships if snapshot.may_see(one)),
        )

    return snapshot.once("catalogue", build)
