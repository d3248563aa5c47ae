"""The browser of the end-to-end tests: one that is there, else one that can be installed.

    python tests/browser.py      make sure that there is one; with CI=true it is an error when there is none
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
INSTALL_SECONDS = 600


def find() -> str | None:
    """Path of a Chromium or Chrome that starts: on PATH, or the one that Playwright has installed."""
    candidates = [path for name in NAMES if (path := shutil.which(name))]
    candidates += [str(path) for path in (MAC, _of_playwright()) if path and path.is_file()]
    return next((path for path in candidates if _starts(path)), None)


def ensure() -> str | None:
    """`find()`, after trying to install one: Playwright's, then Debian's package when root."""
    found = find()
    if found:
        return found
    print("No Chromium or Chrome found; installing one for the browser tests.", file=sys.stderr)
    for command in _installers():
        try:
            subprocess.run(command, check=True, timeout=INSTALL_SECONDS, stdout=subprocess.DEVNULL)
        except (OSError, subprocess.SubprocessError) as error:
            print(f"{' '.join(command)}: {error}", file=sys.stderr)
        found = find()
        if found:
            return found
    return None


def required() -> bool:
    """True where a missing browser is a failure: under `CI=true`."""
    return os.environ.get("CI", "").lower() == "true"


def _installers() -> list[list[str]]:
    commands = [[sys.executable, "-m", "playwright", "install", "chromium"]]
    if shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0:
        commands.append(["apt-get", "update", "-qq"])
        commands.append(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"])
    return commands


def _of_playwright() -> Path | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        return Path(playwright.chromium.executable_path)


def _starts(path: str) -> bool:
    """False for a browser whose system libraries are missing."""
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False


def main() -> int:
    """Exit status: 0 when there is a browser, or when the tests may do without."""
    found = ensure()
    if found:
        print(f"Browser tests use {found}")
        return 0
    print("No browser: install chromium or google-chrome to run the browser tests.", file=sys.stderr)
    return 1 if required() else 0


if __name__ == "__main__":
    sys.exit(main())
