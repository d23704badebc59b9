"""Fixtures of the audit's tests: the project's own reference data, compiled once."""

from __future__ import annotations

import pytest

from dagster_project.audit.run import Auditor
from dagster_project.ingest.messages import Messages
from dagster_project.reference import Reference, load_reference
from tests.audit.kit import SEEDS, Book


@pytest.fixture(scope="session")
def reference() -> Reference:
    return load_reference(SEEDS)


@pytest.fixture(scope="session")
def auditor(reference: Reference) -> Auditor:
    return Auditor(reference, Messages.load(reference))


@pytest.fixture
def book(auditor: Auditor) -> Book:
    return Book(auditor)
