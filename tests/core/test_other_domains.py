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
def test_its_lineage_is_recorded_and_its_objects_can_be_inputs_of_a_pipeline() -> None:
    mlinfra("books", "bind", "Dune", "Emma", "--into", "Both")
    edges = json.loads(mlinfra("books", "lineage", "Emma", "--json"))["items"]
    assert [(edge["input"], edge["output"], edge["job"]) for edge in edges] == [
        ("book:Emma", "book:Both", "books.bind")
    ]
    assert "book:Both" in mlinfra("books", "lineage", "Both")
    code = """
from jupyter_mlinfra.workbench import current
of_book = current().fingerprints()["book"]
print(of_book("Emma"), of_book("Nothing"))
"""
    assert python("-c", code).stdout == "(474, 'lent') None\n"


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
def server(installed: Path, project: Project, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Ask a real Jupyter server that has the package."""
    said = tmp_path / "server.log"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex()
    words = [
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={token}",
        "--ServerApp.jpserver_extensions={'jupyter_mlinfra': True}",
        "--ServerApp.open_browser=False",
        "--ServerApp.allow_root=True",
        f"--ServerApp.root_dir={project.root}",
    ]
    with said.open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyter_server", *words],
            env={**os.environ, "JUPYTER_NO_CONFIG": "1"},
            stdout=log,
            stderr=log,
        )

    def ask(path: str, *, signed_in: bool = True, body: Any = None) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/mlinfra/api/{path}",
            data=None if body is None else json.dumps(body).encode(),
        )
        if signed_in:
            request.add_header("Authorization", f"token {token}")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    try:
        for _ in range(2500):
            try:
                ask("workbench/project")
                break
            except OSError:
                assert process.poll() is None, said.read_text()
                time.sleep(0.1)
        else:
            pytest.fail(f"the server does not answer:\n{said.read_text()}")
        yield ask
    finally:
        process.terminate()
        process.wait(timeout=60)


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
    code = server("workbench/code", body={"refs": ["book:Dune", "book:Emma"]})
    assert code["cli"] == "mlinfra books show Dune\nmlinfra books show Emma"
    assert code["python"].endswith('ml.workbench().books.show("Emma")')
    values = {"titles": ["Dune", "Emma"], "into": "Both"}
    code = server("workbench/code", body={"call": "books-bind", "values": values})
    assert code["magic"] == "%books bind Dune Emma --into Both"
    kinds = {item["name"]: item for item in server("workbench/domains")}["books"]
    assert kinds["kinds"] == ["book"]
    assert kinds["states"] == {"on_shelf": "good", "lent": "busy"}


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ("gone = books.nowhere:DOMAIN", "ModuleNotFoundError"),
        ("none = json:dumps", "is not a Domain"),
        ("twice = books.domain:DOMAIN", "is taken"),
        ("odd = broken:NO_KIND", "Domain.kinds is wrong"),
        ("odd = broken:TOPIC", "topic a b has other characters"),
        ("odd = broken:NAME", "name-less is not a name in Python"),
        ("odd = broken:ROUTES", "Domain.routes is wrong: int is not an instance of str"),
        ("odd = broken:COUNTS", "Domain.counts is wrong"),
        ("odd = broken:VERBS", "Magic.verbs is wrong"),
        ("odd = leaves:DOMAIN", "SystemExit: a licence is needed"),
        ("odd = speechless:DOMAIN", "is left out: Speechless"),
        ("odd = chatty:DOMAIN", "is not a Domain"),
    ],
)
def test_a_domain_that_cannot_be_used_is_named_and_keeps_nobody_from_work(
    installed: Path, entry: str, why: str
) -> None:
    install(installed, "other", entry)
    (installed / "broken.py").write_text(
        "from jupyter_mlinfra.core.domain import Domain\n"
        "NO_KIND = Domain(name='odd', open=print, kinds=('odd',))\n"
        "TOPIC = Domain(name='odd', open=print, topics=('a b',))\n"
        "NAME = Domain(name='name-less', open=print)\n"
        "ROUTES = Domain(name='odd', open=print, routes=7)\n"
        "COUNTS = Domain(name='odd', open=print, counts={'some': 7})\n"
        "from jupyter_mlinfra.core.domain import Magic\n"
        "VERBS = Domain(name='odd', open=print, magics=(Magic(name='o', group='o', verbs='a'),))\n"
    )
    (installed / "leaves.py").write_text("import sys; sys.exit('a licence is needed')")
    (installed / "chatty.py").write_text("print('hello'); DOMAIN = None")
    (installed / "speechless.py").write_text(
        "class Speechless(Exception):\n    def __str__(self): return 1 / 0\nraise Speechless\n"
    )
    done = python("-m", "jupyter_mlinfra.cli", "status", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["books"] == {"books": 3}
    assert "is left out" in done.stderr
    assert why in done.stderr


@pytest.mark.usefixtures("installed")
def test_a_verb_of_the_workbench_does_not_import_domains_of_other_packages() -> None:
    code = "import sys, jupyter_mlinfra.cli.workbench; print('books.domain' in sys.modules)"
    assert python("-c", code).stdout == "False\n"
    refused = python("-m", "jupyter_mlinfra.cli", "search", "x", "--kind", "nope", "--json")
    assert refused.returncode == 2
    assert "'book'" in json.loads(refused.stdout)["error"]["what"], "all kinds are named"


RESERVED = """
import sys, types
from importlib.metadata import EntryPoint
from jupyter_mlinfra.cli.app import VERBS
from jupyter_mlinfra.core import domains
from jupyter_mlinfra.core.domain import Domain, Group
from jupyter_mlinfra.workbench import Workbench

sys.modules["taken"] = taken = types.ModuleType("taken")
own = {name for name in dir(Workbench) if not name.startswith("_")} | {"project"}
for place, name in enumerate(sorted(own - {item.name for item in domains.ours()})):
    setattr(taken, f"a{place}", Domain(name=name, open=print))
for place, name in enumerate([*VERBS, "project"]):
    group = Group(name=name, help="", commands="taken:commands")
    setattr(taken, f"b{place}", Domain(name=f"free{place}", open=print, groups=(group,)))
points = [EntryPoint(n, f"taken:{n}", domains.GROUP) for n in vars(taken) if n[0] in "ab"]
domains._entry_points = lambda: iter(points)
print(len(points), [item.name for item in domains._others()])
"""


def test_no_domain_takes_the_name_of_what_the_workbench_or_the_command_line_has() -> None:
    done = python("-c", RESERVED)
    assert done.returncode == 0, done.stderr
    asked, _, accepted = done.stdout.strip().partition(" ")
    assert int(asked) > 15
    assert accepted == "[]"


FAULTY = """
from jupyter_mlinfra.core.domain import Checks, Domain, Group
from jupyter_mlinfra.faces.handler import Handler, access
from tornado.web import RequestHandler

read, _, _ = access("faulty")
of_jobs, _, _ = access("jobs")


def fail(*_):
    raise RuntimeError("it is broken")


def leave(*_):
    raise SystemExit("it wants to leave")


class Bare(RequestHandler):
    def get(self, **_):
        self.finish('"open to all"')


class Unguarded(Handler):
    def get(self, **_):
        self.finish('"open to all"')


class HalfGuarded(Handler):
    SUPPORTED_METHODS = ("GET", "PUT")

    @read
    def get(self) -> str:
        return "read"

    def put(self):
        self.finish('"open to all"')


class OfJobs(Handler):
    @of_jobs
    def get(self) -> str:
        return "read"


class Sound(Handler):
    @read
    def get(self) -> str:
        return "sound"


class Everything(Handler):
    @read
    def get(self, a: str, b: str) -> str:
        return "everything"


class Service:
    search_fingerprint = search_documents = fail


ROUTES = {
    "faulty/bare": Bare,
    "faulty/unguarded": Unguarded,
    "faulty/half": HalfGuarded,
    "faulty/jobs": OfJobs,
    "faulty/twice/{a}/{a}": Sound,
    "faulty/(": Sound,
    "faulty/sound": Sound,
    "{a}/{b}": Everything,
}
NO_MAPPING = [Sound]
DOMAIN = Domain(
    name="faulty",
    open=lambda bench: Service(),
    routes="faulty:ROUTES",
    groups=(Group(name="faulty", help="Faults.", commands="nowhere:verbs"),),
    counts={"faulty": "faulty:fail"},
    checks=Checks(name="faulty", measure="faulty:fail"),
)
LISTED = Domain(
    name="listed",
    settings={"listed": "faulty:NO_SECTION"},
    open=print,
    routes="faulty:NO_MAPPING",
    searched=False,
    counts={"lists": "faulty:leave"},
)
"""


@pytest.fixture
def faulty(installed: Path) -> None:
    (installed / "faulty.py").write_text(FAULTY)
    install(installed, "faulty", "faulty = faulty:DOMAIN\nlisted = faulty:LISTED")


@pytest.mark.usefixtures("faulty")
def test_a_domain_that_fails_keeps_no_command_of_ours_from_work(project: Project) -> None:
    with open(project.root / "mlinfra.toml", "a") as file:
        file.write("\n[listed.prices]\nwhole = true\n")
    status = json.loads(mlinfra("status", "--json"))
    assert "it is broken" in status["faulty"]["problem"]
    assert "it wants to leave" in status["lists"]["problem"]
    assert status["books"] == {"books": 3}
    found = json.loads(mlinfra("search", "ulysses", "--json"))
    assert [hit["ref"] for hit in found["items"]] == ["book:Ulysses"]
    assert "faulty" in found["note"]
    checked = python("-m", "jupyter_mlinfra.cli", "project", "check", "--json")
    (check,) = json.loads(checked.stdout)["items"]
    assert (check["target"], check["verdict"]) == ("faulty", "unknown")
    mistyped = python("-m", "jupyter_mlinfra.cli", "deploy", "--json")
    assert mistyped.returncode == 2
    assert "mlinfra deployments deploy" in json.loads(mistyped.stdout)["error"]["fix"]


@pytest.mark.usefixtures("faulty")
def test_only_guarded_routes_of_another_domain_are_served_and_none_before_ours(
    server: Callable[..., Any],
) -> None:
    for path in ("bare", "unguarded", "half", "jobs"):
        assert server(f"faulty/{path}") == "everything", "it is left out, so the next one answers"
        with pytest.raises(urllib.error.HTTPError) as refused:
            server(f"faulty/{path}", signed_in=False)
        assert refused.value.code == 403
    assert server("faulty/sound") == "sound"
    assert "items" in server("workbench/search?q=dune"), "ours is asked before {a}/{b}"
    assert server("some/thing") == "everything"
