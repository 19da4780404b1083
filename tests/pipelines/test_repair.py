"""Repair, and running from a step on: what runs again, what is kept, and what happens when that is
gone.
"""

from __future__ import annotations

import pytest

from jupyter_mlinfra.core.errors import Conflict, NotFound
from jupyter_mlinfra.pipelines import RunState

from .made_up import Bench, bench, reasons, states
from .test_engine import Killed

__all__ = ["bench"]

FILE = """
    pipeline: p
    parameters: {day: 1}
    steps:
      load: {notebook: load.ipynb, params: {day: "{{ day }}"}, out: load.out}
      train: {notebook: train.ipynb, in: load.out, out: train.out}
      report: {notebook: report.ipynb, in: train.out, out: report.out}
      beside: {notebook: beside.ipynb, in: load.out, out: beside.out}
    """


@pytest.fixture
def flights(bench: Bench) -> Bench:
    bench.workshop.notebook("load", "1", parameters="day = 0")
    for name in ("train", "report", "beside"):
        bench.workshop.notebook(name, f"# {name}")
    bench.workshop.pipeline(FILE)
    bench.jobs.outputs = lambda spec: [f"{spec.labels['step']}.out"]
    return bench


def failed(flights: Bench, *steps: str, **parameters) -> str:
    """The id of a run in which these steps failed."""
    flights.jobs.fails = set(steps)
    run = flights.pipelines.run("p", parameters=parameters)
    assert run.state is RunState.FAILED
    flights.jobs.fails = set()
    flights.ran()
    return run.run


def test_only_what_failed_and_what_hangs_on_it_runs_with_the_same_parameters(flights: Bench):
    base = failed(flights, "train", day=7)
    run = flights.pipelines.repair(base)
    assert flights.ran() == ["train", "report"]
    assert states(run) == {
        "load": "cached",
        "train": "succeeded",
        "report": "succeeded",
        "beside": "cached",
    }
    assert reasons(run) == {
        "load": f"succeeded in run {base}",
        "train": f"failed in run {base}",
        "report": f"skipped in run {base}",
        "beside": f"succeeded in run {base}",
    }
    assert (run.repairs, run.parameters, run.state) == (base, {"day": 7}, RunState.SUCCEEDED)
    assert run.run != base
    assert states(flights.pipelines.run("p", parameters={"day": 7})) == dict.fromkeys(
        states(run), "cached"
    ), "what was repaired is whole"


def test_the_name_of_a_pipeline_is_no_run_and_its_newest_run_is_named(flights: Bench):
    failed(flights, "train", day=6)
    newest = failed(flights, "train", day=7)
    with pytest.raises(NotFound) as caught:
        flights.pipelines.repair("p")
    assert newest in caught.value.why
    assert caught.value.fix.endswith(newest)


def test_a_run_of_one_step_alone_says_so(flights: Bench):
    flights.pipelines.run("p")
    alone = flights.pipelines.run_step("p", "load", force=True)
    assert (alone.only, [step.name for step in alone.steps]) == ("load", ["load"])
    assert [run.only for run in flights.pipelines.show("p").runs] == ["load", ""]


def test_a_run_says_whether_it_can_be_repaired_also_an_older_one(flights: Bench):
    base = failed(flights, "train", day=7)
    flights.pipelines.run("p", parameters={"day": 8})
    assert [(run.run == base, run.repairable) for run in flights.pipelines.runs("p").items] == [
        (False, False),
        (True, True),
    ]
    entry = flights.pipelines._store.run(base)
    begun = flights.pipelines._store.begin(entry.definition, parameters={}, force=False, user="ana")
    assert not flights.pipelines.show_run(begun.run.run).repairable, "it has not ended"


def test_what_had_succeeded_is_kept_though_its_code_has_changed_and_the_next_run_sees_that(
    flights: Bench,
):
    base = failed(flights, "train")
    flights.workshop.notebook("load", "2", parameters="day = 0")
    flights.pipelines.repair(base)
    assert flights.ran() == ["train", "report"]
    assert reasons(flights.pipelines.run("p"))["load"] == "code changed: cell 2"


def test_what_hangs_on_it_runs_though_nothing_else_than_before_comes_out(flights: Bench):
    """A report of an earlier run fits what train makes again; the word was to run it, and that is
    what is done.
    """
    flights.pipelines.run("p")
    (flights.root / "train.ipynb").write_text(
        (flights.root / "train.ipynb").read_text().replace("# train", "# train!")
    )
    base = failed(flights, "train")
    flights.pipelines.repair(base)
    assert flights.ran() == ["train", "report"]


def test_a_kept_result_that_is_gone_runs_again(flights: Bench):
    base = failed(flights, "train")
    (flights.root / "load.out").write_text("spoiled")
    run = flights.pipelines.repair(base)
    assert reasons(run)["load"] == "output changed: load.out"
    assert states(run)["beside"] == "cached"

    base = failed(flights, "train", day=3)
    flights.pipelines.run("p", parameters={"day": 2})
    flights.ran()
    run = flights.pipelines.repair(base)
    assert reasons(run)["load"] == "params changed: day 2 → 3", (
        "what stands is the result of another run"
    )
    assert reasons(run)["beside"] == "inputs changed: load.out", "and so is what was made from it"


def test_a_run_is_not_repairable_once_its_failed_steps_are_out_of_the_file(flights: Bench):
    base = failed(flights, "beside")
    file = flights.workshop.root / "p.mlpipeline.yaml"
    whole = file.read_text()

    def told() -> list[bool]:
        return [
            flights.pipelines.show_run(base).repairable,
            flights.pipelines.runs("p").items[0].repairable,
        ]

    file.write_text(
        "".join(line for line in whole.splitlines(keepends=True) if "beside" not in line)
    )
    assert told() == [False, False]
    with pytest.raises(Conflict) as refused:
        flights.pipelines.repair(base)
    assert (
        refused.value.why == "The steps that did not succeed are no longer in the pipeline: beside."
    )
    file.write_text("steps: [")
    assert told() == [True, True], "once the file is mended"
    file.unlink()
    assert told() == [False, False]
    file.write_text(whole)
    assert told() == [True, True]
    assert flights.pipelines.repair(base).state is RunState.SUCCEEDED


def test_a_repair_whose_driver_dies_is_gone_on_with(flights: Bench):
    base = failed(flights, "train")
    flights.jobs.die_after = 0
    with pytest.raises(Killed):
        flights.pipelines.repair(base)
    run = flights.pipelines.repair(base)
    assert run.repairs == base
    assert states(run) == {
        "load": "cached",
        "train": "succeeded",
        "report": "succeeded",
        "beside": "cached",
    }
    assert len(flights.pipelines.runs("p").items) == 2, (
        "the repair that was begun is the one that ended"
    )


def test_a_run_of_one_step_is_repaired_as_that_step_with_the_values_that_it_was_given(
    flights: Bench,
):
    flights.workshop.notebook("load", "1", parameters="day = 0\nlot = 1")
    flights.jobs.fails = {"load"}
    base = flights.pipelines.run_step("p", "load", parameters={"lot": 99})
    base = flights.pipelines.repair(base.run)
    flights.jobs.fails = set()
    flights.ran()
    run = flights.pipelines.repair(base.run)
    assert states(run) == {"load": "succeeded"}
    assert flights.ran() == ["load"]
    assert (flights.root / "load.out").read_text() == '["load", {"day": 1, "lot": 99}]'


def test_an_element_that_ran_alone_is_repaired_alone(flights: Bench):
    flights.workshop.pipeline(
        FILE.replace(
            'params: {day: "{{ day }}"}, out: load.out',
            'foreach: {day: [1, 2]}, out: "load{{ day }}.out"',
        ).replace("in: load.out", "in: step:load")
    )
    flights.jobs.outputs = lambda spec: [f"load{spec.parameters['day']}.out"]
    flights.jobs.fails = {"load[day=2]"}
    base = flights.pipelines.run_step("p", "load", parameters={"day": 2})
    flights.jobs.fails = set()
    flights.ran()
    assert states(flights.pipelines.repair(base.run)) == {"load[day=2]": "succeeded"}


def test_nothing_to_repair_is_refused(flights: Bench):
    run = flights.pipelines.run("p")
    with pytest.raises(Conflict, match="has nothing to repair"):
        flights.pipelines.repair(run.run)
    flights.jobs.die_after = 0
    with pytest.raises(Killed):
        flights.pipelines.run("p", force=True)
    left = flights.pipelines.runs("p").items[0]
    with pytest.raises(Conflict, match=r"has not ended.*pipelines resume"):
        flights.pipelines.repair(left.run)


def test_a_run_from_a_step_on_runs_it_and_what_hangs_on_it_and_takes_last_results_before_it(
    flights: Bench,
):
    flights.pipelines.run("p")
    flights.ran()
    flights.workshop.notebook("load", "2", parameters="day = 0")
    run = flights.pipelines.run("p", from_step="train")
    assert flights.ran() == ["train", "report"]
    assert reasons(run) == {
        "load": "last result taken, though code changed: cell 2",
        "train": "requested: from train on",
        "report": "train runs again",
        "beside": "nothing changed",
    }


def test_a_step_without_a_cache_is_not_run_by_a_run_from_a_later_one(flights: Bench):
    flights.workshop.pipeline(FILE.replace("out: load.out", "out: load.out, cache: false"))
    flights.pipelines.run("p")
    flights.ran()
    flights.pipelines.run("p", from_step="report")
    assert flights.ran() == ["report"]
    base = failed(flights, "train", day=2)
    flights.pipelines.repair(base)
    assert flights.ran() == ["train", "report"]


def test_a_run_from_a_step_on_never_takes_a_result_of_other_values(flights: Bench):
    flights.pipelines.run("p", parameters={"day": 1})
    flights.ran()
    run = flights.pipelines.run("p", parameters={"day": 2}, from_step="report")
    assert reasons(run)["load"] == "params changed: day 1 → 2"
    assert set(flights.ran()) == {"load", "train", "beside", "report"}
    with pytest.raises(NotFound, match=r"no step reprot.*Did you mean report\?"):
        flights.pipelines.run("p", from_step="reprot")
