"""`explain`: each part of the key by name, with the line, the value or the version that differs."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from jupyter_mlinfra.core.errors import BadRequest, NotFound
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.pipelines import Pipelines
from jupyter_mlinfra.pipelines import environment as environment_module
from jupyter_mlinfra.pipelines.environment import Environment

from .made_up import Bench, bench, reasons

__all__ = ["bench"]

FILE = """
    pipeline: churn
    parameters: {depth: 4}
    steps:
      features: {notebook: features.ipynb, in: raw.csv, out: rows.csv}
      train: {notebook: train.ipynb, params: {depth: "{{ depth }}"},
              in: [rows.csv, "dataset:raw.events"], out: model.bin}
    """
SNAPSHOTS = {"raw.events": "4711"}


@pytest.fixture
def churn(bench: Bench, project: Project) -> Bench:
    bench.pipelines = Pipelines(project, bench.jobs, {"dataset": SNAPSHOTS.get})
    bench.workshop.notebook("features", "rows = 1")
    bench.workshop.notebook(
        "train", "x = depth\ny = x + 1\nz = 3", "print(y)", parameters="depth = 1"
    )
    bench.workshop.pipeline(FILE)
    (bench.root / "raw.csv").write_text("1")
    bench.jobs.outputs = lambda spec: {"features": ["rows.csv"], "train": ["model.bin"]}[
        spec.labels["step"]
    ]
    bench.pipelines.run("churn")
    _as_executed(bench)
    assert bench.pipelines.explain("churn/train").changed == ()
    return bench


def _as_executed(bench: Bench) -> None:
    """What the made-up jobs leave out: the executed notebooks, as papermill writes them."""
    folder = bench.root / ".mlinfra/runs/x"
    folder.mkdir(parents=True, exist_ok=True)
    for step in ("features", "train"):
        body = json.loads((bench.root / f"{step}.ipynb").read_text())
        injected = {
            "cell_type": "code",
            "metadata": {"tags": ["injected-parameters"]},
            "source": "depth = 4",
            "outputs": [],
            "execution_count": 1,
            "id": "i",
        }
        body["cells"].insert(1, injected)
        (folder / f"{step}.ipynb").write_text(json.dumps(body))
    with bench.pipelines._store._database.write() as connection:
        connection.execute(
            "UPDATE pipeline_result SET notebook = '.mlinfra/runs/x/' || step || '.ipynb'"
        )


def another_line(bench: Bench) -> None:
    bench.workshop.notebook(
        "train", "x = depth\ny = x + 2\nz = 3", "print(y)", parameters="depth = 1"
    )


def another_package(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    known = environment_module.environment_of("python3")
    changed = Environment(known.kernel, known.python, {**known.packages, "polars": "99.0"})
    monkeypatch.setattr("jupyter_mlinfra.pipelines.assess.environment_of", lambda kernel: changed)


CHANGES: dict[str, tuple[Callable[..., object], str, list[str]]] = {
    "a line": (
        another_line,
        "code",
        [
            "code changed: cell 2",
            "train.ipynb, cell 2",
            "-y = x + 1\n+y = x + 2",
            "@@ -1,3 +1,3 @@",
        ],
    ),
    "a default of the file": (
        lambda b, _: b.workshop.pipeline(FILE.replace("depth: 4", "depth: 6")),
        "params",
        ["params changed: depth 4 → 6"],
    ),
    "a snapshot": (
        lambda b, m: m.setitem(SNAPSHOTS, "raw.events", "4712"),
        "inputs",
        ["dataset:raw.events", "4711 → 4712"],
    ),
    "a package": (another_package, "environment", ["environment changed: polars", "→ 99.0"]),
    "the kernel": (
        lambda b, _: b.workshop.notebook(
            "train",
            "x = depth\ny = x + 1\nz = 3",
            "print(y)",
            parameters="depth = 1",
            kernel="other",
        ),
        "kernel",
        ["kernel changed: python3 → other"],
    ),
    "an output": (
        lambda b, _: (b.root / "model.bin").unlink(),
        "outputs",
        ["output missing: model.bin"],
    ),
}


@pytest.mark.parametrize("case", CHANGES)
def test_what_changed_is_named_with_old_and_new(
    case: str, churn: Bench, monkeypatch: pytest.MonkeyPatch
):
    change, part, words = CHANGES[case]
    change(*(churn, monkeypatch)[: 1 if change is another_line else 2])
    found = churn.pipelines.explain("churn/train")
    assert (found.step, list(found.changed)) == ("train", [part])
    for text in words:
        assert text in found.detail
    assert churn.pipelines.runs("churn").total == 1, "nothing was run"

    if case != "the kernel":
        churn.pipelines.run("churn")
        kept = churn.pipelines.runs("churn").items[0].steps[1]
        assert (kept.changed, kept.detail.splitlines()[0]) == (
            found.changed,
            found.detail.splitlines()[0],
        ), "and a run keeps why it ran"


def test_why_it_ran_stays_when_it_fails(churn: Bench):
    another_line(churn)
    churn.jobs.fails = {"train"}
    step = churn.pipelines.run("churn").steps[1]
    assert (step.reason, list(step.changed)) == ("job failed", ["code"])
    assert "+y = x + 2" in step.detail
    found = churn.pipelines.explain("churn/train")
    assert list(found.changed) == [
        "unfinished",
        "code",
    ], "it differs from the last whole result, not from the attempt that failed"


def test_a_step_whose_input_is_to_come_says_who_makes_it(churn: Bench):
    (churn.root / "raw.csv").write_text("2")
    found = churn.pipelines.explain("churn/train")
    assert list(found.changed) == []
    assert "features would run before it" in found.detail
    (churn.root / "rows.csv").unlink()
    found = churn.pipelines.explain("churn/train")
    assert (list(found.changed), found.detail) == (
        ["inputs"],
        "rows.csv is not there yet: step features makes it",
    )


def test_a_step_that_never_ran_and_whose_input_is_to_come_would_run_for_the_first_time(
    churn: Bench,
):
    churn.workshop.pipeline(
        FILE.replace("churn", "other").replace("rows.csv", "other.csv"), "other.mlpipeline.yaml"
    )
    found = churn.pipelines.explain("other/train")
    assert (list(found.changed), found.detail) == (
        ["first run"],
        "other.csv is not there yet: step features makes it",
    )


def test_a_step_that_never_ran_and_one_without_a_cache(churn: Bench):
    churn.workshop.pipeline(
        FILE.replace("churn", "other").replace("in: raw.csv", "cache: false, in: raw.csv"),
        "other.mlpipeline.yaml",
    )
    assert list(churn.pipelines.explain("other/features").changed) == ["first run"]
    churn.pipelines.run("other")
    assert list(churn.pipelines.explain("other/features").changed) == ["cache off"]
    assert list(churn.pipelines.explain("churn/train", parameters={"depth": 5}).changed) == [
        "params"
    ]


def test_forced_steps_have_changed_nothing(churn: Bench):
    run = churn.pipelines.run("churn", force=True)
    assert reasons(run) == {"features": "forced", "train": "forced"}
    assert [step.changed for step in run.steps] == [(), ()]


def test_what_is_no_step_is_refused(churn: Bench):
    with pytest.raises(BadRequest, match="PIPELINE/STEP"):
        churn.pipelines.explain("churn")
    with pytest.raises(NotFound, match=r"Did you mean train\?"):
        churn.pipelines.explain("churn/tran")


@pytest.mark.parametrize(
    ("word", "fix"),
    [
        ("churn", "For example churn/features, churn/train"),
        ("churn/", "For example churn/features, churn/train"),
        ("train", "For example churn/train"),
        ("x", "mlinfra pipelines list"),
    ],
)
def test_one_word_is_answered_with_steps_that_there_are(churn: Bench, word: str, fix: str):
    with pytest.raises(BadRequest) as caught:
        churn.pipelines.explain(word)
    assert caught.value.fix == fix


def test_the_elements_of_a_step_are_told_apart(bench: Bench):
    bench.workshop.notebook("a", "1", parameters="n = 0")
    bench.workshop.pipeline(
        "pipeline: p\nsteps: {a: {notebook: a.ipynb, foreach: {n: [1, 2]}, out: 'o-{{ n }}'}}"
    )
    bench.jobs.outputs = lambda spec: [f"o-{spec.parameters['n']}"]
    bench.pipelines.run("p")
    (bench.root / "o-2").unlink()
    assert list(bench.pipelines.explain("p/a").changed) == ["outputs"]
    assert list(bench.pipelines.explain("p/a[n=1]").changed) == []
    assert list(bench.pipelines.explain("p/a[n=2]").changed) == ["outputs"]
