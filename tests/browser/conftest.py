"""One JupyterLab on the flights project, one Chromium, and for every test a workspace of its own.

A test gets `lab`: a page of JupyterLab that records what must not happen. A test that leaves
nothing behind but open pages takes `shared`, which is loaded once for its file. After the test
there may be no console error, no page error, no answer of 500 or above, and no request to anything
but this JupyterLab.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
import uuid
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from playwright.sync_api import (
    BrowserContext,
    ConsoleMessage,
    Error,
    Locator,
    Page,
    Request,
    Response,
    expect,
    sync_playwright,
)

from jupyter_mlinfra.core.files import file_lock
from tests.conftest import Demo

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Else each window loads the pages of a toolbar that nobody sees.
    "--disable-features=PreloadTopChromeWebUI,WebUITabStrip,InitialWebUI",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
# ms; what a loaded machine of two cores needs for the slowest step, a kernel that starts
SLOW = 60_000
SIZE = {"width": 1440, "height": 900}
# Nothing is searched for any more, and no notification is in sight: the next test's would be
# taken for those of the one before.
TIDY = """() => {
  const { set } = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value');
  for (const box of document.querySelectorAll('input[aria-label="Search the workbench"]')) {
    if (box.value) {
      set.call(box, '');
      box.dispatchEvent(new Event('input', { bubbles: true }));
    }
  }
  document.querySelectorAll('.jp-Notification-Toast-Close').forEach(node => node.click());
}"""
FOLDER = f"browser-tests-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"

expect.set_options(timeout=SLOW)
collect_ignore = [] if os.environ.get("MLINFRA_SCREENSHOTS") else ["test_screenshots.py"]


LOGS: dict[str, list[str]] = {}
"""What each JupyterLab that runs has said, by its address."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Beside a failure stands what the servers said last."""
    report = yield
    if report.failed:
        for address, log in LOGS.items():
            report.sections.append((f"JupyterLab at {address}", "".join(log[-80:])))
    return report


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first test of a session waits for the demo, which takes minutes."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(900))


@dataclass(frozen=True)
class Server:
    """A JupyterLab. root: its folder, which is the project's."""

    address: str
    token: str
    root: Path

    def url(self, *, path: str = "", query: str = "") -> str:
        """Where a fresh workspace opens, with the file `path` in its main area."""
        tree = f"/tree/{quote(path)}" if path else ""
        return f"{self.address}/lab/workspaces/{uuid.uuid4().hex}{tree}?token={self.token}{query}"

    def ask(self, path: str, method: str = "GET", body: object = None) -> Any:
        """What the REST door says."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.address}/{path}", data, method=method)
        request.add_header("Authorization", f"token {self.token}")
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
        return json.loads(text) if text else None


@contextmanager
def jupyterlab(root: Path, config: Path, *options: str, theme: str = "Light") -> Iterator[Server]:
    """JupyterLab on `root` with nothing of this user's configuration; at its end, one in which our
    code does not stop says in which lines it hangs.

    Jupyter itself does not, now and then, when it is told to within milliseconds of a save: anyio's
    thread, which that save took, is never told of the end.
    """
    process, server, log, reader = start_server(root, config, *options, theme=theme)
    LOGS[server.address] = log
    try:
        yield server
    finally:
        del LOGS[server.address]
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGABRT)
            process.wait(10)
            reader.join(10)
            where = "".join(log).partition("Fatal Python error")[2]
            assert "_shutdown" in where, where
            assert "/jupyter_mlinfra/" not in where, where


def start_server(
    root: Path, config: Path, *options: str, theme: str = "Light"
) -> tuple[subprocess.Popen[str], Server, list[str], threading.Thread]:
    """Start it, and wait until it tells its address. The list grows by what it says, until its
    thread has read all.
    """
    settings = config / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text(
        '{"fetchNews": "false", "checkForUpdates": false}'
    )
    (settings / "themes.jupyterlab-settings").write_text(
        json.dumps({"theme": f"JupyterLab {theme}"})
    )
    # Whether extensions from source want a new build is asked with each page, of yarn.
    lab = config / "config" / "labconfig"
    lab.mkdir(parents=True)
    (lab / "page_config.json").write_text('{"buildCheck": false}')
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "JUPYTER_CONFIG_DIR": str(config / "config"),
        "JUPYTER_RUNTIME_DIR": str(config / "runtime"),
        "JUPYTER_DATA_DIR": str(config / "data"),
        "JUPYTERLAB_SETTINGS_DIR": str(config / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(config / "workspaces"),
        "IPYTHONDIR": str(config / "ipython"),
        "PYTHONFAULTHANDLER": "1",
    }
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        "--allow-root",
        "--ip=127.0.0.1",
        "--port=0",
        f"--ServerApp.root_dir={root}",
        "--LabApp.expose_app_in_browser=True",
        *options,
    ]
    process = subprocess.Popen(
        command,
        cwd=root,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr
    log: list[str] = []
    for line in process.stderr:
        log.append(line)
        if found := re.search(r"(http://127\.0\.0\.1:\d+)/lab\?token=(\w+)", line):
            # Keeps the pipe empty.
            reader = threading.Thread(target=log.extend, args=(process.stderr,), daemon=True)
            reader.start()
            return process, Server(found[1], found[2], root), log, reader
    raise AssertionError("JupyterLab did not start:\n" + "".join(log))


@pytest.fixture(scope="session")
def server(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with jupyterlab(demo.root, tmp_path_factory.mktemp("lab")) as server:
        yield server
    shutil.rmtree(demo.root / FOLDER, ignore_errors=True)


@pytest.fixture(scope="session")
def small_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """JupyterLab on a project with one notebook and nothing else, for tests that fill the queue:
    others look at the flights at the same time.
    """
    root = tmp_path_factory.mktemp("small")
    (root / "mlinfra.toml").write_text('[project]\nname = "small"\n')
    write_notebook(root / "analysis.ipynb", cell("print('done')"))
    with jupyterlab(root, tmp_path_factory.mktemp("lab")) as server:
        yield server
    command = [sys.executable, "-m", "jupyter_mlinfra.cli", "down"]
    subprocess.run(command, cwd=root, check=False, capture_output=True, timeout=120)


@pytest.fixture
def traffic(server: Server) -> Iterator[None]:
    """For a test that moves the traffic of the flights, or is disturbed if it moves: other workers
    look at the same deployment, and wait.
    """
    with file_lock(server.root / ".mlinfra" / "traffic-of-the-tests.lock"):
        yield


@pytest.fixture(scope="session")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """Chromium with a profile on the disk, as a user has it: what the first pages have read and
    compiled, the next ones need not. In a private window they compile everything anew.
    """
    found = next(
        (
            path
            for name in ("chromium", "chromium-browser", "google-chrome")
            if (path := shutil.which(name))
        ),
        None,
    )
    with sync_playwright() as play:
        context = play.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"),
            executable_path=found,
            args=FLAGS,
            viewport=SIZE,  # type: ignore[arg-type]
            permissions=["clipboard-read", "clipboard-write"],
        )
        context.set_default_timeout(SLOW)
        yield context
        context.close()


@pytest.fixture(scope="session")
def contexts(context: BrowserContext) -> Contexts:
    """The browser context of a server: the same for all, as tabs of one browser are."""
    return lambda server: context


def cell(source: str, *tags: str) -> dict[str, Any]:
    """A code cell of a notebook file."""
    return {
        "cell_type": "code",
        "id": uuid.uuid4().hex[:8],
        "metadata": {"tags": list(tags)},
        "source": source,
        "outputs": [],
        "execution_count": None,
    }


def write_notebook(file: Path, *cells: dict[str, Any]) -> None:
    """A notebook file; it has an empty cell unless others are given."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    document = {
        "cells": list(cells) or [cell("")],
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(document))


@dataclass
class Lab:
    """JupyterLab in the browser, by the words of someone who uses it."""

    page: Page
    server: Server
    faults: list[str] = field(default_factory=list)

    def go(self, *, path: str = "", query: str = "") -> None:
        """Load JupyterLab and wait until it is ready to take keys."""
        self.page.goto(self.server.url(path=path, query=query))
        ready = (
            ".jp-NotebookPanel .jp-Cell .cm-content"
            if path
            else ".jp-LauncherCard"
            if not query
            else "#jp-main-dock-panel .lm-TabBar-tab"
        )
        self.page.locator(ready).first.wait_for(timeout=90_000)

    def region(self, title: str) -> Locator:
        """A panel of ours, open or not; a section in it may have the same name."""
        box = self.page.get_by_role("searchbox", name="Search the workbench")
        return self.page.get_by_role("region", name=title, exact=True).filter(has=box)

    def panel(self, title: str) -> Locator:
        """Open a panel of ours in the side bar."""
        region = self.region(title)
        if not region.is_visible():
            # With a badge the tab says what it counts: `Models: 1 alert firing`.
            self.page.get_by_role("tab", name=re.compile(f"^{title}(: |$)")).first.click()
        expect(region.get_by_role("heading", name=title, exact=True, level=2)).to_be_visible()
        return region

    def open(self, panel: str, reference: str) -> Locator:
        """Open an object's page from its row in a panel."""
        self.row(self.panel(panel), reference).click()
        return self.main(reference)

    def row(self, where: Locator, reference: str) -> Locator:
        return where.locator(f'[role="treeitem"][data-mlinfra-ref="{reference}"]').first

    def main(self, reference: str) -> Locator:
        """The page of a reference in the main area."""
        page = self.page.locator(f'[id="jp-mlinfra-{reference}"]')
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        return page

    def notebook(self, *cells: dict[str, Any], name: str = "") -> Locator:
        """Write a notebook into the project and open it; it has an empty cell unless others are
        given.
        """
        path = f"{FOLDER}/{name or uuid.uuid4().hex[:8]}.ipynb"
        write_notebook(self.server.root / path, *cells)
        if self.page.url == "about:blank":
            self.go(path=path)
        else:
            self.command("docmanager:open", path=path)
        notebook = self.page.locator(".jp-NotebookPanel:visible")
        expect(self.page.get_by_role("button", name="| Idle")).to_be_visible()
        expect(
            notebook.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']")
        ).to_be_attached()
        # The indicator is idle a moment before the kernel's socket is.
        self.page.wait_for_timeout(1_000)
        return notebook

    def command(self, name: str, **arguments: str) -> None:
        """Run a command of JupyterLab, and wait until it is done."""
        self.page.evaluate(
            "([name, given]) => jupyterapp.commands.execute(name, given).then(() => null)",
            [name, arguments],
        )

    def clear(self) -> None:
        """Close all that is open, for the next test; the side bar shows the files, as at first, and
        no kernel runs.
        """
        self.page.unroute_all(behavior="ignoreErrors")
        for _ in range(3):
            self.page.keyboard.press("Escape")
        self.page.evaluate(TIDY)
        self.command("application:close-all")
        self.command("filebrowser:activate")
        launcher = self.page.locator(".jp-LauncherCard:visible")
        discard = self.page.get_by_role("button", name="Discard changes to file")
        expect(launcher.or_(discard).first).to_be_visible()
        while discard.is_visible():  # a notebook that a test has changed and not saved
            discard.click()
            expect(launcher.or_(discard).first).to_be_visible()
        close_kernels(self.server)

    def reads(self, editor: Locator) -> str:
        """The text of an editor, once all of its lines are drawn."""
        expect(editor.locator(".cm-gap")).to_have_count(0)
        return "\n".join(
            line.replace("\u200b", "").rstrip("\n")
            for line in editor.locator(".cm-line").all_inner_texts()
        ).strip()

    def refused(self, path: str) -> None:
        """The test has provoked a 4xx of `path`, which the browser writes to the console, now and
        then only after the page has shown it.
        """

        def provoked() -> list[str]:
            return [
                fault
                for fault in self.faults
                if "Failed to load resource" in fault and "status of 4" in fault and path in fault
            ]

        until = time.monotonic() + SLOW / 1000
        while not (found := provoked()) and time.monotonic() < until:
            self.page.wait_for_timeout(100)
        assert found, f"{path} was not refused"
        for fault in found:
            self.faults.remove(fault)

    def chord(self, key: str) -> None:
        self.page.keyboard.press("Alt+m")
        self.page.keyboard.press(key)


def watch(page: Page, origin: str) -> list[str]:
    """Record everything that must not happen on a page."""
    faults: list[str] = []

    def on_console(message: ConsoleMessage) -> None:
        # JupyterLab's debugger asks the kernel of a notebook that has just been closed.
        if message.type == "error" and "Could not restore the debugger state" not in message.text:
            faults.append(f"console: {message.text} ({message.location.get('url', '')})")

    def on_request(request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob") and f"{parts.scheme}://{parts.netloc}" != origin:
            faults.append(f"outside: {request.url}")

    def on_response(response: Response) -> None:
        if response.status >= 500:
            faults.append(f"{response.status}: {response.request.method} {response.url}")

    page.on("console", on_console)
    page.on("pageerror", lambda error: faults.append(f"page error: {error}"))
    page.on("request", on_request)
    page.on("response", on_response)
    page.on("dialog", lambda dialog: (faults.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    return faults


Opener = Callable[..., Lab]
Contexts = Callable[[Server], BrowserContext]


@contextmanager
def new_lab(context: BrowserContext, server: Server) -> Iterator[Lab]:
    """A page that has not loaded anything yet; what it leaves in the browser goes with it."""
    page = context.new_page()
    opened = [page]
    page.on("popup", lambda popup: opened.append(popup))
    yield Lab(page, server, watch(page, server.address))
    with suppress(Error):
        page.evaluate("localStorage.clear()")
    for one in opened:
        one.close()


def close_kernels(server: Server) -> None:
    for session in server.ask("api/sessions"):
        server.ask(f"api/sessions/{session['id']}", "DELETE")


@pytest.fixture
def fresh(contexts: Contexts, server: Server) -> Iterator[Opener]:
    """Makes pages that have not loaded anything yet, for tests that arrange something before."""
    labs: list[Lab] = []
    with ExitStack() as stack:

        def make(at: Server = server) -> Lab:
            labs.append(stack.enter_context(new_lab(contexts(at), at)))
            return labs[-1]

        yield make
    close_kernels(server)
    assert [fault for lab in labs for fault in lab.faults] == []


@pytest.fixture(scope="module")
def loaded(contexts: Contexts, server: Server) -> Iterator[Lab]:
    """What `shared` shares."""
    with new_lab(contexts(server), server) as lab:
        lab.go()
        yield lab
    close_kernels(server)


@pytest.fixture
def shared(loaded: Lab, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """JupyterLab, loaded once for all tests of a file that leave nothing behind but open pages.
    What a test that failed has left is gone with a new load.
    """
    loaded.faults.clear()
    failed = request.session.testsfailed
    yield loaded
    # As with a page of a test's own: what its end cuts off, such as JupyterLab's debugger that asks
    # the kernel of a notebook that is closed, is no fault.
    faults = list(loaded.faults)
    try:
        loaded.clear()
    except (AssertionError, Error):
        failed = -1
        raise
    finally:
        if request.session.testsfailed != failed:
            loaded.go()
    assert faults == []


@pytest.fixture
def lab(fresh: Opener) -> Lab:
    """JupyterLab, loaded in a workspace of its own, with the launcher in front."""
    lab = fresh()
    lab.go()
    return lab


def refs(where: Locator, kinds: Sequence[str] = ()) -> list[str]:
    """The references of the rows in sight, of these kinds."""
    found = [
        row.get_attribute("data-mlinfra-ref") or ""
        for row in where.locator("[data-mlinfra-ref]").all()
    ]
    return [ref for ref in found if not kinds or ref.split(":")[0] in kinds]
