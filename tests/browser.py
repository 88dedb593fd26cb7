"""JupyterLab on loopback and a headless Chromium: what a reader sees, for tests. Source: UX 7.

The driver in Playwright's wheel talks to the system's Chromium; nothing is fetched. Only processes that were started
here are ended.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
CHROMIUM_FLAGS = (
    "--no-sandbox --disable-dev-shm-usage --disable-gpu --disable-background-networking --disable-component-update "
    "--no-first-run --force-color-profile=srgb"
).split()
START_TIMEOUT_S = 90

# The command is silently lost when the kernel is not connected and idle yet.
KERNEL_IS_IDLE = """() => {
  const context = window.jupyterapp?.shell.currentWidget?.sessionContext;
  const kernel = context?.session?.kernel;
  return context?.isReady && kernel?.connectionStatus === "connected" && kernel.status === "idle";
}"""
ALL_CELLS_RAN = """() => {
  const prompts = [...document.querySelectorAll(".jp-CodeCell .jp-InputPrompt")].map((p) => p.textContent.trim());
  return prompts.length > 0 && prompts.every((text) => /\\[\\d+\\]:/.test(text));
}"""


class Lab:
    """JupyterLab with its own configuration, settings and workspace; `root` holds its notebooks."""

    def __init__(self, root: Path, home: Path, theme: str, environment: Mapping[str, str]) -> None:
        self.token, self.url = secrets.token_hex(12), f"http://127.0.0.1:{_free_port()}"
        settings = home / "settings" / "@jupyterlab" / "apputils-extension"
        settings.mkdir(parents=True)
        name = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}[theme]
        (settings / "themes.jupyterlab-settings").write_text(json.dumps({"theme": name}))
        notifications = {"fetchNews": "false", "checkForUpdates": False}
        (settings / "notification.jupyterlab-settings").write_text(json.dumps(notifications))
        # Cells out of sight are in the page, too: otherwise they could not be asked.
        notebooks = home / "settings" / "@jupyterlab" / "notebook-extension"
        notebooks.mkdir(parents=True)
        (notebooks / "tracker.jupyterlab-settings").write_text(json.dumps({"windowingMode": "none"}))
        folders = {
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "run",
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
            "IPYTHONDIR": "ipython",
        }
        self._log = home / "lab.log"
        with self._log.open("w") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "jupyterlab", *self._flags(root)],
                env={**os.environ, **{k: str(home / v) for k, v in folders.items()}, **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _flags(self, root: Path) -> list[str]:
        return [
            "--no-browser",
            "--allow-root",
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={self.url.rpartition(':')[2]}",
            "--ServerApp.port_retries=0",
            f"--IdentityProvider.token={self.token}",
            f"--ServerApp.root_dir={root}",
            "--expose-app-in-browser",
            "--LabApp.news_url=",
            "--LabApp.check_for_updates_class=jupyterlab.handlers.announcements.NeverCheckForUpdate",
            "--ServerApp.terminals_enabled=False",
        ]

    def wait_until_up(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            assert self._process.poll() is None, f"JupyterLab ended: {self._log.read_text()[-2000:]}"
            try:
                with urllib.request.urlopen(f"{self.url}/api/status?token={self.token}", timeout=2):
                    return
            except OSError:
                time.sleep(0.1)
        raise AssertionError(f"JupyterLab did not come up: {self._log.read_text()[-2000:]}")

    def stop(self) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)  # the group that it leads: Lab and its kernels
            try:
                self._process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait(15)


class Reader:
    """A page of Lab with a notebook open. `foreign` gathers requests that went to any other server."""

    def __init__(self, page: Any, lab: Lab) -> None:
        self.page, self._lab = page, lab
        self.foreign: list[str] = []
        page.set_default_timeout(START_TIMEOUT_S * 1000)
        page.on("request", lambda request: self._note(request.url))

    def _note(self, url: str) -> None:
        own = (self._lab.url, self._lab.url.replace("http", "ws", 1), "data:", "blob:")
        if not url.startswith(own):
            self.foreign.append(url)

    def open(self, notebook: str) -> None:
        address = f"{self._lab.url}/lab/tree/{notebook}?reset&token={self._lab.token}"
        self.page.goto(address, wait_until="domcontentloaded")
        self.page.wait_for_selector(".jp-Notebook .jp-CodeCell")

    def run_all(self) -> None:
        self.page.wait_for_function(KERNEL_IS_IDLE)
        # evaluate() has no timeout, so the command's promise is not returned: it may never settle.
        self.page.evaluate("() => { void window.jupyterapp.commands.execute('notebook:run-all-cells'); }")
        self.page.wait_for_function(ALL_CELLS_RAN)

    def errors(self) -> list[str]:
        """The names and texts of errors in the outputs."""
        failed = ".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr']"
        return self.page.locator(failed).all_inner_texts()


@contextmanager
def reader(
    root: Path, home: Path, *, theme: str = "light", environment: Mapping[str, str] | None = None
) -> Iterator[Reader]:
    """Start Lab on `root` and give a reader of it; end both."""
    from playwright.sync_api import sync_playwright

    lab = Lab(root, home, theme, environment or {})
    try:
        lab.wait_until_up()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=str(CHROMIUM), headless=True, args=list(CHROMIUM_FLAGS)
            )
            page = browser.new_context(viewport={"width": 1280, "height": 1400}, color_scheme=theme).new_page()
            yield Reader(page, lab)
            browser.close()
    finally:
        lab.stop()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
