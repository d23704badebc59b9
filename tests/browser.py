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

CANDIDATES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

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
    """Debian's packages where apt-get is at hand and we may use it, else Playwright's own browser."""
    packages = [] if find_chromium() else ["chromium"]
    if not has_chinese_font():
        packages.append("fonts-noto-cjk")
    if packages and shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0:
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], env=environment, check=True)
        subprocess.run(
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages],
            env=environment,
            check=True,
            stdout=subprocess.DEVNULL,
        )
    if find_chromium() is None and not playwright_has_browser():
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=True)


if __name__ == "__main__":
    if "--install" in sys.argv:
        install()
    print(find_chromium() or "playwright")  # noqa: T201
