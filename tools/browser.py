"""Make sure that there is a browser for the browser tests; install one if there is none."""

import os
import shutil
import subprocess
import sys

from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find() -> str | None:
    """Return the path of a browser: $CHROMIUM, one of NAMES, or playwright's own."""
    chosen = os.environ.get("CHROMIUM")
    if chosen:
        if not shutil.which(chosen):
            sys.exit(f"CHROMIUM is {chosen!r}, but there is no such program")
        return shutil.which(chosen)
    for name in NAMES:
        if path := shutil.which(name):
            return path
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if os.path.exists(path) else None


def main() -> None:
    """Install Debian's chromium where that is possible, playwright's build elsewhere."""
    if find():
        return
    if shutil.which("apt-get") and os.geteuid() == 0:
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update", "-qq"], ["install", "-y", "-qq", "chromium"]):
            subprocess.run(["apt-get", *command], check=True, env=environment)
    else:
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=True)
    if not find():
        sys.exit("no browser found after installing one; set CHROMIUM to the path of a Chromium")


if __name__ == "__main__":
    main()
