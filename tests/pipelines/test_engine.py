"""The engine against made-up jobs: any graph, any failures, any death of the driver; the oracle
walks all paths by brute force.
"""

from __future__ import annotations

import errno
import shutil
import tempfile
import threading
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from searches import examples

from jupyter_mlinfra.core.errors import BadRequest, Conflict, Unavailable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.jobs import JobSpec, JobState
from jupyter_mlinfra.pipelines import Pipelines, RunState, StepState
from jupyter_mlinfra.pipelines.state import advance
from jupyter_mlinfra.pipelines.store import RunStore

from .conftest import Workshop


class Killed(BaseException):
    """The driver dies here."""


@dataclass
class MadeUpJobs:
    """Jobs that end at once, in an order that a test chooses. One key is one job, as the real ones
    promise.
    """

    root: Path
    fails: set[str] = field(default_factory=set)
    lasting: set[str] = field(default_factory=set)
    """Steps whose jobs go on until they are cancelled."""
    specs: dict[str, JobSpec] = field(default_factory=dict)
    cancelled: set[str] = field(default_factory=set)
    ended: dict[str, datetime] = field(default_factory=dict)
    """When each job ended: as soon as it was submitted."""
    die_after: int | None = None
    """Number of calls after which the driver dies in the middle of one."""

    def heal(self) -> None:
        """Nobody follows them."""

    def submit(self, spec: JobSpec):
        known = next((job for job, other in self.specs.items() if other.key == spec.key), None)
        job = known or f"{len(self.specs):08x}"
        if known is None:
            self.specs[job], self.ended[job] = spec, datetime.now(UTC)
            for name in () if spec.labels["step"] in self.fails else self.makes(spec):
                (self.root / name).write_text(job)
        self._tick()
        return self._job(job)

    def look(self, job: str):
        self._tick()
        return self._job(job)

    def cancel(self, job: str):
        self.cancelled.add(job)
        return self._job(job)

    def job_of(self, key: str):
        return next((self._job(job) for job, spec in self.specs.items() if spec.key == key), None)

    def wait(self, jobs, *, timeout=None):
        return [self._job(job) for job in jobs]

    def makes(self, spec: JobSpec) -> list[str]:
        return [f"{spec.labels['step']}.out"]

    def _tick(self) -> None:
        if self.die_after is not None:
            self.die_after -= 1
            if self.die_after < 0:
                self.die_after = None
                raise Killed

    def _job(self, job: str):
        step = self.specs[job].labels["step"]
        if job in self.cancelled:
            state = JobState.CANCELLED
        elif step in self.lasting:
            state = JobState.RUNNING
        else:
            state = JobState.FAILED if step in self.fails else JobState.SUCCEEDED
        reason = "" if state is JobState.SUCCEEDED else f"job {state}"
        ended = None if state is JobState.RUNNING else self.ended[job]
        return SimpleNamespace(
            id=job,
            state=state,
            reason=reason,
            output=None,
            labels=self.specs[job].labels,
            started_at=None,
            ended_at=ended,
        )


@dataclass
class Stage:
    """A project in a folder of its own, with a pipeline of any shape on made-up jobs."""

    root: Path
    after: dict[str, tuple[str, ...]]

    def __post_init__(self) -> None:
        (self.root / "mlinfra.toml").write_text("")
        self.project = Project.open(self.root)
        self.jobs = MadeUpJobs(self.root)
        self.pipelines = Pipelines(self.project, self.jobs)
        workshop = Workshop(self.root)
        for name in self.after:
            workshop.notebook(name, f"# {name}")
        lines = [
            f"  {name}: {{notebook: {name}.ipynb, in: [{', '.join(f'{b}.out' for b in before)}],"
            f" out: {name}.out}}"
            for name, before in self.after.items()
        ]
        workshop.pipeline("\n".join(["pipeline: p", "steps:", *lines]))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.project.database.close()
        shutil.rmtree(self.root, ignore_errors=True)


def stage(after) -> Stage:
    return Stage(Path(tempfile.mkdtemp()), after)


@st.composite
def acyclic(draw):
    """Any graph without cycles of up to seven steps; the file's order is any order."""
    names = "abcdefg"[: draw(st.integers(1, 7))]
    after = {
        name: tuple(draw(st.sets(st.sampled_from(names[:place])))) if place else ()
        for place, name in enumerate(names)
    }
    return {name: after[name] for name in draw(st.permutations(names))}


def ancestors(after, name):
    """Every step that `name` depends on, by walking all paths."""
    return set(after[name]).union(*(ancestors(after, before) for before in after[name]))


@pytest.fixture(autouse=True)
def made_up_jobs_tell_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Real jobs commit when they end; these do not, so nothing is to be waited for. No power cut is
    played here: no fsync is needed.
    """
    monkeypatch.setattr("jupyter_mlinfra.pipelines.engine._QUIET_SECONDS", 0.01)
    monkeypatch.setattr(
        "jupyter_mlinfra.core.database._PRAGMAS",
        ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=OFF", "PRAGMA foreign_keys=ON"),
    )


quick = settings(
    max_examples=examples(15),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@quick
@given(acyclic(), st.sets(st.sampled_from("abcdefg"), max_size=3))
def test_a_failing_step_skips_what_depends_on_it_and_nothing_else(after, fails):
    with stage(after) as here:
        here.jobs.fails = fails
        run = here.pipelines.run("p")
        reached = [spec.labels["step"] for spec in here.jobs.specs.values()]
        for step in run.steps:
            lost = ancestors(after, step.name) & fails
            expected = (
                StepState.SKIPPED
                if lost
                else StepState.FAILED
                if step.name in fails
                else StepState.SUCCEEDED
            )
            assert step.state is expected
            assert (step.name in reached) is not bool(lost), "a skipped step has no job"
            if lost:
                assert any(step.reason == f"{name} failed" for name in lost)
        assert len(reached) == len(set(reached)), "no step runs twice"
        assert all(
            reached.index(before) < reached.index(name)
            for name in reached
            for before in after[name]
        )
        assert run.state is (RunState.FAILED if fails & set(after) else RunState.SUCCEEDED)

        here.jobs.fails = set()
        again = here.pipelines.run("p")
        for step, before in zip(again.steps, run.steps, strict=True):
            assert step.state is (
                StepState.CACHED if before.state is StepState.SUCCEEDED else StepState.SUCCEEDED
            ), "only what failed and what hangs on it"
        assert {str(step.state) for step in here.pipelines.run("p").steps} == {"cached"}


@quick
@example(after={"d": ("a",), "g": ("d", "e"), "a": (), "e": ()}, fails={"d", "e"}, deaths=[0])
@example(after={"d": ("a",), "g": ("d", "e"), "a": (), "e": ()}, fails={"d", "e"}, deaths=[4])
@given(
    acyclic(),
    st.sets(st.sampled_from("abcdefg"), max_size=2),
    st.lists(st.integers(0, 12), max_size=6),
)
def test_a_driver_that_dies_anywhere_any_number_of_times_loses_and_doubles_nothing(
    after, fails, deaths
):
    with stage(after) as here, stage(after) as undisturbed:
        here.jobs.fails = undisturbed.jobs.fails = fails
        for death in deaths:
            here.jobs.die_after = death
            try:
                here.pipelines.run("p")
            except Killed:
                continue
            break
        here.jobs.die_after = None
        page = here.pipelines.runs("p")
        run = (
            here.pipelines.resume(page.items[0].run)
            if page.items and page.items[0].state is RunState.RUNNING
            else None
        )
        run = run or (page.items[0] if page.items else here.pipelines.run("p"))
        expected = undisturbed.pipelines.run("p")
        assert [(step.name, step.state) for step in run.steps] == [
            (step.name, step.state) for step in expected.steps
        ]
        for driven, jobs in ((run, here.jobs), (expected, undisturbed.jobs)):
            ended = {spec.labels["step"]: jobs.ended[job] for job, spec in jobs.specs.items()}
            for step in driven.steps:
                lost = ancestors(after, step.name) & fails & set(ended)
                if lost:
                    assert step.reason == f"{min(lost, key=ended.__getitem__)} failed", (
                        "the first that failed, as told by the jobs"
                    )
                else:
                    assert step.reason == ("job failed" if step.name in fails else "first run")
        assert run.state is expected.state
        assert sorted(spec.labels["step"] for spec in here.jobs.specs.values()) == sorted(
            spec.labels["step"] for spec in undisturbed.jobs.specs.values()
        )
        assert here.pipelines.count_runs() == 1, "the same run is gone on with"


def test_a_changed_file_is_not_gone_on_with_but_run_anew():
    with stage({"a": (), "b": ("a",)}) as here:
        here.jobs.die_after = 0
        with pytest.raises(Killed):
            here.pipelines.run("p")
        workshop = Workshop(here.root)
        workshop.pipeline("pipeline: p\nsteps:\n  a: {notebook: a.ipynb, out: a.out, retries: 1}")
        run = here.pipelines.run("p")
        assert [str(item.state) for item in here.pipelines.runs("p").items] == [
            "succeeded",
            "cancelled",
        ]
        assert [step.name for step in run.steps] == ["a"]


MEANWHILE = {
    "an input": (lambda here, data: (here.root / "in.txt").write_text("B"), "in.txt"),
    "an input, and back": (
        lambda here, data: [(here.root / "in.txt").write_text(text) for text in "BA"],
        "in.txt",
    ),
    "a file in an input folder": (
        lambda here, data: (here.root / "rows/1").write_text("B"),
        "rows",
    ),
    "an input that is gone": (lambda here, data: (here.root / "in.txt").unlink(), "in.txt"),
    "a module": (lambda here, data: (here.root / "tools.py").write_text("x = 1"), "tools.py"),
    "a dataset": (lambda here, data: data.update({"d.t": "2"}), "dataset:d.t"),
}


@pytest.mark.parametrize("case", MEANWHILE)
def test_what_changes_while_a_step_runs_makes_a_result_that_is_not_taken_again(case):
    """Back to what it was afterwards, the inputs would fit a result that may have been made of
    others.
    """
    change, name = MEANWHILE[case]
    with stage({"a": (), "b": ("a",)}) as here:
        workshop, data = Workshop(here.root), {"d.t": "1"}
        workshop.notebook("a", "import tools")
        workshop.pipeline("""
            pipeline: p
            steps:
              a: {notebook: a.ipynb, in: [in.txt, rows, "dataset:d.t"], out: a.out}
              b: {notebook: b.ipynb, in: a.out, out: b.out}
            """)

        def written() -> None:
            (here.root / "rows").mkdir(exist_ok=True)
            for place, text in {"in.txt": "A", "rows/1": "1", "tools.py": ""}.items():
                (here.root / place).write_text(text)
            data.update({"d.t": "1"})

        def makes(spec):
            if spec.labels["step"] == "a":
                change(here, data)
            return [f"{spec.labels['step']}.out"]

        pipelines = Pipelines(here.project, here.jobs, {"dataset": data.get})
        written()
        here.jobs.makes, here.jobs.fails = makes, {"b"}
        first = pipelines.run("p")
        assert first.steps[0].reason == f"first run; will run again: {name} changed meanwhile"
        here.jobs.fails = set()
        written()
        repaired = pipelines.repair(first.run)
        assert [str(step.state) for step in repaired.steps] == [
            "cached",
            "succeeded",
        ], "what had succeeded stays"
        here.jobs.makes = lambda spec: [f"{spec.labels['step']}.out"]
        assert pipelines.explain("p/a").changed == ("unfinished",)
        run = pipelines.run("p")
        assert (str(run.steps[0].state), run.steps[0].reason) == (
            "succeeded",
            "what it takes changed while it ran last time",
        )
        assert str(pipelines.run("p").steps[0].state) == "cached"


SINCE = {
    "code": lambda here: Workshop(here.root).notebook("a", "# mended"),
    "a module": lambda here: (here.root / "tools.py").write_text("new = 1"),
    "an outside input": lambda here: (here.root / "raw.csv").write_text("2"),
    "an output": lambda here: (here.root / "a.out").write_text("spoiled"),
    "code of the step under way": lambda here: Workshop(here.root).notebook("c", "# mended"),
}


def interrupted(here: Stage) -> str:
    """The id of a run whose driver died while c ran, a and b were done."""
    workshop = Workshop(here.root)
    workshop.notebook("a", "import tools")
    for name in ("tools.py", "raw.csv"):
        (here.root / name).write_text("")
    lines = [
        "a: {notebook: a.ipynb, in: raw.csv, out: a.out}",
        "b: {notebook: b.ipynb, out: b.out}",
        "c: {notebook: c.ipynb, in: [a.out, b.out], out: c.out}",
    ]
    workshop.pipeline("\n".join(["pipeline: p", "steps:", *(f"  {line}" for line in lines)]))
    here.jobs.lasting, show = {"c"}, here.jobs.look

    def dying(job):
        if here.jobs.specs[job].labels["step"] == "c":
            raise Killed
        return show(job)

    here.jobs.look = dying
    with pytest.raises(Killed):
        here.pipelines.run("p")
    here.jobs.look, here.jobs.lasting = show, set()
    [left] = here.pipelines.runs("p").items
    assert [str(step.state) for step in left.steps] == ["succeeded", "succeeded", "running"]
    return left.run


@pytest.mark.parametrize("case", SINCE)
def test_a_run_after_an_interrupted_one_is_of_what_there_is_now_and_takes_what_is_still_good(case):
    """The file and the parameters are the same: only what the steps are made of has changed. A
    resume goes on all the same.
    """
    with stage({"a": (), "b": (), "c": ()}) as here:
        left = interrupted(here)
        SINCE[case](here)
        run = here.pipelines.run("p")
        assert run.run != left
        assert here.pipelines.show_run(left).state is RunState.CANCELLED
        again = (
            ["cached", "cached", "succeeded"]
            if case == "code of the step under way"
            else ["succeeded", "cached", "succeeded"]
        )
        assert [str(step.state) for step in run.steps] == again
    with stage({"a": (), "b": (), "c": ()}) as here:
        left = interrupted(here)
        SINCE[case](here)
        assert here.pipelines.resume(left).state is RunState.SUCCEEDED
        assert len(here.jobs.specs) == 3


def test_jobs_of_an_abandoned_run_are_cancelled_before_the_next_one_starts():
    with stage({"a": ()}) as here:
        here.jobs.lasting = {"a"}
        here.jobs.die_after = 1
        with pytest.raises(Killed):
            here.pipelines.run("p")
        assert "pipelines resume" in here.pipelines.runs("p").items[0].reason
        here.jobs.lasting = set()
        first = next(iter(here.jobs.specs))
        here.pipelines.run("p", force=True)
        assert here.jobs.cancelled == {first}
        assert len(here.jobs.specs) == 2


def test_a_disk_that_takes_no_lineage_ends_no_run(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    with stage({"a": (), "b": ("a",)}) as here:
        monkeypatch.setattr(here.project.lineage, "record", full)
        run = here.pipelines.run("p")
        assert (str(run.state), [str(step.state) for step in run.steps]) == (
            "succeeded",
            ["succeeded", "succeeded"],
        )
        assert "step:p/a is done, but its event was not recorded" in caplog.text


def test_a_run_whose_driver_lives_on_without_driving_says_how_to_go_on():
    """A fault that nobody foresaw, in a kernel: its process stays alive."""

    def faulty(step):
        raise RuntimeError(step.name)

    with stage({"a": (), "b": ("a",)}) as here:
        with pytest.raises(RuntimeError):
            here.pipelines.run("p", on_step=faulty)
        [left] = here.pipelines.runs("p").items
        assert left.state is RunState.RUNNING
        assert f"mlinfra pipelines resume {left.run}" in left.reason
        assert here.pipelines.resume(left.run).state is RunState.SUCCEEDED
        assert len(here.jobs.specs) == 2


def test_what_a_step_asks_for_reaches_its_job():
    with stage({"a": ()}) as here:
        Workshop(here.root).notebook("a", "1", parameters="day = 0")
        Workshop(here.root).pipeline("""
            pipeline: p
            parameters: {day: 3}
            steps:
              a: {notebook: a.ipynb, params: {day: "{{ day }}"}, out: a.out, retries: 2,
                  resources: {gpus: 1, cpus: 2, memory_gib: 4}, time_limit_minutes: 5}
            """)
        run = here.pipelines.run("p", parameters={"day": 4})
        (spec,) = here.jobs.specs.values()
        assert spec.notebook == "a.ipynb"
        assert spec.parameters == {"day": 4} == run.parameters
        assert (spec.backend, spec.gpu_type, spec.queue) == (None, None, None)
        assert (spec.gpus, spec.cpus, spec.memory_gib, spec.retries, spec.time_limit_minutes) == (
            1,
            2,
            4,
            2,
            5,
        )
        assert spec.output == f".mlinfra/runs/{run.run}/a.ipynb"
        assert spec.labels == {"pipeline": "p", "run": run.run, "step": "a"}
        assert spec.name == "p/a"


def test_a_step_says_where_it_runs_before_the_run_does():
    with stage({"a": (), "b": ()}) as here:
        Workshop(here.root).pipeline("""
            pipeline: p
            defaults: {gpu_type: A100}
            steps:
              a: {notebook: a.ipynb, out: a.out,
                  resources: {gpus: 0.25, backend: slurm, queue: night}}
              b: {notebook: b.ipynb, out: b.out}
            """)
        run = here.pipelines.run("p", backend="ray")
        a, b = sorted(here.jobs.specs.values(), key=lambda spec: spec.labels["step"])
        assert (a.gpus, a.gpu_type, a.backend, a.queue) == (0.25, "A100", "slurm", "night")
        assert (b.gpus, b.gpu_type, b.backend, b.queue) == (0, "A100", "ray", None)
        assert run.backend == "ray"


def test_a_state_folder_outside_of_the_project_keeps_executed_notebooks_with_their_jobs(
    tmp_path: Path,
):
    with stage({"a": ()}) as here:
        (here.root / "mlinfra.toml").write_text(f'home = "{tmp_path / "state"}"')
        project = Project.open(here.root)
        assert Pipelines(project, here.jobs).run("p").state is RunState.SUCCEEDED
        project.database.close()
        assert [spec.output for spec in here.jobs.specs.values()] == [None]


def test_a_state_folder_that_cannot_be_written_is_explained_before_anything_starts():
    with stage({"a": ()}) as here:
        (here.project.home / "pipelines").write_text("a file where a folder belongs")
        with pytest.raises(Unavailable) as caught:
            here.pipelines.run("p")
        assert "pipelines cannot be made" in caught.value.what
        assert caught.value.fix
        assert here.jobs.specs == {}


def test_a_step_that_does_not_make_what_it_promised_fails():
    with stage({"a": (), "b": ("a",)}) as here:
        here.jobs.makes = lambda spec: []
        run = here.pipelines.run("p")
        assert [str(step.state) for step in run.steps] == ["failed", "skipped"]
        assert "did not make a.out" in run.steps[0].reason
        assert "Let a.ipynb write it there" in run.steps[0].reason


def test_at_most_so_many_steps_run_at_a_time(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MLINFRA_PIPELINES_MAX_PARALLEL", "2")
    with stage(dict.fromkeys("abcde", ())) as here:
        most = 0
        show = here.jobs.look

        def counting(job):
            nonlocal most
            running = [
                step
                for step in here.pipelines._store.runs("p", limit=1, cursor=None).items[0].steps
                if step.state is StepState.RUNNING
            ]
            most = max(most, len(running))
            return show(job)

        here.jobs.look = counting
        assert here.pipelines.run("p").state is RunState.SUCCEEDED
        assert most == 2


def test_every_move_is_an_event_in_order_and_each_made_step_has_its_lineage():
    with stage({"a": (), "b": ("a",)}) as here:
        run = here.pipelines.run("p")
        told = [
            (event.ref, event.data["state"])
            for event in here.project.events.after(0)
            if event.topic == "step"
        ]
        assert list(dict.fromkeys(told)) == [
            ("pipeline:p", "running"),
            *[("step:p/a", state) for state in ("running", "succeeded")],
            *[("step:p/b", state) for state in ("running", "succeeded")],
            ("pipeline:p", "succeeded"),
        ]
        assert {
            event.data["run"] for event in here.project.events.after(0) if event.topic == "step"
        } == {run.run}
        assert [(edge.input, edge.output, edge.job) for edge in here.project.lineage.edges()] == [
            ("a.out", "b.out", "step:p/b")
        ]
        here.pipelines.run("p")
        assert len(here.project.lineage.edges()) == 1, "a cached step makes nothing"


def test_a_step_claims_no_source_of_an_output_whose_own_sources_its_job_has_told():
    """One dataset is told of now, one was told of in an older snapshot only, a view was told of
    when it was defined; of a file nobody speaks.
    """
    with stage({"a": ()}) as here:
        for name in ("one.csv", "two.csv"):
            (here.root / name).write_text("")
        workshop = Workshop(here.root)
        outputs = "dataset:d.told, dataset:d.older, view:told, a.out"
        workshop.pipeline(
            "pipeline: p\nsteps:\n  a: {notebook: a.ipynb, in: [one.csv, two.csv], out:"
            f" [{outputs}]}}"
        )
        lineage = here.project.lineage
        lineage.record("features.apply", inputs=["dataset:d.told"], outputs=["view:told"])
        lineage.record("job:before", inputs=["file:one.csv"], outputs=["dataset:d.older@1"])
        lineage.record("job:now", inputs=["file:one.csv"], outputs=["dataset:d.told@7"])
        before = len(lineage.edges())
        pipelines = Pipelines(
            here.project,
            here.jobs,
            {"dataset": {"d.told": "7", "d.older": "2"}.get, "view": {"told": "c0ffee"}.get},
        )
        assert pipelines.run("p").state is RunState.SUCCEEDED
        found = [(edge.input, edge.output) for edge in lineage.edges()[before:]]
        assert sorted(found) == [
            (taken, made)
            for taken in ("one.csv", "two.csv")
            for made in ("a.out", "dataset:d.older")
        ]
        assert pipelines.run("p", force=True).state is RunState.SUCCEEDED
        assert {(edge.input, edge.output) for edge in lineage.edges()[before:]} == set(found)


def test_an_unreachable_database_is_waited_for_and_fails_no_step(monkeypatch: pytest.MonkeyPatch):
    with stage({"a": (), "b": ("a",)}) as here:
        show, left = here.jobs.look, 1

        def away(job):
            nonlocal left
            left -= 1
            if left >= 0:
                raise Unavailable("state.db is busy.")
            return show(job)

        here.jobs.look = away
        assert here.pipelines.run("p").state is RunState.SUCCEEDED
        assert len(here.jobs.specs) == 2


def test_an_interrupt_cancels_the_run_and_its_jobs():
    with stage({"a": (), "b": ("a",)}) as here:
        here.jobs.lasting = {"a"}

        def interrupt(step):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            here.pipelines.run("p", on_step=interrupt)
        run = here.pipelines.runs("p").items[0]
        assert run.state is RunState.CANCELLED
        assert "Interrupted" in run.reason
        assert len(here.jobs.cancelled) == 1


def test_a_job_that_somebody_cancels_ends_the_run_instead_of_starting_more():
    with stage({"a": (), "b": ("a",), "c": ()}) as here:
        here.jobs.lasting = {"a"}
        run = here.pipelines.run(
            "p",
            on_step=lambda step: here.jobs.cancelled.add(step.job) if step.name == "a" else None,
        )
        assert run.state is RunState.CANCELLED
        assert run.reason == "The job of step a was cancelled."
        assert [str(step.state) for step in run.steps if step.name == "b"] == ["cancelled"]


def test_cancel_ends_a_run_that_another_thread_drives():
    with stage({"a": (), "b": ("a",)}) as here:
        here.jobs.lasting = {"a"}
        ended: list = []
        begun = threading.Event()
        driver = threading.Thread(
            target=lambda: ended.append(here.pipelines.run("p", on_step=lambda step: begun.set()))
        )
        driver.start()
        assert begun.wait(10)
        run = here.pipelines.runs("p").items[0]
        with pytest.raises(Conflict) as caught:
            here.pipelines.run("p")
        assert run.run in caught.value.why + caught.value.fix
        cancelled = here.pipelines.cancel(run.run[:5])
        driver.join(10)
        assert cancelled.state is RunState.CANCELLED
        assert cancelled.reason.startswith("Cancelled by")
        assert ended[0].run == run.run
        assert len(here.jobs.cancelled) == 1
        with pytest.raises(Conflict, match="has ended"):
            here.pipelines.cancel(run.run)
        with pytest.raises(Conflict, match="has ended"):
            here.pipelines.resume(run.run)


def test_stop_cancels_what_is_under_way_even_without_a_driver():
    with stage({"a": ()}) as here:
        here.jobs.lasting, here.jobs.die_after = {"a"}, 1
        with pytest.raises(Killed):
            here.pipelines.run("p")
        assert [run.state for run in here.pipelines.stop()] == [RunState.CANCELLED]
        assert here.pipelines.stop() == ()


def full(*_, **__):
    raise Unavailable("The code snapshot was not written.", "The disk is full.", "Free some space.")


def test_cancelling_a_run_whose_step_has_no_job_yet_submits_nothing():
    with stage({"a": (), "b": ("a",)}) as here:
        here.jobs.submit = lambda spec: (_ for _ in ()).throw(Killed)  # before the job is accepted
        with pytest.raises(Killed):
            here.pipelines.run("p")
        here.jobs.submit = full
        assert [run.state for run in here.pipelines.stop()] == [RunState.CANCELLED]
        assert [step.job for step in here.pipelines.runs("p").items[0].steps] == [None, None]


def test_a_job_that_a_killed_driver_had_no_time_to_note_is_ended_with_its_run():
    with stage({"a": ()}) as here:
        here.jobs.lasting, here.jobs.die_after = {"a"}, 0
        with pytest.raises(Killed):
            here.pipelines.run("p")
        assert here.pipelines.runs("p").items[0].steps[0].job is None
        (job,) = here.jobs.specs
        here.jobs.submit = full
        (run,) = here.pipelines.stop()
        assert (run.state, run.steps[0].job, here.jobs.cancelled) == (
            RunState.CANCELLED,
            job,
            {job},
        )


def test_such_a_job_is_ended_too_when_the_cancellation_cannot_be_written_down(
    monkeypatch: pytest.MonkeyPatch,
):
    with stage({"a": ()}) as here:
        here.jobs.lasting, here.jobs.die_after = {"a"}, 0
        with pytest.raises(Killed):
            here.pipelines.run("p")
        monkeypatch.setattr(RunStore, "request_cancel", full)
        with pytest.raises(Unavailable, match="Its jobs are being ended"):
            here.pipelines.cancel(here.pipelines.runs("p").items[0].run)
        assert here.jobs.cancelled == {*here.jobs.specs}


def test_a_clone_of_a_job_is_no_job_of_the_run():
    with stage({"a": ()}) as here:
        here.jobs.lasting, here.jobs.die_after = {"a"}, 0
        with pytest.raises(Killed):
            here.pipelines.run("p")
        (job,) = here.jobs.specs
        here.jobs.specs = {"clone": replace(here.jobs.specs[job], key=None), **here.jobs.specs}
        here.pipelines.cancel(here.pipelines.runs("p").items[0].run)
        assert here.jobs.cancelled == {job}


def test_a_step_that_the_disk_has_no_room_for_is_waited_for_and_then_fails_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("jupyter_mlinfra.pipelines.engine._PATIENCE_SECONDS", 1.5)
    with stage({"a": (), "b": ("a",)}) as here:
        real, tries = here.jobs.submit, []
        here.jobs.submit = lambda spec: tries.append(spec) or full()
        run = here.pipelines.run("p")
        assert run.state is RunState.FAILED
        assert {step.name: str(step.state) for step in run.steps} == {"a": "failed", "b": "skipped"}
        assert "The disk is full." in run.steps[0].reason
        assert len(tries) > 1
        here.jobs.submit = real
        assert here.pipelines.run("p").state is RunState.SUCCEEDED


def test_a_job_that_was_accepted_in_spite_of_the_error_is_followed_and_not_taken_for_failed(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("jupyter_mlinfra.pipelines.engine._PATIENCE_SECONDS", 0.0)
    with stage({"a": ()}) as here:
        real = here.jobs.submit
        here.jobs.lasting = {"a"}
        here.jobs.submit = lambda spec: real(spec) and full()
        with pytest.raises(Unavailable):
            here.pipelines.run("p")
        here.jobs.submit, here.jobs.lasting = real, set()
        assert (
            here.pipelines.resume(here.pipelines.runs("p").items[0].run).state is RunState.SUCCEEDED
        )
        assert len(here.jobs.specs) == 1


def test_a_cancel_that_cannot_be_written_down_ends_the_jobs_and_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
):
    with stage({"a": ()}) as here:
        here.jobs.lasting, here.jobs.die_after = {"a"}, 1
        with pytest.raises(Killed):
            here.pipelines.run("p")
        with monkeypatch.context() as patch:
            patch.setattr("jupyter_mlinfra.pipelines.store.RunStore.request_cancel", full)
            with pytest.raises(Unavailable, match="is not cancelled") as caught:
                here.pipelines.stop()
        assert "cannot be written down" in caught.value.why
        assert here.jobs.cancelled == set(here.jobs.specs)
        assert [run.state for run in here.pipelines.stop()] == [RunState.CANCELLED]


def test_pages_of_runs_are_newest_first_and_whole():
    with stage({"a": ()}) as here:
        made = [here.pipelines.run("p").run for _ in range(6)]
        for wrong in ("-1", "x", "²", "9" * 30):
            with pytest.raises(BadRequest, match="not one of ours"):
                here.pipelines.runs("p", cursor=wrong)
        seen, cursor = [], None
        while True:
            page = here.pipelines.runs("p", limit=2, cursor=cursor)
            seen += [run.run for run in page.items]
            cursor = page.cursor
            assert page.total == 6
            if cursor is None:
                break
        assert seen == made[::-1]
        assert [str(state) for state in here.pipelines.list().items[0].last] == ["succeeded"] * 5
        shown = here.pipelines.show("p")
        assert ([run.run for run in shown.runs], shown.runs_total) == (made[:0:-1], 6)


def test_a_final_state_stays(tmp_path: Path):
    with stage({"a": ()}) as here:
        step = here.pipelines.run("p").steps[0]
        for to in StepState:
            with pytest.raises(Conflict):
                advance(step, to, at=step.ended_at)


def test_a_run_that_nobody_drives_says_so(monkeypatch: pytest.MonkeyPatch):
    with stage({"a": ()}) as here:
        here.jobs.die_after = 0
        with pytest.raises(Killed):
            here.pipelines.run("p")
        run = here.pipelines.runs("p").items[0]
        # The driver was another process, and is gone.
        with here.project.database.write() as connection:
            connection.execute("UPDATE pipeline_run SET driver = '[\"boot\", 1, 1]'")
        observed = here.pipelines.show_run(run.run)
        assert observed.state is RunState.RUNNING, "failing to observe is no failure"
        assert f"resume {run.run}" in observed.reason
        assert time.time() - observed.started_at.timestamp() < 60


def test_a_step_waits_while_its_job_does_and_takes_the_seconds_of_its_job(
    monkeypatch: pytest.MonkeyPatch,
):
    short, begun = (
        "Needs 1 CPU, none is free; held by job 1.",
        datetime(2026, 11, 25, 12, tzinfo=UTC),
    )
    with stage({"a": ()}) as theatre:
        free, show = threading.Event(), theatre.jobs.look
        told, seen = [], []

        def waits(job: str):
            found = show(job)
            if free.is_set():
                found.started_at, found.ended_at = begun, begun + timedelta(seconds=2.4)
            else:
                found.state, found.reason = JobState.QUEUED, short
            return found

        def watch(step):
            told.append((str(step.state), step.reason))
            if step.state is StepState.WAITING:
                (run,) = theatre.pipelines.runs("p").items
                seen.extend([run.steps[0], theatre.pipelines.show_run(run.run).steps[0]])
                free.set()

        monkeypatch.setattr(theatre.jobs, "look", waits)
        (step,) = theatre.pipelines.run("p", on_step=watch).steps
        assert told == [("waiting", short), ("running", "first run"), ("succeeded", "first run")]
        assert [(each.state, each.reason, each.started_at) for each in seen] == [
            (StepState.WAITING, short, None)
        ] * 2
        assert (step.started_at, step.ended_at) == (begun, begun + timedelta(seconds=2.4))
