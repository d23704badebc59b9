"""Jobs by the calendar and by hand, run as Dagster runs them: reminders, checks, drafts, retention, rebuild, month ends; and
the sensor that tells people."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from dagster import DagsterInstance, Definitions, ExecuteInProcessResult

from dagster_project.alerts import channels, due, send, texts
from dagster_project.definitions import build_defs
from dagster_project.orchestration import alerting, checks, chores, schedules
from dagster_project.orchestration.instance import KILLED_TAG, PROCESS_TAG
from dagster_project.reference import ReferenceError, load_reference
from dagster_project.settings import Settings
from dagster_project.warehouse import closing, pointer, retention
from tests.alerts import receivers
from tests.conftest import make_home

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def own(small_home_source: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A private published home for all tests of this file, each of which leaves it usable."""
    target = tmp_path_factory.mktemp("calendar") / "home"
    shutil.copytree(small_home_source.home, target)
    return make_home(target)


@pytest.fixture(scope="module")
def defs(own: Settings) -> Definitions:
    return build_defs(own)


@pytest.fixture
def instance() -> Iterator[DagsterInstance]:
    with DagsterInstance.ephemeral() as made:
        yield made


@pytest.fixture
def told(own: Settings) -> Iterator[receivers.Web]:
    with receivers.web() as server:
        file = channels.path(own)
        file.write_text(
            f'[[channel]]\nname = "w"\nkind = "wecom"\nlang = "en"\nurl = "{server.url("/w")}"\n', encoding="utf-8"
        )
        yield server
        file.unlink()
        shutil.rmtree(own.work / "alerts", ignore_errors=True)


def run(defs: Definitions, instance: DagsterInstance, job: str, **options: object) -> ExecuteInProcessResult:
    return defs.resolve_job_def(job).execute_in_process(instance=instance, raise_on_error=False, **options)


def newest(settings: Settings) -> date:
    reference = load_reference(settings.seeds)
    return max(entry.period for entry in due.owed(settings, reference, due.dated(reference, date.today(), -120, 0)))


def test_reminders_and_their_run(
    own: Settings, defs: Definitions, instance: DagsterInstance, told: receivers.Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = next(row for row in due.monthly_forms(load_reference(own.seeds)) if row["form_code"] == "TE-M1")
    day = due.due_day(form, due.add_months(newest(own), 1))
    monkeypatch.setattr(due, "local_today", lambda _reference: day)
    for _ in range(2):
        assert run(defs, instance, "due_day_reminders").success
    assert len(told.got) == 1 and "due today" in told.got[0][1]["markdown"]["content"]
    # A channel that is away is tried again by Dagster, and the run says what to look at.
    shutil.rmtree(own.work / "alerts")
    told.answers = [(403, {})]
    with pytest.raises(chores.NotTold, match=r"w: HTTP 403.*tew alert test"):
        chores.remind(own, day)
    channels.path(own).write_text("[[channel", encoding="utf-8")
    failed = run(defs, instance, "due_day_reminders")
    assert not failed.success and "alerts.toml" in alerting.reason(instance, failed.run_id)


def test_checks_of_the_calendar(own: Settings, defs: Definitions, instance: DagsterInstance) -> None:
    result = run(defs, instance, "calendar_checks")
    assert result.success and len(result.get_asset_check_evaluations()) == 2
    form = next(row for row in due.monthly_forms(load_reference(own.seeds)) if row["form_code"] == "TE-M1")
    following = due.add_months(newest(own), 1)
    late = checks.completeness(own, due.due_day(form, following) + timedelta(days=1))
    assert not late.passed and late.metadata["overdue"].value >= 10
    assert f"TE-M1 | {following:%Y-%m}" in late.metadata["owed"].value
    now = datetime.now(UTC).timestamp()
    assert checks.freshness(own, now).passed
    waiting = own.inbox / "waits.xlsx"
    waiting.write_bytes(b"x")
    os.utime(waiting, (1, 1))
    assert checks.freshness(own, now).passed, "it may have come a moment ago, whatever its time says"
    stale = checks.freshness(own, now + 25 * 3600)
    assert not stale.passed and "waits.xlsx" in (stale.description or "")
    waiting.unlink()
    pointer_text = own.current.read_text(encoding="utf-8")
    own.current.unlink()
    assert not checks.freshness(own, now).passed
    own.current.write_text(pointer_text, encoding="utf-8")


def test_the_bulletin_is_drafted_and_not_written_over(
    own: Settings, defs: Definitions, instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    month = newest(own)
    monkeypatch.setattr(due, "local_today", lambda _reference: due.add_months(month, 1) + timedelta(days=9))
    assert run(defs, instance, "bulletin_draft").success
    (draft,) = (own.home / retention.DRAFTS).glob("*.docx")
    assert draft.stem.endswith(pointer.current_version(own) or "?")
    monkeypatch.setattr(due, "local_today", lambda _reference: date(1999, 2, 10))
    failed = run(defs, instance, "bulletin_draft")
    assert not failed.success and "1999-01" in alerting.reason(instance, failed.run_id)
    assert "tew bulletin" in alerting.reason(instance, failed.run_id)


def test_a_months_end_a_rebuild_and_what_retention_leaves(
    own: Settings, defs: Definitions, instance: DagsterInstance
) -> None:
    keys = defs.resolve_job_def("as_of_month_end").partitions_def.get_partition_keys()
    assert keys[0] == chores.first_month(own).isoformat()
    served = pointer.current_version(own)
    assert served is not None
    frozen = closing.close(own, newest(own), "Li", "Wang").version
    assert run(defs, instance, "as_of_month_end", partition_key=keys[-1]).success
    made = own.published / served / "as_of" / due.month_end(date.fromisoformat(keys[-1])).isoformat()
    assert (made / "warehouse.duckdb").is_file()
    assert run(defs, instance, "rebuild", tags={"tew/rebuild": "true"}).success
    rebuilt = pointer.current_version(own)
    assert rebuilt not in (None, served), "a rebuild publishes, though nothing was new"
    old, new = own.home / "logs" / "old.log.2", own.home / "logs" / "daemon.log"
    old.parent.mkdir(exist_ok=True)
    for path in (old, new):
        path.write_text("x", encoding="utf-8")
    os.utime(old, (1, 1))
    assert run(defs, instance, "retention").success
    assert not old.exists() and new.exists()
    assert frozen == served and made.is_dir(), "a frozen version keeps its files"
    closing.reopen(own, newest(own), "why", "Li")
    assert pointer.current_version(own) == rebuilt and own.journal.is_file()


def test_old_versions_go_and_records_of_runs_too(own: Settings, instance: DagsterInstance, defs: Definitions) -> None:
    few = own.model_copy(update={"keep_versions": 2})
    names = pointer.version_names(own)
    for number in (1, 2):
        shutil.copytree(own.published / names[0], own.published / f"20200101T00000{number}Z-00000{number}")
    done = retention.sweep(few, 90)
    assert [path for path in done.removed if path.startswith("published/2020")] == [
        "published/20200101T000001Z-000001",
        "published/20200101T000002Z-000002",
    ]
    assert done.bytes > 0 and pointer.current_version(own) in pointer.version_names(own)
    run(defs, instance, "calendar_checks")
    assert chores.forget_runs(instance, datetime.now(UTC) - timedelta(days=1)) == 0
    assert chores.forget_runs(instance, datetime.now(UTC) + timedelta(days=1)) == 1 and not instance.get_runs()


def test_failures_and_errors_are_told_once(own: Settings, instance: DagsterInstance, told: receivers.Web) -> None:
    (own.inbox / "broken.xlsx").write_bytes(bytes(range(64)))
    began = datetime.now(UTC)
    cursor, words = alerting.evaluate(own, instance, None, began)
    assert "Begins" in words
    defs = build_defs(own)
    assert run(defs, instance, "refresh").success
    cursor, words = alerting.evaluate(own, instance, cursor, datetime.now(UTC))
    assert "Told 1" in words, words
    text = told.got[0][1]["markdown"]["content"]
    assert "broken.xlsx" in text and "1 rejected" in text
    # A run whose process was killed, and one that failed with the same words twice.
    for number in range(2):
        made = instance.create_run_for_job(
            defs.resolve_job_def("refresh"), tags={PROCESS_TAG: f"{number}@1", KILLED_TAG: "true"}
        )
        instance.report_run_failed(made, "The process of this run ended.")
    for _ in range(2):
        cursor, _ = alerting.evaluate(own, instance, cursor, datetime.now(UTC))
    assert len(told.got) == 2 and "The process of this run ended" in told.got[1][1]["markdown"]["content"]
    assert send.memory(own).is_file()


def test_days_that_not_every_month_has_are_refused(tmp_path: Path, home: Settings) -> None:
    seeds = tmp_path / "seeds"
    shutil.copytree(home.seeds, seeds)
    text = (seeds / "settings.csv").read_text(encoding="utf-8")
    (seeds / "settings.csv").write_text(text.replace("bulletin_day,10", "bulletin_day,31"), encoding="utf-8")
    with pytest.raises(ReferenceError, match="bulletin_day"):
        chores.bulletin_day(load_reference(seeds))
    with pytest.raises(ReferenceError, match="reminders_at"):
        schedules.cron_of("25:00", "reminders_at")


def test_broken_reference_data_fail_the_run_with_their_own_words(
    own: Settings, tmp_path: Path, instance: DagsterInstance
) -> None:
    """Dagster's definitions load all the same, so that the UI says file, line and what to do, and an alert too."""
    seeds = tmp_path / "seeds"
    shutil.copytree(own.seeds, seeds)
    text = (seeds / "lamp_rules.csv").read_text(encoding="utf-8")
    (seeds / "lamp_rules.csv").write_text(text.replace("default,,0,-5", "default,,abc,-5", 1), encoding="utf-8")
    (own.inbox / "arrived.xlsx").write_bytes(b"no workbook")
    broken = build_defs(make_home(own.home, seeds=seeds))
    result = run(broken, instance, "refresh")
    assert not result.success
    said = alerting.reason(instance, result.run_id)
    assert "lamp_rules.csv line 2, green_min_pp" in said and "tew upgrade" in said
    assert "Put right what is named" in said and "请按上面所说处理" in said
    shown = "\n".join(texts.failed(own, "refresh", "now", said, result.run_id)("zh", "").lines)
    assert "green_min_pp" in shown and "Put right what is named" not in shown, "what to do, in one language, once"
    (own.inbox / "arrived.xlsx").unlink()
