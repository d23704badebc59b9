"""Calling `tew` from tests: in this process where a hundred calls are made, as a program where the process matters."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from dataclasses import dataclass

import pytest

from dagster_project import cli
from dagster_project.settings import PROJECT_ROOT, Settings

TEW = [sys.executable, "-m", "dagster_project.cli"]


def environment(settings: Settings) -> dict[str, str]:
    """The environment of a program that works on this home, from any working directory."""
    own = {
        "TEW_HOME": str(settings.home),
        "TEW_SEEDS": str(settings.seeds),
        "TEW_SETTLE_SECONDS": str(settings.settle_seconds),
        "PYTHONPATH": str(PROJECT_ROOT),
    }
    return {**os.environ, **own}


@dataclass
class Done:
    """What a call did; the same names as of subprocess.CompletedProcess."""

    returncode: int
    stdout: str
    stderr: str


def tew(settings: Settings, *arguments: str, **more: str) -> Done:
    """The entry point in this process, so that a hundred calls do not cost a hundred starts of Python."""
    out, err = io.StringIO(), io.StringIO()
    added = {**environment(settings), **more}
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        for name, value in added.items():
            patch.setenv(name, value)
        patch.setattr(sys, "argv", ["tew", *arguments])
        patch.chdir(settings.home.parent)
        try:
            cli.main()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
    return Done(code, out.getvalue(), err.getvalue())


def tew_program(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command as a program of its own."""
    return subprocess.run(
        [*TEW, *arguments],
        cwd=settings.home.parent,
        env=environment(settings),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
