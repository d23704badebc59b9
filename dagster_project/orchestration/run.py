"""The job `refresh` in this process, recorded in the home's instance so that it is seen in the UI.

Belongs here: how the command line runs the job. Does not belong here: printing (commands/refresh.py), assets.
"""

from __future__ import annotations

from dataclasses import dataclass

from dagster_project.definitions import build_defs
from dagster_project.orchestration.instance import PROCESS_TAG, fail_dead_runs, open_instance, process_mark
from dagster_project.orchestration.jobs import REFRESH
from dagster_project.orchestration.session import Session
from dagster_project.supervise import CODE_LOCATION

# The UI lists a run under its job by this tag; a run that no code server launched must bring it.
REPOSITORY_TAG = ".dagster/repository"


@dataclass(frozen=True)
class JobResult:
    """`dead_runs` are ids of runs that a killed process had left and that were failed first."""

    run_id: str
    is_success: bool
    dead_runs: list[str]


def run_job(session: Session, trigger: str = "command") -> JobResult:
    """Run the job to its end; what it found out stands in `session`. The caller holds the refresh lock.

    A failed step does not raise: `session.failed_step` and `session.error` tell it.
    """
    with open_instance(session.settings) as instance:
        dead = fail_dead_runs(instance)
        definitions = build_defs(session.settings, session)
        result = definitions.resolve_job_def(REFRESH).execute_in_process(
            instance=instance,
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            tags={
                PROCESS_TAG: process_mark(),
                REPOSITORY_TAG: f"__repository__@{CODE_LOCATION}",
                "tew/trigger": trigger,
            },
        )
        return JobResult(result.run_id, result.success, dead)
