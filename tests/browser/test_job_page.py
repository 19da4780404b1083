"""What the page of a job, the form of one, and the status bar tell of it: its code, its difference,
a shell beside it, its whole log, and what runs.
"""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.workbench import Workbench
from tests.browser.conftest import Lab, Opener, Server, cell, jupyterlab

API = "mlinfra/api/jobs"
WORK = """
import pathlib, time
print("began", flush=True)
while not pathlib.Path("go").exists():
    time.sleep(0.05)
"""
LINES = 40_000
CHATTY = f"""
import sys
for line in range(1, {LINES + 1}):
    words = "Needle in it" if line % 10_000 == 77 else "only hay, and more of the same"
    sys.stdout.write(f"step {{line:6d}} {{words}}\\n")
for part in range(100):
    sys.stdout.write(f"\\r\\33[31mred\\33[0m {{part + 1}} % of <b>https://example.org/x</b>")
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A JupyterLab of its own on a small project under git, with changes that are not committed."""
    root = tmp_path_factory.mktemp("small")
    (root / "mlinfra.toml").write_text(
        '[project]\nname = "small"\n[jobs]\ngpus = 2\ncpus = 2\ngrace_seconds ='
        " 1.0\nsnapshot_max_mib = 0.5\n"
    )
    (root / ".gitignore").write_text(".mlinfra/\nbrowser-tests-*/\n.ipynb_checkpoints/\n")
    (root / "model.py").write_text("DEPTH = 4\nRATE = 0.1\n")
    (root / "work.py").write_text(WORK)
    for words in (
        ["init", "-q"],
        ["add", "-A"],
        ["-c", "user.name=ana", "-c", "user.email=a@b.example", "commit", "-qm", "first"],
    ):
        subprocess.run(["git", *words], cwd=root, check=True)
    (root / "model.py").write_text("DEPTH = 6\nRATE = 0.1\n")
    (root / "new.py").write_text("print('new')\n")
    (root / "chatty.py").write_text(CHATTY)
    (root / "weights.bin").write_bytes(b"\0" * 800_000)
    with jupyterlab(root, tmp_path_factory.mktemp("lab")) as server:
        yield server
    bench = Workbench(Project.open(root))
    bench.jobs.stop(cancel_running=True)


@pytest.fixture
def lab(fresh: Opener, server: Server) -> Iterator[Lab]:
    """JupyterLab in a workspace of its own; what the test submitted is cancelled at the end."""
    lab = fresh(server)
    lab.go()
    yield lab
    for state in ("queued", "running"):
        for job in lab.server.ask(f"{API}/jobs?state={state}")["items"]:
            lab.server.ask(f"{API}/jobs/{job['id']}/cancel", "POST", {})
    for terminal in lab.server.ask("api/terminals"):
        lab.server.ask(f"api/terminals/{terminal['name']}", "DELETE")


def submit(lab: Lab, **spec: Any) -> dict[str, Any]:
    found: dict[str, Any] = lab.server.ask(f"{API}/jobs", "POST", spec)
    return found


def in_state(lab: Lab, job: dict[str, Any], state: str) -> dict[str, Any]:
    limit = time.monotonic() + 60
    while (found := lab.server.ask(f"{API}/jobs/{job['id']}"))["state"] != state:
        assert time.monotonic() < limit, found
        time.sleep(0.1)
    return dict(found)


def test_the_form_says_what_code_a_job_would_run_and_what_is_left_out(lab: Lab) -> None:
    notebook = lab.notebook(cell("depth: int = 4", "parameters"), cell("print(depth)"))
    notebook.get_by_role("button", name="Run as Job").click()
    form = lab.page.locator("form:visible")
    # model.py, new.py, chatty.py, .gitignore, mlinfra.toml, work.py and the notebook, which git
    # ignores
    expect(form).to_contain_text("Code: snapshot of 7 files, 4 uncommitted, 1 left out")
    why = form.get_by_role("button", name="why")
    why.focus()
    lab.page.keyboard.press("Enter")
    expect(why).to_have_attribute("aria-expanded", "true")
    expect(form.get_by_role("grid", name="Left out")).to_contain_text(
        re.compile(r"weights\.bin.*The snapshot would pass 0\.5 MiB")
    )
    expect(form.get_by_role("grid", name="Not committed").locator("tbody tr")).to_have_count(4)
    form.get_by_role("button", name="Submit Job").click()
    page = lab.page.locator('[data-mlinfra-frame="page"]:visible')
    expect(page.locator('[data-state="succeeded"]').first).to_be_visible(timeout=120_000)
    page.get_by_role("tab", name="Code").click()
    expect(
        page.get_by_text(re.compile(r"Code: snapshot \w+ · git \w{7} \+ 4 uncommitted files"))
    ).to_be_visible()


def test_the_code_of_a_job_shows_how_it_differs_from_the_commit(lab: Lab) -> None:
    job = submit(lab, command=["python", "work.py"], name="differs")
    page = lab.open("Jobs", job["ref"])
    page.get_by_role("tab", name="Code").click()
    expect(page.get_by_text(re.compile(r"\+ 3 uncommitted files"))).to_be_visible()
    page.get_by_role("button", name="diff").click()
    shown = page.get_by_role("region", name="Difference from the commit")
    expect(shown).to_contain_text("+DEPTH = 6")
    removed = shown.get_by_text("-DEPTH = 4")
    added = shown.get_by_text("+DEPTH = 6")
    colours = [
        line.evaluate("node => getComputedStyle(node).backgroundColor") for line in (removed, added)
    ]
    assert len({*colours, "rgba(0, 0, 0, 0)"}) == 3
    Path(lab.server.root / "model.py").write_text("DEPTH = 8\nRATE = 0.1\n")
    page.get_by_role("tab", name="Log").click()
    page.get_by_role("tab", name="Code").click()
    page.get_by_role("button", name="diff").click()
    expect(shown).to_contain_text("+DEPTH = 6")
    Path(lab.server.root / "model.py").write_text("DEPTH = 6\nRATE = 0.1\n")


@pytest.mark.slow
def test_attach_opens_a_terminal_in_the_job_s_environment(lab: Lab) -> None:
    job = submit(lab, command=["python", "work.py"], name="attached", gpus=1)
    in_state(lab, job, "running")
    page = lab.open("Jobs", job["ref"])
    page.get_by_role("button", name="Attach").click()
    terminal = lab.page.locator(".jp-Terminal:visible")
    expect(terminal).to_be_visible()
    terminal.click()
    lab.page.keyboard.type(
        'echo "job=$MLINFRA_JOB gpus=<$CUDA_VISIBLE_DEVICES>"; grep DEPTH model.py; touch seen'
    )
    lab.page.keyboard.press("Enter")
    # what a terminal shows is drawn on a canvas: the shell's own traces tell
    limit = time.monotonic() + 60
    kept = []
    while not kept:
        assert time.monotonic() < limit
        kept = list((lab.server.root / ".mlinfra" / "snapshots" / "trees").glob("*/seen"))
        time.sleep(0.1)
    found = in_state(lab, job, "running")
    assert kept[0].parent.name == found["snapshot"]
    shells = [
        words
        for words in environments()
        if words.get("MLINFRA_JOB") == job["id"]
        and "MLINFRA_PROCESS_TOKEN" not in words
        and "TERM" in words
    ]
    assert (
        {words["CUDA_VISIBLE_DEVICES"] for words in shells} == {",".join(found["gpu_ids"])} != {""}
    )
    lab.page.keyboard.type("exit")
    lab.page.keyboard.press("Enter")


def environments() -> list[dict[str, str]]:
    """The environments of all shells that run now, from the kernel's own list."""
    found = []
    for place in Path("/proc").iterdir():
        if place.name.isdecimal():
            try:
                name = (place / "comm").read_text().strip()
                words = (place / "environ").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if name in ("sh", "bash", "dash", "zsh"):
                found.append(dict(part.partition("=")[::2] for part in words.split("\0") if part))
    return found


def test_the_whole_log_is_searched_by_the_server_and_gone_through_with_enter(lab: Lab) -> None:
    job = submit(lab, command=["python", "chatty.py"], name="chatty")
    in_state(lab, job, "succeeded")
    page = lab.open("Jobs", job["ref"])
    log = page.get_by_role("log")
    expect(log).to_contain_text(f"{LINES}")
    # A bar is one line, markup is text.
    expect(log).to_contain_text(re.compile(r"same\s*red 100 % of <b>https://example.org/x</b>$"))
    expect(log.locator(".ansi-red-fg").last).to_have_text("red")
    expect(log.get_by_role("link").last).to_have_attribute("rel", "noopener noreferrer")
    log.focus()
    lab.page.keyboard.press("/")
    box = page.get_by_role("searchbox", name="Search the whole log")
    expect(box).to_be_focused()
    lab.page.keyboard.type("needle IN")
    search = page.get_by_role("search", name="Log")
    expect(search.get_by_role("status")).to_have_text("1 of 4")
    hit = log.locator('[aria-current="location"]')
    expect(hit).to_have_text(re.compile(r"^step\s+77 Needle in it\s*$"))
    expect(hit).to_be_in_viewport()
    for _ in range(2):
        lab.page.keyboard.press("Enter")
    expect(hit).to_have_text(re.compile(r"^step\s+20077 Needle in it\s*$"))
    expect(hit).to_be_in_viewport()
    expect(log).to_contain_text("20078")
    lab.page.keyboard.press("Shift+Enter")
    expect(hit).to_have_text(re.compile(r"^step\s+10077 Needle in it\s*$"))
    lab.page.keyboard.press("Escape")
    expect(hit).to_be_hidden()
    expect(log).to_contain_text(f"{LINES}")


@pytest.mark.slow
def test_a_click_on_the_status_bar_shows_what_runs_waits_and_fires(lab: Lab) -> None:
    first = submit(lab, command=["python", "work.py"], name="first of two", gpus=2)
    second = submit(lab, command=["true"], name="second of two", gpus=1)
    in_state(lab, first, "running")
    lab.page.reload()
    item = lab.page.get_by_role("button", name=re.compile("GPU 2.2"))
    expect(item).to_contain_text(re.compile(r"GPU 2/2\s*1\s*1"))
    item.focus()
    lab.page.keyboard.press("Enter")
    popup = lab.page.get_by_role("dialog", name="What runs, waits and fires")
    running = popup.get_by_role("tree", name="Running").get_by_role("treeitem")
    expect(running).to_contain_text("first of two")
    expect(running).to_be_in_viewport(ratio=1)
    assert (running.bounding_box() or {"width": 0})["width"] > 300
    expect(popup.get_by_role("tree", name="Waiting").get_by_role("treeitem")).to_contain_text(
        "Needs 1 GPU, none is free"
    )
    expect(popup).to_contain_text("No alert is firing.")
    expect(popup.get_by_text("GPU1")).to_be_visible()
    lab.page.keyboard.press("Escape")
    expect(popup).to_be_hidden()
    expect(item).to_be_focused()
    lab.page.keyboard.press("Enter")
    row: Locator = popup.locator(f'[data-mlinfra-ref="{second["ref"]}"]')
    row.focus()
    lab.page.keyboard.press("Enter")
    expect(popup).to_be_hidden()
    lab.main(second["ref"])
    lab.server.ask(f"{API}/jobs/{first['id']}/cancel", "POST", {})
    in_state(lab, second, "succeeded")
    expect(item).to_be_hidden()
