"""A domain of another package, found through its entry point, is in every face: no module of ours
knows of it (`tests/support/books`).
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlinfra.core.project import Project

BOOKS = Path(__file__).parents[1] / "support" / "books"


def install(folder: Path, name: str, entry_points: str) -> None:
    """What an installer writes beside a package."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[mlinfra.domains]\n{entry_points}\n")


@pytest.fixture
def installed(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of packages that a new Python sees, with books in it."""
    folder = tmp_path / "packages"
    shutil.copytree(BOOKS, folder / "books", ignore=shutil.ignore_patterns("__pycache__"))
    install(folder, "books", "books = books.domain:DOMAIN")
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return folder


def python(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=120)


def mlinfra(*words: str) -> str:
    done = python("-m", "jupyter_mlinfra.cli", *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.usefixtures("installed")
def test_the_command_line_has_its_verbs_its_rows_its_counts_and_finds_its_objects() -> None:
    assert "books" in mlinfra("--help")
    lines = [line.split() for line in mlinfra("books", "list").splitlines()]
    assert lines[0] == ["book", "pages", "state"]
    assert ["Emma", "474", "lent"] in lines
    assert ["Dune", "612", "on", "shelf"] in lines, "a state is read as a word"
    assert json.loads(mlinfra("status", "--json"))["books"] == {"books": 3}
    (hit,) = json.loads(mlinfra("search", "ulysses", "--kind", "book", "--json"))["items"]
    assert (hit["ref"], hit["detail"]) == ("book:Ulysses", "730 pages")


@pytest.mark.usefixtures("installed")
def test_a_kernel_has_its_magic_and_shows_its_records() -> None:
    code = """
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config
shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
shell.run_line_magic("load_ext", "jupyter_mlinfra")
page = shell.run_line_magic("books", "list")
data, _ = shell.display_formatter.format(page.items[1])
print(page.total, data["text/plain"])
import jupyter_mlinfra as ml
print(ml.workbench().books.list().items[0].title)
"""
    done = python("-c", code)
    assert done.returncode == 0, done.stderr
    first, _, last = done.stdout.strip().splitlines()
    assert first.split() == ["3", "Emma", "book:Emma"]
    assert last == "Dune"


@pytest.mark.usefixtures("installed")
def test_openapi_describes_its_routes_and_records() -> None:
    code = "from jupyter_mlinfra.server.openapi import text; print(text())"
    document = json.loads(python("-c", code).stdout)
    operation = document["paths"]["/books"]["get"]
    assert (operation["x-action"], operation["x-resource"]) == ("read", "mlinfra:books")
    assert set(document["components"]["schemas"]["Book"]["properties"]) == {
        "ref",
        "title",
        "pages",
        "state",
    }


@pytest.fixture
def server(installed: Path, project: Project) -> Iterator[Callable[..., Any]]:
    """Ask a real Jupyter server that has the package."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex()
    words = [
        f"--ServerApp.port={port}",
        f"--IdentityProvider.token={token}",
        "--ServerApp.jpserver_extensions={'jupyter_mlinfra': True}",
        "--ServerApp.open_browser=False",
        "--ServerApp.allow_root=True",
        f"--ServerApp.root_dir={project.root}",
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "jupyter_server", *words],
        env={**os.environ, "JUPYTER_NO_CONFIG": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )

    def ask(path: str, *, signed_in: bool = True) -> Any:
        request = urllib.request.Request(f"http://127.0.0.1:{port}/mlinfra/api/{path}")
        if signed_in:
            request.add_header("Authorization", f"token {token}")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    try:
        for _ in range(600):
            try:
                ask("workbench/project")
                break
            except OSError:
                assert process.poll() is None, process.stderr and process.stderr.read()
                time.sleep(0.1)
        yield ask
    finally:
        process.terminate()
        process.communicate(timeout=60)


def test_a_server_answers_its_routes_to_whoever_may_ask(server: Callable[..., Any]) -> None:
    assert [book["title"] for book in server("books?limit=2")["items"]] == ["Dune", "Emma"]
    with pytest.raises(urllib.error.HTTPError) as refused:
        server("books", signed_in=False)
    assert refused.value.code == 403
    status = server("workbench/status")
    assert status["books"] == {"books": 3}
    assert status["jobs"]["queued"] == 0, "the workbench's own route is not another's to take"
    (hit,) = server("workbench/search?q=dune")["items"]
    assert hit["ref"] == "book:Dune"
    kinds = {item["name"]: item for item in server("workbench/domains")}["books"]
    assert kinds["kinds"] == ["book"]
    assert kinds["states"] == {"on_shelf": "good", "lent": "busy"}


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ("gone = books.nowhere:DOMAIN", "ModuleNotFoundError"),
        ("none = json:dumps", "is no Domain"),
        ("twice = books.domain:DOMAIN", "is taken"),
    ],
)
def test_a_domain_that_cannot_be_used_is_named_and_keeps_nobody_from_work(
    installed: Path, entry: str, why: str
) -> None:
    install(installed, "other", entry)
    done = python("-m", "jupyter_mlinfra.cli", "status", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["books"] == {"books": 3}
    assert "is left out" in done.stderr
    assert why in done.stderr
