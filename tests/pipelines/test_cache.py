"""The cache: for each part of the key, changing it runs the step again and says so; changing
anything else does not.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import venv
from dataclasses import replace
from hashlib import file_digest
from pathlib import Path

import pytest

from jupyter_mlinfra.core.errors import NotFound
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.pipelines import Pipelines
from jupyter_mlinfra.pipelines.assess import Assessor
from jupyter_mlinfra.pipelines.binding import bind
from jupyter_mlinfra.pipelines.contents import Contents
from jupyter_mlinfra.pipelines.document import read_document
from jupyter_mlinfra.pipelines.environment import Environment, environment_of
from jupyter_mlinfra.pipelines.file import load
from jupyter_mlinfra.pipelines.imports import local_modules
from jupyter_mlinfra.pipelines.interpreter import interpreter_of
from jupyter_mlinfra.pipelines.notebook import read_notebook
from jupyter_mlinfra.pipelines.rows import Result
from jupyter_mlinfra.pipelines.spec import RunState
from jupyter_mlinfra.pipelines.store import RunStore

FILE = """
pipeline: p
parameters: {{depth: 4}}
steps:
  train:
    notebook: lab/train.ipynb
    params: {{depth: "{{{{ depth }}}}"{more}}}
    in: [lab/rows.csv, folder, "dataset:raw.events"]
    out: [model.bin, "model:m"]
"""
CELLS = ("import tools", "x = depth", "y = x + 1", "print(y)")


class Bench:
    """One step that was run once, in a project that a test then changes."""

    def __init__(self, project: Project, workshop) -> None:
        self.project, self.workshop, self.root = project, workshop, project.root
        self.references = {"raw.events": "snapshot 1", "m": "versions 1"}
        self.store = RunStore(project.database)
        self.more, self.values, self.force = "", {"depth": 4}, False
        self.write()

    def write(self) -> None:
        self.notebook(*CELLS)
        for path, text in {
            "tools.py": "from pack import part\n",
            "pack/__init__.py": "",
            "pack/part.py": "def f(): pass\n",
            "unused.py": "1\n",
            "lab/rows.csv": "a\n1\n",
            "folder/one": "1",
            "folder/deep/two": "2",
            "model.bin": "trained",
        }.items():
            self.file(path, text)

    def file(self, path: str, text: str) -> None:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def notebook(
        self, *cells: str, parameters: str = "depth = 6\nextra = 0", kernel: str = "python3"
    ) -> None:
        self.workshop.notebook("lab/train", *cells, parameters=parameters, kernel=kernel)

    @property
    def contents(self) -> Contents:
        return Contents(
            self.root, self.store, {"dataset": self.references.get, "model": self.references.get}
        )

    def look(self):
        self.workshop.pipeline(FILE.format(more=self.more))
        definition = load(self.root, self.root / "p.mlpipeline.yaml")
        definition = bind(
            definition,
            definition.values(self.values),
            read_document(self.root / definition.path, definition.path).error,
        )
        assessor = Assessor(self.root, self.store, self.contents, pipeline="p", force=self.force)
        return definition, assessor, assessor.look(definition.steps[0])

    def reason(self) -> str:
        """Why the step would run; empty when it would be taken from the cache."""
        found = self.look()[2]
        return "" if found.made else found.reason

    def run(self, *, whole: bool = True) -> None:
        """Write down a run of the step as it is now."""
        definition, assessor, found = self.look()
        run = self.store.begin(definition, parameters={}, force=False, user="ana")
        entry = self.store.start(run, self.store.steps(run)["train"], found.parts, reason="")
        if whole:
            self.store.succeed(
                run,
                entry,
                Result(
                    whole=True, parts=found.parts, outputs=assessor.outputs(definition.steps[0])
                ),
                reason="",
            )
        self.store.end(run, RunState.SUCCEEDED if whole else RunState.FAILED)


@pytest.fixture
def bench(project: Project, workshop) -> Bench:
    bench = Bench(project, workshop)
    bench.run()
    assert bench.reason() == ""
    return bench


WORDS = {"cell_type": "markdown", "metadata": {}, "source": ["# Title"], "id": "m"}


def edit(bench: Bench, change) -> None:
    path = bench.root / "lab/train.ipynb"
    content = json.loads(path.read_text())
    for cell in content["cells"]:
        change(cell)
    path.write_text(json.dumps(content, indent=1))


def insert(bench: Bench, cell) -> None:
    path = bench.root / "lab/train.ipynb"
    content = json.loads(path.read_text())
    content["cells"].insert(1, cell)
    path.write_text(json.dumps(content))


def with_another_y(cell) -> None:
    cell["source"] = [line.replace("x + 1", "7") for line in cell["source"]]


def rename_kernel(bench: Bench) -> None:
    bench.notebook(*CELLS, kernel="other")


CHANGES = {
    "a cell": (
        lambda b: b.notebook("import tools", "x = depth", "y = x + 2", "print(y)"),
        "code changed: cell 4",
    ),
    "two cells apart": (
        lambda b: b.notebook("import tools # !", "x = depth", "y = x + 2", "print(y)"),
        "code changed: cell 2, cell 4",
    ),
    "a cell added": (lambda b: b.notebook(*CELLS, "z = 1"), "code changed: cell 6 added"),
    "a cell removed": (
        lambda b: b.notebook(*CELLS[:2], CELLS[3]),
        "code changed: cell 4 removed",
    ),
    "a cell below words": (
        lambda b: (insert(b, WORDS), edit(b, with_another_y)),
        "code changed: cell 5",
    ),
    "a default": (
        lambda b: b.notebook(*CELLS, parameters="depth = 6\nextra = 1"),
        "code changed: cell 1",
    ),
    "a module that a cell imports": (
        lambda b: b.file("tools.py", "from pack import part\nnew = 1\n"),
        "code changed: tools.py",
    ),
    "a module that a module imports": (
        lambda b: b.file("pack/part.py", "def f(): return 1\n"),
        "code changed: pack/part.py",
    ),
    "a module that comes before another": (
        lambda b: b.file("lab/tools.py", ""),
        "code changed: lab/tools.py added",
    ),
    "a parameter of the run": (
        lambda b: setattr(b, "values", {"depth": 5}),
        "params changed: depth 4 → 5",
    ),
    "the type of a parameter": (
        lambda b: setattr(b, "values", {"depth": 4.0}),
        "params changed: depth 4 → 4.0",
    ),
    "a parameter of the step": (
        lambda b: setattr(b, "more", ", extra: 7"),
        "params changed: extra its default → 7",
    ),
    "an input file": (lambda b: b.file("lab/rows.csv", "a\n2\n"), "inputs changed: lab/rows.csv"),
    "a file in an input folder": (
        lambda b: b.file("folder/deep/two", "3"),
        "inputs changed: folder",
    ),
    "a file more in an input folder": (
        lambda b: b.file("folder/three", ""),
        "inputs changed: folder",
    ),
    "an input of a domain": (
        lambda b: b.references.update({"raw.events": "snapshot 2"}),
        "inputs changed: dataset:raw.events",
    ),
    "the kernel": (rename_kernel, "kernel changed: python3 → other"),
    "an output that is gone": (
        lambda b: os.unlink(b.root / "model.bin"),
        "output missing: model.bin",
    ),
    "an output that is not what was made": (
        lambda b: b.file("model.bin", "half"),
        "output changed: model.bin",
    ),
    "an output of a domain that is gone": (
        lambda b: b.references.pop("m"),
        "output missing: model:m",
    ),
    "force": (lambda b: setattr(b, "force", True), "forced"),
    "code and input together": (
        lambda b: (b.notebook(*CELLS[:3]), b.references.update({"raw.events": "s"})),
        "code changed: cell 5 removed; inputs changed: dataset:raw.events",
    ),
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_change_runs_the_step_again_and_is_named(case, bench: Bench):
    change, reason = CHANGES[case]
    key = bench.look()[2].parts.key
    change(bench)
    assert bench.reason() == reason
    if not reason.startswith(("output", "forced")):
        assert bench.look()[2].parts.key != key


UNCHANGED = {
    "outputs in the notebook": lambda b: edit(
        b,
        lambda cell: cell.update(
            outputs=[{"output_type": "stream", "text": "x"}], execution_count=9
        ),
    ),
    "ids of cells": lambda b: edit(b, lambda cell: cell.update(id=f"new-{cell['id']}")),
    "metadata of cells": lambda b: edit(b, lambda cell: cell["metadata"].update(collapsed=True)),
    "source as one text": lambda b: edit(
        b, lambda cell: cell.update(source="".join(cell["source"]))
    ),
    "a cell of words": lambda b: insert(b, WORDS),
    "an empty cell": lambda b: insert(
        b,
        {
            "cell_type": "code",
            "metadata": {},
            "source": "\n",
            "outputs": [],
            "execution_count": None,
            "id": "e",
        },
    ),
    "a module that nobody imports": lambda b: b.file("unused.py", "2\n"),
    "the time of a file": lambda b: os.utime(b.root / "lab/rows.csv"),
    "a checkpoint in an input folder": lambda b: b.file("folder/.ipynb_checkpoints/one", "old"),
    "an output of a domain that went on": lambda b: b.references.update({"m": "versions 2"}),
    "a parameter that says what was the default": lambda b: setattr(b, "values", {}),
}


@pytest.mark.parametrize("case", UNCHANGED)
def test_what_does_not_matter_leaves_the_step_cached(case, bench: Bench):
    UNCHANGED[case](bench)
    assert bench.reason() == ""


INJECTED = {
    "cell_type": "code",
    "metadata": {"tags": ["injected-parameters"]},
    "source": "depth = 5",
    "outputs": [],
    "execution_count": None,
    "id": "i",
}


def test_a_cell_that_papermill_left_counts_when_it_runs_and_not_when_it_is_replaced(bench: Bench):
    """It is replaced when the step gives parameters; else it is a cell like any other. A second one
    is never replaced.
    """
    insert(bench, INJECTED)
    assert bench.reason() == ""
    insert(bench, INJECTED | {"id": "j"})
    assert bench.reason() == "code changed: cell 2 added"


def test_the_values_that_a_notebook_was_left_with_are_code_of_a_step_that_gives_none(
    pipelines: Pipelines, workshop
):
    def saved_with(depth: int) -> None:
        path = workshop.notebook("a", "open('out', 'w').write(str(depth))", parameters="depth = 1")
        content = json.loads(path.read_text())
        content["cells"].insert(1, INJECTED | {"source": f"depth = {depth}"})
        path.write_text(json.dumps(content))

    workshop.pipeline("pipeline: p\nsteps: {a: {notebook: a.ipynb, out: out}}")
    found = []
    for depth in (5, 5, 7):
        saved_with(depth)
        found.append((str(pipelines.run("p").steps[0].state), (workshop.root / "out").read_text()))
    assert found == [("succeeded", "5"), ("cached", "5"), ("succeeded", "7")]


def test_what_links_in_an_input_folder_lead_to_is_its_content(bench: Bench, tmp_path: Path):
    outside = tmp_path / "outside"
    (outside / "deep").mkdir(parents=True)
    (outside / "deep/data.csv").write_text("1")
    (bench.root / "folder/linked").symlink_to(outside)
    bench.run()
    assert bench.reason() == ""
    (outside / "deep/data.csv").write_text("2 ")
    assert bench.reason() == "inputs changed: folder"


def test_a_link_that_leads_elsewhere_is_another_content(bench: Bench):
    for name in ("x", "y"):
        bench.file(f"folder/{name}/data", name)
    link = bench.root / "folder/now"
    link.symlink_to("x")
    bench.run()
    link.unlink()
    link.symlink_to("y")
    assert bench.reason() == "inputs changed: folder"


def test_links_that_go_round_or_nowhere_end(bench: Bench):
    folder = bench.root / "folder"
    (folder / "self").symlink_to(folder)
    (folder / "deep/up").symlink_to("..")
    (folder / "loop").symlink_to("loop")
    (folder / "nowhere").symlink_to("absent")
    for step in range(30):  # two ways from each to the next: 2 ** 30 places
        (folder / f"ladder{step}").mkdir()
        for way in ("left", "right"):
            (folder / f"ladder{step}" / way).symlink_to(folder / f"ladder{step + 1}")
    bench.run()
    assert bench.reason() == ""
    bench.file("folder/deep/two", "3")
    assert bench.reason() == "inputs changed: folder"


def test_a_file_whose_name_is_no_utf8_is_content_like_any_other(bench: Bench):
    path = os.fsdecode(os.fsencode(bench.root) + b"/folder/gr\xf6\xdfe.csv")
    for text in ("1", "22"):
        Path(path).write_text(text)
        assert bench.reason() == "inputs changed: folder"
        bench.run()
        assert bench.reason() == ""


def test_another_package_or_python_is_named(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    now = environment_of("python3")
    other = replace(now, packages={**now.packages, "polars": "99.0", "newcomer": "1"})
    monkeypatch.setattr("jupyter_mlinfra.pipelines.assess.environment_of", lambda _: other)
    assert (
        bench.reason()
        == f"environment changed: newcomer absent → 1, polars {now.packages['polars']} → 99.0"
    )
    monkeypatch.setattr(
        "jupyter_mlinfra.pipelines.assess.environment_of", lambda _: replace(now, python="3.99.0")
    )
    assert bench.reason() == f"environment changed: Python {now.python} → 3.99.0"


def test_the_environment_knows_what_is_installed():
    from importlib.metadata import version

    here = environment_of("python3")
    assert here.packages["papermill"] == version("papermill")
    assert here.packages["pydantic-core"] == version("pydantic-core")
    assert here.digest == environment_of("python3").digest


def test_a_step_that_did_not_finish_runs_again_even_if_nothing_changed(bench: Bench):
    bench.run(whole=False)
    assert bench.reason() == "not finished last time"


def test_only_the_newest_run_counts_since_its_outputs_are_those_that_stand(bench: Bench):
    bench.values = {"depth": 5}
    bench.run()
    assert bench.reason() == ""
    bench.values = {"depth": 4}
    assert bench.reason() == "params changed: depth 5 → 4"


def test_a_step_with_cache_off_always_runs(bench: Bench):
    (bench.root / "q.mlpipeline.yaml").write_text(
        "pipeline: q\nsteps: {train: {notebook: lab/train.ipynb, cache: false}}"
    )
    step = load(bench.root, bench.root / "q.mlpipeline.yaml").steps[0]
    assert (
        Assessor(bench.root, bench.store, bench.contents, pipeline="q", force=False)
        .look(step)
        .reason
        == "cache is off"
    )


def test_a_missing_input_is_named(bench: Bench):
    os.unlink(bench.root / "lab/rows.csv")
    with pytest.raises(NotFound, match=r"takes lab/rows\.csv"):
        bench.reason()


def test_a_large_file_is_read_once_until_it_is_touched(
    project: Project, monkeypatch: pytest.MonkeyPatch
):
    path = project.root / "big"
    path.write_text("x")
    os.utime(path, (1e9, 1e9))
    # Its change time is now, whatever `utime` says.
    monkeypatch.setattr("jupyter_mlinfra.pipelines.contents._SETTLED_SECONDS", -1.0)
    reads: list[str] = []
    monkeypatch.setattr(
        "jupyter_mlinfra.pipelines.contents.file_digest",
        lambda file, name: (reads.append(name), file_digest(file, name))[1],
    )
    store = RunStore(project.database)
    first = Contents(project.root, store, {}).of("big")
    assert Contents(project.root, store, {}).of("big") == first
    assert len(reads) == 1
    path.write_text("y")
    assert Contents(project.root, store, {}).of("big") != first
    assert len(reads) == 2


def test_the_digest_of_a_file_written_just_now_is_not_kept(project: Project):
    """Two writes within one tick of the file system's clock have one stamp."""
    (project.root / "quick").write_text("x")
    Contents(project.root, RunStore(project.database), {}).of("quick")
    with project.database.read() as connection:
        assert connection.execute("SELECT count(*) FROM pipeline_file").fetchone()[0] == 0


IMPORTS = {
    "import one": {"one.py"},
    "import one as o, two": {"one.py", "two.py"},
    "from one import f": {"one.py"},
    "from pkg import part": {"pkg/__init__.py", "pkg/part.py", "pkg/near.py"},
    "import pkg.part": {"pkg/__init__.py", "pkg/part.py", "pkg/near.py"},
    "from pkg.part import (\n    f,\n    g,\n)": {"pkg/__init__.py", "pkg/part.py", "pkg/near.py"},
    "def later():\n    import one": {"one.py"},
    "try:\n    import one\nexcept ImportError:\n    !pip install one": {"one.py"},
    "%load_ext autoreload\n%autoreload 2\nimport one": {"one.py"},
    "%%time\nimport one": {"one.py"},
    "?broken syntax (\nimport one": {"one.py"},
    "def (:\nfrom pkg import part, far as f\nimport two as t": {
        "pkg/__init__.py",
        "pkg/part.py",
        "pkg/near.py",
        "pkg/far.py",
        "two.py",
    },
    "%run script.py": {"script.py", "one.py"},
    "%run -i script": {"script.py", "one.py"},
    "import spaced.inner": {"spaced/inner.py"},
    "import both": {"both/__init__.py", "both/inner.py"},
    "%run helper.ipynb": {
        "helper.ipynb",
        "run/tool.py",
        "run/own.py",
        "pkg/__init__.py",
        "pkg/far.py",
    },
    "%run -m pkg.far": {"pkg/__init__.py", "pkg/far.py"},
    "%run 'run/a tool.py'": {"run/a tool.py", "one.py"},
    "import big": {"big.py", "one.py"},
    "import json, polars": set(),
    "# import one\n'import two'": set(),
}


def modules_of(project: Project, path: Path, kernel: str = "python3") -> set[str]:
    return set(
        local_modules(
            read_notebook(path, path.name), path.parent, project.root, interpreter_of(kernel)
        )
    )


@pytest.mark.parametrize("cell", IMPORTS)
def test_the_projects_own_modules_are_found_as_python_would(cell, project: Project, workshop):
    for path, text in {
        "one.py": "",
        "two.py": "",
        "script.py": "import one",
        "pkg/__init__.py": "",
        "pkg/part.py": "from . import near\nfrom .near import x",
        "pkg/near.py": "import math",
        "pkg/far.py": "",
        "spaced/inner.py": "",
        "both.py": "",
        "both/__init__.py": "from . import inner",
        "both/inner.py": "",
        "run/own.py": "",
        "run/tool.py": "import own",
        "run/a tool.py": "import one",
        "big.py": "#" * 5_100_000 + "\nimport one\n",
    }.items():
        (project.root / path).parent.mkdir(exist_ok=True)
        (project.root / path).write_text(text)
    workshop.notebook("helper", "%run run/tool.py", "from pkg import far")
    assert modules_of(project, workshop.notebook("n", cell)) == IMPORTS[cell]


def test_a_notebook_that_is_run_counts_by_its_code_and_a_large_file_by_all_of_it(
    project: Project, workshop
):
    def digests() -> dict[str, str]:
        path = workshop.notebook("n", "import big\n%run helper.ipynb")
        return local_modules(read_notebook(path, path.name), path.parent, project.root)

    helper, big = workshop.notebook("helper", "x = 1"), project.root / "big.py"
    big.write_text(f"{'#' * 5_100_000}\nx = 1\n")
    before = digests()
    content = json.loads(helper.read_text())
    content["cells"][0] |= {
        "outputs": [{"output_type": "stream", "name": "stdout", "text": "1"}],
        "execution_count": 3,
    }
    helper.write_text(json.dumps(content))
    assert digests() == before
    workshop.notebook("helper", "x = 2")
    big.write_text(f"{'#' * 5_100_000}\nx = 2\n")
    assert {name for name, digest in digests().items() if digest != before[name]} == {
        "helper.ipynb",
        "big.py",
    }


FINDER = """
import sys
MAPPING = {MAPPING!r}
class Finder:
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        from importlib.util import spec_from_file_location
        if name in MAPPING:
            return spec_from_file_location(name, MAPPING[name] + "/__init__.py")
sys.meta_path.append(Finder)
"""


def by_path_file(root: Path, site: Path, words: pytest.MonkeyPatch) -> None:
    (site / "_churn.pth").write_text(f"{root / 'src'}\n")


def by_finder(root: Path, site: Path, words: pytest.MonkeyPatch) -> None:
    """As setuptools does it."""
    (site / "__editable__.churn.pth").write_text("import __editable___churn_finder")
    (site / "__editable___churn_finder.py").write_text(
        FINDER.format(MAPPING={"churnlib": str(root / "src/churnlib")})
    )


def by_python_path(root: Path, site: Path, words: pytest.MonkeyPatch) -> None:
    words.setenv("PYTHONPATH", f"/nowhere{os.pathsep}{root / 'src'}")


def by_relative_path(root: Path, site: Path, words: pytest.MonkeyPatch) -> None:
    words.setenv("PYTHONPATH", "../src")


@pytest.fixture
def far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment of its own, with the kernel `far`; nothing but the standard library is in
    it.
    """
    environment = tmp_path / "far env"
    venv.create(environment, with_pip=False, symlinks=True)
    spec = tmp_path / "data/kernels/far/kernel.json"
    spec.parent.mkdir(parents=True)
    command = [
        str(environment / "bin/python"),
        "-Xfrozen_modules=off",
        "-m",
        "ipykernel_launcher",
        "-f",
        "{connection_file}",
    ]
    spec.write_text(json.dumps({"argv": command, "display_name": "Far", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "data"))
    monkeypatch.delenv("PYTHONPATH", raising=False)
    return environment


@pytest.mark.parametrize("installed", [by_path_file, by_finder, by_python_path, by_relative_path])
def test_a_package_of_the_project_in_a_folder_of_sources_is_found_as_the_kernel_finds_it(
    installed, far: Path, project: Project, workshop, monkeypatch
):
    for path, text in {
        "src/churnlib/__init__.py": "from .part import x",
        "src/churnlib/part.py": "x = 1",
    }.items():
        (project.root / path).parent.mkdir(parents=True, exist_ok=True)
        (project.root / path).write_text(text)
    path = workshop.notebook("lab/n", "import churnlib")
    assert modules_of(project, path, "far") == set()
    [site] = far.glob("lib/python*/site-packages")
    installed(project.root, site, monkeypatch)
    program = [
        "-c",
        "import churnlib, churnlib.part; print(churnlib.__file__, churnlib.part.__file__)",
    ]
    there = subprocess.run(
        [far / "bin/python", *program], cwd=path.parent, capture_output=True, text=True, check=True
    ).stdout.split()
    found = {
        os.path.relpath(os.path.realpath(path.parent / place), project.root) for place in there
    }
    assert (
        modules_of(project, path, "far")
        == found
        == {"src/churnlib/__init__.py", "src/churnlib/part.py"}
    )


def put(
    site: Path, name: str, version: str, suffix: str = "dist-info", file: str = "METADATA"
) -> None:
    folder = site / f"{name.replace('-', '_')}-{version}.{suffix}"
    folder.mkdir(parents=True)
    (folder / file).write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version.removesuffix('-py3.11')}\n"
    )


def imported_by(python: Path) -> dict[str, str]:
    """What that interpreter itself says is installed."""
    words = (
        "import importlib.metadata as m, json; print(json.dumps([[d.metadata['Name'], d.version]"
        " for d in m.distributions()]))"
    )
    done = subprocess.run(
        [python, "-c", words], cwd="/", capture_output=True, text=True, check=True
    )
    found: dict[str, str] = {}
    for name, version in json.loads(done.stdout):
        found.setdefault(re.sub(r"[-_.]+", "-", name).lower(), version)  # PEP 503
    return found


def test_a_kernel_of_another_environment_has_what_that_has(far: Path):
    [site] = far.glob("lib/python*/site-packages")
    python = ".".join(map(str, sys.version_info[:3]))
    assert environment_of("far") == Environment("far", python, {})
    put(site, "Odd-Name", "2.1")
    put(site, "old-one", "3.0-py3.11", "egg-info", "PKG-INFO")
    put(site, "jaraco.text", "4.0")  # another installer names its folder jaraco_text-4.0.dist-info
    assert environment_of("far") == Environment(
        "far", python, {"odd-name": "2.1", "old-one": "3.0", "jaraco-text": "4.0"}
    )
    assert environment_of("far").packages == imported_by(far / "bin/python")


def test_what_the_system_the_user_and_a_path_file_give_a_kernel_is_seen(
    far: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    [site] = far.glob("lib/python*/site-packages")
    put(site, "twice", "1")
    assert environment_of("far").packages == {"twice": "1"}
    (far / "pyvenv.cfg").write_text(
        (far / "pyvenv.cfg").read_text().replace("packages = false", "packages = true")
    )
    monkeypatch.setenv("PYTHONUSERBASE", str(tmp_path / "user"))
    user = tmp_path / "user" / site.relative_to(far)
    put(user, "twice", "2")
    put(user, "of-user", "1")
    put(tmp_path / "more", "linked", "1")
    (site / "more.pth").write_text(f"{tmp_path / 'more'}\n")
    found = environment_of("far").packages
    assert found == imported_by(far / "bin/python")
    assert {"twice": "1", "of-user": "1", "linked": "1"}.items() <= found.items()
    base = Path(sys.base_prefix) / site.relative_to(far)
    assert {path.name.partition("-")[0] for path in base.glob("pip-*.dist-info")} <= set(found), (
        "that of the system"
    )


def test_a_kernel_is_found_as_jupyter_finds_it_and_one_that_is_unknown_has_nothing_of_ours(
    far: Path, tmp_path: Path
):
    [site] = far.glob("lib/python*/site-packages")
    put(site, "odd", "1")
    kernels = tmp_path / "data/kernels"
    (kernels / "far").rename(kernels / "MyEnv")
    assert environment_of("myenv").packages == {"odd": "1"}
    assert (environment_of("unknown").packages, environment_of("unknown").python) == (
        {},
        "unknown: there is no such kernel here",
    )
    for argv in (
        ["R", "--slave"],
        ["sh", "-m", "x"],
        ["/nowhere/bin/python", "-m", "ipykernel_launcher"],
        ["/bin/false", "-m", "ipykernel_launcher"],
    ):
        (kernels / "MyEnv/kernel.json").write_text(
            json.dumps({"argv": argv, "display_name": "x", "language": "R"})
        )
        assert environment_of("myenv").packages == {}
        assert environment_of("myenv").python.startswith(argv[0])
