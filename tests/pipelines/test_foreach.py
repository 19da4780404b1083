"""`foreach`, and what `{{ … }}` stands for: elements with a result of their own each, and errors
that say the line.
"""

from __future__ import annotations

import json
import resource
from pathlib import Path

import pytest

from jupyter_mlinfra.core.errors import BadRequest, MLInfraError, Unprocessable
from jupyter_mlinfra.pipelines import Pipelines

from .made_up import Bench, bench, reasons, states

__all__ = ["bench"]

FILE = """
    pipeline: churn
    parameters: {depths: [4, 6, 8]}
    steps:
      features: {notebook: features.ipynb, out: data/rows.csv}
      train:
        notebook: train.ipynb
        foreach: {max_depth: [4, 6, 8]}
        in: data/rows.csv
        out: "models/churn-{{ max_depth }}"
      choose: {notebook: choose.ipynb, in: "step:train", out: best}
    """


@pytest.fixture
def churn(bench: Bench) -> Bench:
    bench.workshop.notebook("features", "1")
    bench.workshop.notebook("train", "fit(max_depth)", parameters="max_depth = 1\nrate = 0.1")
    bench.workshop.notebook("choose", "1")
    bench.workshop.pipeline(FILE)
    made = {"features": ["data/rows.csv"], "choose": ["best"]}
    bench.jobs.outputs = lambda spec: (
        made.get(spec.labels["step"]) or [f"models/churn-{spec.parameters['max_depth']}"]
    )
    return bench


def test_each_item_is_an_element_with_its_own_job_parameters_and_result(churn: Bench):
    run = churn.pipelines.run("churn")
    elements = [f"train[max_depth={depth}]" for depth in (4, 6, 8)]
    assert states(run) == dict.fromkeys(["features", *elements, "choose"], "succeeded")
    specs = {spec.labels["step"]: spec for spec in churn.jobs.specs.values()}
    assert [specs[name].parameters for name in elements] == [
        {"max_depth": depth} for depth in (4, 6, 8)
    ]
    assert len({specs[name].output for name in elements}) == 3
    assert json.loads((churn.root / "models/churn-6").read_text()) == [
        "train[max_depth=6]",
        {"max_depth": 6},
    ]
    assert churn.ran()[0] == "features"

    churn.workshop.pipeline(
        FILE.replace("foreach: {max_depth: [4, 6, 8]}", "foreach: {max_depth: [6, 10, 4]}")
    )
    again = churn.pipelines.run("churn")
    assert churn.ran() == [
        "train[max_depth=10]",
        "choose",
    ], "elements that were there are taken from the cache, wherever they stand in the list"
    assert (
        reasons(again)["choose"] == "inputs changed: models/churn-10 added, models/churn-8 removed"
    )


def test_one_element_that_fails_skips_what_takes_them_all_and_keeps_the_others(churn: Bench):
    churn.jobs.fails = {"train[max_depth=6]"}
    run = churn.pipelines.run("churn")
    assert states(run) == {
        "features": "succeeded",
        "train[max_depth=4]": "succeeded",
        "train[max_depth=6]": "failed",
        "train[max_depth=8]": "succeeded",
        "choose": "skipped",
    }
    churn.ran()
    churn.jobs.fails = set()
    churn.pipelines.run("churn")
    assert churn.ran() == ["train[max_depth=6]", "choose"]


def test_the_graph_shows_the_step_once_with_its_elements(churn: Bench):
    graph = {step.name: step for step in churn.pipelines.show("churn").graph}
    assert list(graph) == ["features", "train", "choose"]
    assert graph["train"].elements == [
        "train[max_depth=4]",
        "train[max_depth=6]",
        "train[max_depth=8]",
    ]
    assert (graph["train"].after, graph["choose"].after, graph["features"].elements) == (
        ("features",),
        ("train",),
        (),
    )


@pytest.mark.parametrize(
    ("foreach", "names"),
    [
        (
            "{max_depth: [4, 6], rate: [0.1, 1]}",
            [
                "max_depth=4,rate=0.1",
                "max_depth=4,rate=1",
                "max_depth=6,rate=0.1",
                "max_depth=6,rate=1",
            ],
        ),
        (
            "[{max_depth: 4, rate: 0.1}, {max_depth: 6, rate: 0.3}]",
            ["max_depth=4,rate=0.1", "max_depth=6,rate=0.3"],
        ),
        (
            '{max_depth: "{{ depths }}", rate: [1]}',
            ["max_depth=4,rate=1", "max_depth=6,rate=1", "max_depth=8,rate=1"],
        ),
        ("[{max_depth: [1, 2], rate: a b}, {max_depth: null, rate: c/d}]", ["0", "1"]),
    ],
)
def test_items_are_combinations_or_mappings_and_are_named_by_their_values_where_these_are_plain(
    churn: Bench, foreach: str, names: list[str]
):
    churn.workshop.pipeline(
        f"""
        pipeline: grid
        parameters: {{depths: [4, 6, 8]}}
        steps:
          train: {{notebook: train.ipynb, foreach: {foreach}, out: "model:churn"}}
        """,
        "grid.mlpipeline.yaml",
    )
    assert churn.pipelines.show("grid").graph[0].elements == [f"train[{name}]" for name in names]


def test_a_value_of_the_run_fills_foreach_names_and_paths(churn: Bench):
    churn.workshop.pipeline("""
        pipeline: p
        parameters: {day: 2026-01-01, depths: [4]}
        steps:
          train:
            notebook: train.ipynb
            foreach: {max_depth: "{{ depths }}"}
            params: {rate: "{{ day }} {{ max_depth }}"}
            out: "models/churn-{{ max_depth }}"
        """)
    run = churn.pipelines.run("p", parameters={"depths": [2, 3], "day": "x"})
    assert [step.name for step in run.steps] == ["train[max_depth=2]", "train[max_depth=3]"]
    assert [spec.parameters for spec in churn.jobs.specs.values()] == [
        {"max_depth": 2, "rate": "x 2"},
        {"max_depth": 3, "rate": "x 3"},
    ]
    with pytest.raises(Unprocessable, match=r"p.mlpipeline.yaml, line 6: foreach cannot be used"):
        churn.pipelines.run("p", parameters={"depths": None})
    with pytest.raises(Unprocessable, match=r"line 6: train\[max_depth=2\] is given twice"):
        churn.pipelines.run("p", parameters={"depths": [2, "2"]})


def test_a_step_alone_runs_with_other_values_and_the_next_run_says_so(churn: Bench):
    churn.pipelines.run("churn")
    churn.ran()
    run = churn.pipelines.run_step("churn", "train", parameters={"max_depth": 10, "rate": 0.5})
    assert (churn.ran(), states(run)) == (
        ["train[max_depth=10]"],
        {"train[max_depth=10]": "succeeded"},
    )
    run = churn.pipelines.run_step("churn", "train[max_depth=4]", parameters={"rate": 0.5})
    assert reasons(run) == {"train[max_depth=4]": "params changed: rate its default → 0.5"}
    assert (
        reasons(churn.pipelines.run("churn"))["train[max_depth=4]"]
        == "params changed: rate 0.5 → its default"
    )
    with pytest.raises(BadRequest, match="has no parameter dept"):
        churn.pipelines.run_step("churn", "train", parameters={"dept": 1})
    with pytest.raises(MLInfraError, match=r"has no step trian.*Did you mean train\?"):
        churn.pipelines.run_step("churn", "trian")
    (churn.root / "data/rows.csv").unlink()
    with pytest.raises(
        Unprocessable,
        match=r"line 8: step train\[max_depth=4\] takes data/rows.csv.*Step features makes it",
    ):
        churn.pipelines.run_step("churn", "train")


STEP = "pipeline: p\nparameters: {day: 1}\nsteps:\n  train:\n    notebook: train.ipynb\n"
FAULTS = {
    "two elements that make one file": (
        "    foreach: {max_depth: [1, 2]}\n    out: model.bin",
        "line 7",
        "two elements",
        "{{ max_depth }}",
    ),
    "an item that nothing uses": ("    foreach: {deph: [1, 2]}", "line 6", "uses deph", "Set deph"),
    "no items": ("    foreach: {max_depth: []}", "line 6", "has 0 items", "at least one"),
    "items of several shapes": (
        "    foreach: [{max_depth: 1}, {rate: 2}]",
        "line 6",
        "foreach cannot be used",
        "same names",
    ),
    "an expression": (
        "    params: {rate: '{{ 7 * 7 }}'}",
        "line 6",
        "{{ 7 * 7 }} cannot be filled in",
        "not run",
    ),
    "an attribute": (
        "    params: {rate: '{{ day.__class__ }}'}",
        "line 6",
        "cannot be filled in",
        "not run",
    ),
    "a name that there is not, in out": (
        "    out:\n      - 'x-{{ dya }}'",
        "line 7",
        "no parameter dya",
        "Did you mean {{ day }}?",
    ),
    "a name of another step's foreach": (
        "    in: 'models/{{ max_depth }}'",
        "line 6",
        "no parameter max_depth",
        "",
    ),
    "a step that there is not": (
        "    in: 'step:trian'",
        "line 6",
        "no step trian",
        "Did you mean step:train?",
    ),
    "a step that takes its own": (
        "    in: 'step:train'\n    out: x",
        "line 4",
        "train → train",
        "from `in`",
    ),
    "a step that takes its own, which is nothing": (
        "    in: 'step:train'",
        "line 4",
        "It takes what it makes itself: step:train.",
        "from `in`",
    ),
    "a path that leaves the project once it is filled": (
        "    foreach: {max_depth: ['../../x', b]}\n    out: '{{ max_depth }}'",
        "line 7",
        "outside the project",
        "",
    ),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_fault_is_told_with_line_and_fix(case: str, churn: Bench):
    text, line, what, fix = FAULTS[case]
    churn.workshop.pipeline(STEP + text)
    with pytest.raises(MLInfraError) as caught:
        churn.pipelines.check("p")
    assert (line in caught.value.what, what in str(caught.value), fix in caught.value.fix) == (
        True,
        True,
        True,
    ), caught.value


def test_elements_run_at_the_same_time_with_real_jobs(pipelines: Pipelines, workshop):
    """Each waits for a file of the other: one after the other they would never end."""
    workshop.notebook(
        "meet",
        """
        import time
        from pathlib import Path
        Path(f"{own}.here").touch()
        limit = time.monotonic() + 200
        while not Path(f"{other}.here").exists():
            assert time.monotonic() < limit, "the other never came"
            time.sleep(0.05)
        """,
        parameters="own = ''\nother = ''",
    )
    workshop.pipeline(
        "pipeline: pair\nsteps: {meet: {notebook: meet.ipynb, foreach: [{own: a, other: b}, {own:"
        " b, other: a}]}}"
    )
    run = pipelines.run("pair")
    assert states(run) == {"meet[own=a,other=b]": "succeeded", "meet[own=b,other=a]": "succeeded"}
    assert all(Path(workshop.root / step.notebook).exists() for step in run.steps)


@pytest.mark.parametrize(("names", "shown"), [(8, "100000000"), (4000, "over 1000000000")])
def test_more_combinations_than_memory_holds_are_counted_and_refused_at_once(
    churn: Bench, names: int, shown: str
):
    lists = ", ".join(f"n{number}: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]" for number in range(names))
    churn.workshop.pipeline(
        FILE.replace("{max_depth: [4, 6, 8]}", f"{{{lists}}}").replace("max_depth }}", "n0 }}")
    )
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    # Then it is a MemoryError, not a dead machine.
    resource.setrlimit(resource.RLIMIT_AS, (used + 2**29, hard))
    try:
        with pytest.raises(
            Unprocessable, match=rf"line \d+: foreach of step train has {shown} items"
        ):
            churn.pipelines.check("p.mlpipeline.yaml")
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
