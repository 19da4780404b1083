"""Scenarios of the queue: what waits says why and can be moved; a kernel gives its GPU back; a
cancel leaves no process; a requeue goes on where it was.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Route, expect

from tests.browser.conftest import FOLDER, Lab, Opener, Server, cell, jupyterlab

API = "mlinfra/api/jobs"
WORK = """
import json, os, pathlib, subprocess, sys, time
mark = sys.argv[1]
folder = pathlib.Path(os.environ["MLINFRA_CHECKPOINTS"]); folder.mkdir(parents=True, exist_ok=True)
saved = folder / "step"
first = int(saved.read_text()) if saved.exists() else 0
print("begins at step", first, flush=True)
subprocess.Popen(["setsid", "sh", "-c", f"sleep 300 # {mark}"])
subprocess.Popen(["sh", "-c", f"sleep 300 # {mark}; true"])
for step in range(first, 100_000):
    saved.with_suffix(".new").write_text(str(step))
    saved.with_suffix(".new").rename(saved)
    path = pathlib.Path(os.environ["MLINFRA_PROGRESS"])
    path.with_suffix(".new").write_text(json.dumps({"fraction": 0.2, "text": f"step {step}"}))
    path.with_suffix(".new").rename(path)
    time.sleep(0.2)
"""


@pytest.fixture(scope="module")
def server(small_server: Server) -> Server:
    """Nothing but this file's tests fills its queue, or cancels what is in it."""
    return small_server


@pytest.fixture
def lab(shared: Lab) -> Lab:
    """The tests of this file leave nothing behind but open pages: one page serves them all."""
    return shared


def submit(lab: Lab, **spec: Any) -> dict[str, Any]:
    found: dict[str, Any] = lab.server.ask(f"{API}/jobs", "POST", spec)
    return found


def show(lab: Lab, job: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = lab.server.ask(f"{API}/jobs/{job['id']}")
    return found


def processes_of(mark: str) -> list[str]:
    """The command lines that hold a word, from the kernel's own list."""
    found = []
    for place in Path("/proc").iterdir():
        if place.name.isdecimal() and place.name != str(os.getpid()):
            try:
                words = (
                    (place / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                )
            except OSError:
                continue
            if mark in words:
                found.append(words)
    return found


def until(holds: Callable[[], bool], seconds: float = 30) -> None:
    limit = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < limit, "it did not come to be"
        time.sleep(0.1)


@pytest.fixture
def full(lab: Lab) -> Iterator[dict[str, Any]]:
    """A job that holds every CPU slot; what the test submitted beside it is cancelled at the
    end.
    """
    cpus = lab.server.ask(f"{API}/compute")["cpus"]
    blocker = submit(
        lab, command=["sleep", "600"], cpus=cpus, name=f"blocker {time.time_ns()}", priority=100
    )
    until(lambda: show(lab, blocker)["state"] == "running")
    yield blocker
    for state in ("queued", "running"):
        for job in lab.server.ask(f"{API}/jobs?state={state}")["items"]:
            lab.server.ask(f"{API}/jobs/{job['id']}/cancel", "POST", {})
    until(lambda: not lab.server.ask(f"{API}/jobs?state=running")["items"])


def line(lab: Lab, name: str) -> Locator:
    return lab.page.get_by_role("grid", name="Queue").locator("tbody tr").filter(has_text=name)


def test_keys_on_the_queue_move_and_hold_what_waits(lab: Lab, full: dict[str, Any]) -> None:
    stamp = time.time_ns()
    first = submit(lab, command=["true"], name=f"first {stamp}")
    second = submit(lab, command=["true"], name=f"second {stamp}")
    lab.chord("q")
    queue = lab.main("queue:all")
    expect(line(lab, full["name"]).locator('[data-state="running"]')).to_be_visible()
    expect(line(lab, first["name"])).to_contain_text("Needs 1 CPU, none is free")
    rows = queue.get_by_role("grid", name="Queue").locator("tbody tr").filter(has_text=str(stamp))
    expect(rows.nth(0)).to_contain_text("first")
    line(lab, second["name"]).focus()
    lab.page.keyboard.press("Alt+ArrowUp")
    expect(rows.nth(0)).to_contain_text("second")
    assert show(lab, second)["priority"] == 60
    expect(line(lab, second["name"])).to_be_focused()
    for _ in range(2):
        lab.page.keyboard.press("Alt+ArrowDown")
    expect(rows.nth(0)).to_contain_text("first")
    expect(line(lab, second["name"])).to_be_focused()
    lab.page.keyboard.press("h")
    expect(line(lab, second["name"]).locator('[data-state="held"]')).to_be_visible()
    assert show(lab, second)["held_by"]
    held = lab.row(lab.panel("Jobs"), second["ref"])
    expect(held).to_contain_text("held by")
    lab.main("queue:all")
    line(lab, second["name"]).focus()
    lab.page.keyboard.press("h")
    expect(line(lab, second["name"]).locator('[data-state="queued"]')).to_be_visible()


def test_a_job_that_waits_says_why_on_its_page_and_is_released_there(
    lab: Lab, full: dict[str, Any]
) -> None:
    job = submit(lab, command=["true"], name=f"patient {time.time_ns()}", time_limit_minutes=1)
    page = lab.open("Jobs", job["ref"])
    card = page.locator('[data-card="waiting"]')
    expect(card).to_contain_text(f"held by job {full['id']}")
    expect(line(lab, job["name"])).to_have_class(re.compile("is-current"))
    page.get_by_role("heading", level=1).click()
    lab.page.keyboard.press("h")
    expect(page.get_by_role("button", name="Release")).to_be_visible()
    expect(card).to_contain_text("on hold")
    page.get_by_role("button", name="Release").click()
    expect(page.get_by_role("button", name="Hold")).to_be_visible()
    lab.server.ask(f"{API}/jobs/{full['id']}/cancel", "POST", {})
    expect(page.locator('[data-state="succeeded"]').first).to_be_visible()


def test_a_cancel_leaves_no_process_and_a_requeue_goes_on_at_the_step_that_its_dialog_names(
    lab: Lab,
) -> None:
    mark = f"mark-{time.time_ns()}"
    job = submit(lab, command=["python", "-c", WORK, mark], name=f"stepping {mark}")
    page = lab.open("Jobs", job["ref"])
    expect(page.get_by_text(re.compile(r"^step [1-9]\d*$"))).to_be_visible()
    until(lambda: len(processes_of(mark)) >= 3)
    page.get_by_role("button", name="Cancel", exact=True).click()
    expect(page.locator('[data-state="cancelled"]').first).to_be_visible()
    until(lambda: not processes_of(mark), 15)
    page.get_by_role("button", name="Requeue…").click()
    dialog = lab.page.get_by_role("dialog")
    expect(dialog).to_contain_text(show(lab, job)["checkpoints"])
    named = re.search(r"step (\d+)", dialog.inner_text())
    assert named, dialog.inner_text()
    dialog.get_by_role("button", name="Requeue").click()
    log = page.get_by_role("log")
    expect(log).to_contain_text(re.compile(r"begins at step 0[\s\S]*begins at step [1-9]"))
    begun = int(re.findall(r"begins at step (\d+)", log.inner_text())[1])
    assert begun >= int(named[1]) > 0
    page.get_by_role("tab", name="Attempts").click()
    expect(page.get_by_role("grid", name="Attempts").locator("tbody tr")).to_have_count(2)
    lab.server.ask(f"{API}/jobs/{job['id']}/cancel", "POST", {})
    until(lambda: not processes_of(mark), 15)


@pytest.mark.slow
def test_a_job_goes_on_while_its_page_is_closed_and_the_server_restarts(
    fresh: Opener, server: Server, tmp_path: Path
) -> None:
    cells = [
        cell("turns: int = 3", "parameters"),
        cell(
            "import time\nfor turn in range(turns):\n    print('turn', turn, flush=True)\n   "
            " time.sleep(0.2)"
        ),
    ]
    with jupyterlab(server.root, tmp_path / "first") as first:
        lab = fresh(first)
        notebook = lab.notebook(*cells, name=f"lasting-{time.time_ns()}")
        notebook.get_by_role("button", name="Run as Job").click()
        form = lab.page.locator("form:visible")
        form.get_by_label(re.compile("^turns")).fill("1500")
        form.get_by_role("button", name="Submit Job").click()
        page = lab.page.locator('[data-mlinfra-frame="page"]:visible')
        expect(page.get_by_role("log")).to_contain_text("turn 3", timeout=60_000)
        reference = str(page.locator("button", has_text=re.compile("^job:")).first.inner_text())
        lab.page.close()
    with jupyterlab(server.root, tmp_path / "second") as second:
        lab = fresh(second)
        lab.go(query=f"&mlinfra={reference}")
        page = lab.main(reference)
        expect(page.locator('[data-state="running"]').first).to_be_visible()
        job = show(lab, {"id": reference.removeprefix("job:")})
        assert (job["attempt"], job["parameters"]) == (1, {"turns": 1500})
        log = page.get_by_role("log")
        expect(log).to_contain_text("turn 3")
        before = len(log.inner_text().splitlines())
        until(lambda: len(log.inner_text().splitlines()) > before)
        page.get_by_role("button", name="Cancel", exact=True).click()
        expect(page.locator('[data-state="cancelled"]').first).to_be_visible()
        lab.page.close()


@pytest.mark.slow
def test_a_sweep_is_one_row_with_the_states_of_its_elements(lab: Lab) -> None:
    source = "import time\ntime.sleep(0.1)\nassert depth != 6"
    notebook = lab.notebook(
        cell("depth: int = 4\nrate = 0.1", "parameters"),
        cell(source),
        name=f"sweeping-{time.time_ns()}",
    )
    notebook.get_by_role("button", name="Run as Job").click()
    form = lab.page.locator("form:visible")
    form.get_by_label("sweep depth").check()
    form.get_by_label(re.compile("^depth")).fill("4, 6")
    form.get_by_label("sweep rate").check()
    form.get_by_label(re.compile("^rate")).fill("0.1, 0.2")
    expect(form).to_contain_text("2 × 2 = 4 jobs")
    expect(form.get_by_role("status")).to_contain_text("starts")
    name = f"grid {time.time_ns()}"
    form.get_by_label(re.compile("^name")).fill(name)
    form.get_by_role("button", name="Submit 4 Jobs").click()
    row = (
        lab.panel("Jobs")
        .get_by_role("tree", name="Jobs")
        .get_by_role("treeitem")
        .filter(has_text=f"{name} (4)")
    )
    expect(row).to_have_count(1)
    page = lab.main(row.get_attribute("data-mlinfra-ref") or "")
    states = page.get_by_role("group", name="Elements by state")
    expect(states).to_have_text(re.compile(r"^2 succeeded\s*2 failed$"), timeout=120_000)
    elements = page.get_by_role("grid", name="Elements").locator("tbody tr")
    expect(elements).to_have_count(4)
    expect(elements.nth(2)).to_contain_text("AssertionError")
    strip = page.get_by_role("toolbar", name="Elements in their order")
    strip.get_by_role("button").first.focus()
    for key in ("ArrowRight", "ArrowRight", "Enter"):
        lab.page.keyboard.press(key)
    expect(lab.page.get_by_role("heading", level=1, name=f"{name}/2")).to_be_visible()


def test_the_form_says_why_a_job_can_never_start_and_offers_to_save_first(lab: Lab) -> None:
    notebook = lab.notebook(
        cell("depth: int = 4", "parameters"), cell("print(depth)"), name=f"unsaved-{time.time_ns()}"
    )
    notebook.get_by_role("button", name="Run as Job").click()
    form = lab.page.locator("form:visible")
    form.get_by_label(re.compile("^GPUs")).fill("999")
    expect(form.get_by_role("status")).to_contain_text(
        "It can never start. The job asks for 999 GPUs."
    )
    form.get_by_label(re.compile("^GPUs")).fill("0")
    expect(form.get_by_role("status")).to_contain_text("starts")
    lab.page.locator("#jp-main-dock-panel .lm-TabBar-tab").filter(has_text="unsaved-").first.click()
    notebook.locator(".cm-content").nth(1).click()
    lab.page.keyboard.press("Control+End")
    lab.page.keyboard.type("\nprint('late')")
    lab.page.locator("#jp-main-dock-panel .lm-TabBar-tab").filter(has_text="Submit").first.click()
    form.get_by_role("button", name="Submit Job").click()
    lab.page.get_by_role("dialog").get_by_role("button", name="Save and Go On").click()
    page = lab.page.locator('[data-mlinfra-frame="page"]:visible')
    expect(page.locator('[data-state="succeeded"]').first).to_be_visible(timeout=120_000)
    expect(page.get_by_role("log")).to_contain_text("late")


@pytest.mark.slow
def test_a_clone_is_filled_from_its_job_and_can_run_the_same_code(lab: Lab) -> None:
    name = f"cloning-{time.time_ns()}"
    notebook = lab.notebook(
        cell("depth: int = 4", "parameters"), cell("print('then', depth)"), name=name
    )
    notebook.get_by_role("button", name="Run as Job").click()
    form = lab.page.locator("form:visible")
    form.get_by_label(re.compile("^depth")).fill("7")
    form.get_by_role("button", name="Submit Job").click()
    page = lab.page.locator('[data-mlinfra-frame="page"]:visible')
    expect(page.locator('[data-state="succeeded"]').first).to_be_visible(timeout=120_000)
    page.get_by_role("tab", name="Output").click()
    expect(
        page.get_by_role("region", name="Cell 2").or_(page.get_by_text("then 7")).first
    ).to_be_visible()
    path = lab.server.root / FOLDER / f"{name}.ipynb"
    document = json.loads(path.read_text())
    document["cells"][1]["source"] = "print('now', depth)"
    path.write_text(json.dumps(document))
    page.get_by_role("button", name="Clone…").click()
    form = lab.page.locator("form:visible")
    expect(form.get_by_label(re.compile("^depth"))).to_have_value("7")
    form.get_by_label(re.compile("the same code")).check()
    form.get_by_label(re.compile("^depth")).fill("8")
    form.get_by_role("button", name="Submit Job").click()
    log = lab.page.locator('[data-mlinfra-frame="page"]:visible').get_by_role("log")
    expect(log).to_contain_text("then 8", timeout=120_000)


@pytest.mark.slow
def test_a_kernel_that_holds_a_gpu_is_named_with_its_notebook_and_can_be_shut_down(
    lab: Lab,
) -> None:
    """The server's word on the GPU is given here, for there is none; notebook, kernel and its end
    are real.
    """
    notebook = lab.notebook(cell("value = 1"), name=f"eda-{time.time_ns()}")
    name = lab.server.ask("api/sessions")[0]["path"].split("/")[-1]

    def held(route: Route) -> None:
        answer = route.fetch().json()
        kernels = [session["path"].split("/")[-1] for session in lab.server.ask("api/sessions")]
        holder = f"kernel {name} (pid 41)" if name in kernels else ""
        device = {"id": "0", "name": "A100", "holder": holder, "load": None, "memory": None}
        route.fulfill(json={**answer, "devices": [device]})

    lab.page.route("**/mlinfra/api/jobs/compute", held)
    panel = lab.panel("Jobs")
    holder = panel.locator("[data-holder]")
    expect(holder).to_contain_text("kernel")
    expect(panel.get_by_text(name)).to_be_visible()
    lab.chord("q")
    expect(notebook).to_be_hidden()
    panel.get_by_role("button", name="Go to").click()
    expect(notebook).to_be_visible()
    panel.get_by_role("button", name="Shut Down…").click()
    lab.page.get_by_role("dialog").get_by_role("button", name="Shut Down").click()
    until(lambda: not lab.server.ask("api/sessions"))
    expect(holder).to_be_hidden()
