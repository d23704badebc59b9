"""The one frozen Settings object and every path of the project.

Belongs here: what is read from the environment, and where things stand on disk.
Does not belong here: rules of the field (seeds/reference/), creating folders, opening files.
Nothing is read or created at import: call `load_settings()`.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT_ROOT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Where a deployment lives. Environment variables carry the prefix `TEW_`.

    `home` holds everything that is written; `seeds` is the folder of reference data.
    Relative paths are taken from the working directory at the time of loading.
    """

    model_config = SettingsConfigDict(env_prefix="TEW_", frozen=True, extra="ignore")

    home: Path = Field(default=PROJECT_ROOT / "data")
    seeds: Path = Field(default=PROJECT_ROOT / "seeds" / "reference")
    dbt_target: str = "duckdb"
    # Where dbt_target is spark: its master (local[2], spark://host:7077, yarn, k8s://…) and the storage shared with its
    # workers, a folder or a URL (empty: work/spark). All else is said in Spark's own files (docs/spark.md).
    spark_master: str = "local[2]"
    spark_storage: str = ""
    keep_versions: int = Field(default=12, ge=2)
    ingest_workers: int = Field(default=2, ge=1)
    ingest_timeout_s: float = Field(default=10.0, gt=0)
    ingest_memory_mb: int = Field(default=1024, ge=128)
    settle_seconds: float = Field(default=2.0, ge=0)
    max_file_mb: int = Field(default=50, ge=1)
    # Set where a proxy with TLS stands in front: cookies then travel over https alone.
    behind_https: bool = False
    # Sign-in by others (dashboard/access/outside.py): a header that a proxy at one of these addresses (commas, CIDR) sets,
    # and an OpenID Connect provider whose claim is the account's name.
    proxy_header: str = ""
    proxy_addresses: str = ""
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_claim: str = "preferred_username"

    @cached_property
    def inbox(self) -> Path:
        """Workbooks as they were sent; never altered by us."""
        return self.home / "inbox"

    @cached_property
    def archive(self) -> Path:
        """Files by SHA-256 beside `journal.jsonl`; append-only."""
        return self.home / "archive"

    @cached_property
    def journal(self) -> Path:
        return self.archive / "journal.jsonl"

    @cached_property
    def returned(self) -> Path:
        return self.home / "returned"

    @cached_property
    def work(self) -> Path:
        return self.home / "work"

    @cached_property
    def warehouse(self) -> Path:
        """The only writable database: schemas raw and reference."""
        return self.work / "warehouse.duckdb"

    @cached_property
    def candidate(self) -> Path:
        """The version being made, until it is renamed into `published`."""
        return self.work / "candidate" / "warehouse.duckdb"

    @cached_property
    def intermediate(self) -> Path:
        """What dbt computes on the way to the candidate and keeps from refresh to refresh; never published."""
        return self.candidate.with_name("intermediate.duckdb")

    @cached_property
    def as_of_day(self) -> str:
        """The day whose knowledge dbt shows, YYYY-MM-DD; empty: all that is known (warehouse/as_of.py changes it)."""
        return ""

    @cached_property
    def lock_file(self) -> Path:
        return self.work / "refresh.lock"

    @cached_property
    def published(self) -> Path:
        return self.home / "published"

    @cached_property
    def current(self) -> Path:
        """The pointer: a text file that holds the served version's name."""
        return self.published / "CURRENT"

    @cached_property
    def dagster_home(self) -> Path:
        return self.home / "dagster"

    @cached_property
    def dbt_project(self) -> Path:
        return PROJECT_ROOT / "dbt"

    @cached_property
    def dbt_target_path(self) -> Path:
        """Where dbt writes manifest and run results: in the home, so that the project folder stays read-only."""
        return self.work / ("dbt" if self.dbt_target == "duckdb" else f"dbt-{self.dbt_target}")


def load_settings(**overrides: object) -> Settings:
    """Read the environment once; `overrides` win (tests, the command line).

    Returns Settings with absolute paths.
    """
    raw = Settings(**overrides)  # type: ignore[arg-type]
    return raw.model_copy(update={"home": raw.home.expanduser().resolve(), "seeds": raw.seeds.expanduser().resolve()})
