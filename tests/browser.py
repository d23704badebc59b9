"""Finds a Chromium for the browser tests, or installs one with a font that has Chinese glyphs.

Belongs here: where the browser is and how it is started. Does not belong here: tests of pages (tests/e2e).
Run `python -m tests.browser --install` before the tests; it does nothing where a browser is at hand.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

# The shell is the same engine without a browser's own windows: a page opens in a third of the time.
SHELL = "chromium-headless-shell"
CANDIDATES = (SHELL, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

# Without these a headless Chromium looks up its maker's hosts at every start.
LAUNCH_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def find_chromium() -> str | None:
    """Path of an installed Chromium, or None: Playwright's own copy is then used if there is one."""
    return next((path for name in CANDIDATES if (path := shutil.which(name))), None)


def playwright_has_browser() -> bool:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        return Path(playwright.chromium.executable_path).exists()


def has_chinese_font() -> bool:
    lister = shutil.which("fc-list")
    if lister is None:
        return False
    return bool(subprocess.run([lister, ":lang=zh"], capture_output=True, text=True, check=False).stdout.strip())


def install() -> None:
    """Debian's packages where apt-get is at hand and we may use it, else Playwright's own browser.

    The shell is installed beside a whole browser too; where it cannot be had, the browser that is there serves.
    """
    may_install = bool(shutil.which("apt-get")) and hasattr(os, "geteuid") and os.geteuid() == 0
    wanted = [] if shutil.which(SHELL) else [SHELL]
    if not has_chinese_font():
        wanted.append("fonts-noto-cjk")
    if wanted and may_install and not _apt_install(wanted):
        others = [name for name in wanted if name != SHELL] + ([] if find_chromium() else ["chromium"])
        if others:
            _apt_install(others)
    if find_chromium() is None and not playwright_has_browser():
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=True)


def _apt_install(packages: list[str]) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    commands = (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages])
    return all(
        subprocess.run(command, env=environment, check=False, stdout=subprocess.DEVNULL).returncode == 0
        for command in commands
    )


if __name__ == "__main__":
    if "--install" in sys.argv:
        install()
    print(find_chromium() or "playwright")  # noqa: T201
