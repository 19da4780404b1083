"""Backfills: counted first, one run a date, oldest first, some at once where that is safe, and gone
on with.
"""

from __future__ import annotations

import _thread
import itertools
import json
import threading
import time
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlinfra.core.errors import BadRequest, Conflict, Unavailable, Unprocessable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.records import now
from jupyter_mlinfra.pipelines import Pipelines, RunState
from jupyter_mlinfra.pipelines.backfill import DateRange
from jupyter_mlinfra.pipelines.launching import Launcher

from .made_up import Bench, bench

__all__ = ["bench"]

DATED = """
    pipeline: churn
    steps:
      fixed: {notebook: fixed.ipynb, out: "fixed-{{ date }}.csv"}
      daily: {notebook: daily.ipynb, params: {day: "{{ date }}"},
              in: "fixed-{{ date }}.csv", out: "daily/{{ date }}.csv"}
    """
SHARED = """
    pipeline: shared
    date_parameter: day
    steps:
      fixed: {notebook: fixed.ipynb, out: fixed.csv}
      daily: {notebook: daily.ipynb, params: {day: "{{ day }}"}, in: fixed.csv, out: daily.csv}
    """
WEEK = {"first": "2026-11-01", "last": "2026-11-03"}


@pytest.fixture
def churn(bench: Bench) -> Bench:
    bench.workshop.notebook("fixed", "1")
    bench.workshop.notebook("daily", "1", parameters="day = ''")
    bench.workshop.pipeline(DATED)
    bench.workshop.pipeline(SHARED, "shared.mlpipeline.yaml")
    bench.days: list[str] = []

    def outputs(spec):
        date = bench.pipelines.show_run(spec.labels["run"]).date
        if spec.labels["pipeline"] == "shared":
            return [f"{spec.labels['step']}.csv"]
        return [f"fixed-{date}.csv" if spec.labels["step"] == "fixed" else f"daily/{date}.csv"]

    bench.jobs.outputs = outputs
    return bench


def test_it_counts_and_then_runs_each_date_and_then_has_nothing_left_to_do(churn: Bench):
    plan = churn.pipelines.backfill("churn", **WEEK, dry_run=True)
    assert (plan.runs, plan.steps, plan.cached, plan.parameter, plan.id) == (3, 6, 0, "date", "")
    assert (churn.ran(), churn.pipelines.count_runs()) == ([], 0), "counting runs nothing"

    done = churn.pipelines.backfill("churn", **WEEK, parallel=1)
    assert [(item.date, item.state, item.done) for item in done.dates] == [
        (f"2026-11-0{day}", RunState.SUCCEEDED, True) for day in (1, 2, 3)
    ]
    runs = churn.pipelines.runs("churn").items[::-1]
    assert [run.date for run in runs] == ["2026-11-01", "2026-11-02", "2026-11-03"], "oldest first"
    assert {run.backfill for run in runs} == {done.id}
    assert (churn.root / "daily/2026-11-02.csv").read_text() == '["daily", {"day": "2026-11-02"}]'

    again = churn.pipelines.backfill("churn", **WEEK)
    assert (again.runs, [item.done for item in again.dates], churn.pipelines.count_runs()) == (
        0,
        [True] * 3,
        3,
    )
    more = churn.pipelines.backfill("churn", first="2026-11-02", last="2026-11-04", dry_run=True)
    assert [(item.date, item.done, item.steps) for item in more.dates] == [
        ("2026-11-02", True, 0),
        ("2026-11-03", True, 0),
        ("2026-11-04", False, 2),
    ]


def test_a_date_that_failed_or_whose_code_has_changed_is_run_again_and_only_what_it_needs(
    churn: Bench,
):
    churn.jobs.fails = {"daily"}
    failed = churn.pipelines.backfill("churn", **WEEK)
    assert {item.state for item in failed.dates} == {RunState.FAILED}, (
        "one that fails keeps none of the others from running"
    )
    churn.jobs.fails = set()
    churn.ran()
    plan = churn.pipelines.backfill("churn", **WEEK, dry_run=True)
    assert (plan.runs, plan.steps, plan.cached) == (3, 3, 3)
    churn.pipelines.backfill("churn", **WEEK)
    assert churn.ran() == ["daily"] * 3

    churn.workshop.notebook("daily", "2", parameters="day = ''")
    plan = churn.pipelines.backfill("churn", **WEEK, dry_run=True)
    assert (plan.runs, plan.steps, plan.cached) == (3, 3, 3)


def test_a_date_whose_own_output_is_gone_is_not_done_and_is_made_again(churn: Bench):
    churn.pipelines.backfill("churn", **WEEK)
    churn.ran()
    (churn.root / "daily/2026-11-01.csv").unlink()
    (churn.root / "fixed-2026-11-03.csv").write_text("spoiled")
    plan = churn.pipelines.backfill("churn", **WEEK, dry_run=True)
    assert [(item.done, item.steps) for item in plan.dates] == [(False, 1), (True, 0), (False, 2)]
    churn.pipelines.backfill("churn", **WEEK, parallel=1)
    assert churn.ran() == ["daily", "fixed"], "what comes of the same bytes is still good"
    assert churn.pipelines.backfill("churn", **WEEK, dry_run=True).runs == 0


def test_a_step_with_an_output_of_its_date_counts_though_another_step_makes_a_shared_one(
    churn: Bench,
):
    churn.workshop.pipeline(
        SHARED.replace("out: daily.csv", 'out: "daily-{{ day }}.csv"'), "shared.mlpipeline.yaml"
    )
    churn.jobs.outputs = lambda spec: [
        "fixed.csv" if spec.labels["step"] == "fixed" else f"daily-{spec.parameters['day']}.csv"
    ]
    churn.pipelines.backfill("shared", **WEEK)
    (churn.root / "daily-2026-11-02.csv").unlink()
    (churn.root / "fixed.csv").write_text("of another one")
    plan = churn.pipelines.backfill("shared", **WEEK, dry_run=True)
    assert [item.done for item in plan.dates] == [True, False, True]


def test_a_date_that_was_repaired_is_done_unless_what_was_kept_is_of_other_code(churn: Bench):
    churn.jobs.fails = {"daily"}
    churn.pipelines.backfill("churn", **WEEK, parallel=1)
    churn.jobs.fails = set()
    first, second, _ = churn.pipelines.runs("churn").items[::-1]
    churn.pipelines.repair(first.run)
    churn.workshop.notebook("fixed", "2")
    churn.pipelines.repair(second.run)
    churn.workshop.notebook("fixed", "1")
    plan = churn.pipelines.backfill("churn", **WEEK, dry_run=True)
    assert [(item.done, item.state) for item in plan.dates] == [
        (True, "succeeded"),
        (False, "succeeded"),
        (False, "failed"),
    ]


def test_each_date_keeps_its_own_result(churn: Bench):
    churn.pipelines.backfill("churn", **WEEK)
    churn.ran()
    for day in ("2026-11-03", "2026-11-01", "2026-11-02"):
        churn.pipelines.run("churn", parameters={"date": day})
    assert churn.ran() == [], "going from one date to another runs nothing again"


@pytest.mark.parametrize("model", ["m", "m-{{ lot }}"])
def test_a_date_whose_model_another_date_has_made_anew_is_run_again(
    churn: Bench, project, model: str
):
    """One output is named by the date, the other is shared: what evaluates a date must not find the
    model of another one.
    """
    made: dict[str, str] = {}
    submit = churn.jobs.submit

    def submitted(spec):
        if spec.labels["step"] == "train":
            made.update(dict.fromkeys(("m", "m-7"), spec.parameters["day"]))
        else:
            assert made["m"] == churn.pipelines.show_run(spec.labels["run"]).date
        return submit(spec)

    churn.jobs.submit = submitted
    churn.jobs.outputs = lambda spec: [
        f"{spec.labels['step']}-{churn.pipelines.show_run(spec.labels['run']).date}.txt"
    ]
    churn.workshop.notebook("train", "1", parameters="day = ''")
    churn.workshop.notebook("ev", "1")
    churn.workshop.pipeline(
        f"""
        pipeline: shared
        parameters: {{lot: 7}}
        steps:
          train: {{notebook: train.ipynb, params: {{day: "{{{{ date }}}}"}},
                   out: ["train-{{{{ date }}}}.txt", "model:{model}"]}}
          ev: {{notebook: ev.ipynb, in: "model:{model}", out: "ev-{{{{ date }}}}.txt"}}
        """,
        "shared.mlpipeline.yaml",
    )
    pipelines = Pipelines(project, churn.jobs, {"model": made.get})
    for day in ("2026-11-01", "2026-11-02", "2026-11-01"):
        assert pipelines.run("shared", parameters={"date": day}).state is RunState.SUCCEEDED
        (churn.root / f"ev-{day}.txt").unlink()
    assert churn.ran() == ["train", "ev"] * 3


def test_dates_that_write_the_same_things_go_one_after_the_other_and_say_why(churn: Bench):
    plan = churn.pipelines.backfill("shared", **WEEK, dry_run=True)
    assert (plan.parallel, plan.parameter) == (1, "day")
    assert "each of them makes fixed.csv" in plan.note
    assert (plan.runs, plan.steps, plan.cached) == (
        3,
        4,
        2,
    ), "the first date makes what does not depend on it, the others take that"
    churn.pipelines.backfill("shared", **WEEK)
    assert churn.ran() == ["fixed", "daily", "daily", "daily"]
    again = churn.pipelines.backfill("shared", **WEEK, dry_run=True)
    assert again.runs == 0, "a later date has written over its file, and it is done all the same"


def test_dates_that_write_different_things_go_on_at_once_but_no_more_than_said(
    churn: Bench, monkeypatch: pytest.MonkeyPatch
):
    together, most, lock = [0], [0], threading.Lock()
    both = threading.Barrier(2, timeout=30)
    submit = churn.jobs.submit

    def counted(spec):
        with lock:
            together[0] += 1
            most[0] = max(most[0], together[0])
        if spec.labels["step"] == "fixed":
            both.wait()
        try:
            return submit(spec)
        finally:
            with lock:
                together[0] -= 1

    monkeypatch.setattr(churn.jobs, "submit", counted)
    done = churn.pipelines.backfill("churn", first="2026-11-01", last="2026-11-04", parallel=2)
    assert done.parallel == 2
    assert [run.date[-1] for run in churn.pipelines.runs("churn").items] == [
        "4",
        "3",
        "2",
        "1",
    ], "oldest first"
    assert {item.state for item in done.dates} == {RunState.SUCCEEDED}
    assert most[0] == 2


def test_an_interrupt_ends_what_is_under_way_and_the_rest_is_left(churn: Bench):
    def told(run):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        churn.pipelines.backfill("churn", **WEEK, parallel=1, on_run=told)
    assert churn.pipelines.count_runs() == 1
    assert churn.pipelines.backfill("churn", **WEEK, dry_run=True).runs == 2


STATED = json.dumps({"backfill": "of_before", "of_a_newer_version": 1})


@pytest.mark.parametrize(
    ("column", "value"), [("definition", "{}"), ("plan", STATED), ("parameters", "{")]
)
def test_its_runs_that_cannot_be_read_and_lost_their_driver_are_ended_with_their_jobs(
    churn: Bench, project: Project, column: str, value: str
):
    done = churn.pipelines.backfill("churn", **WEEK, parallel=2, id="of_before")
    (bad, other) = (item.run for item in done.dates[:2])
    lose(project, bad, **{column: value})
    lose(project, other, plan=STATED.replace("of_before", "of_others"))
    churn.pipelines._stopper.cancel_backfill(done)
    assert churn.pipelines.show_run(bad).state is RunState.CANCELLED
    assert churn.pipelines.show_run(other).state is RunState.RUNNING
    specs = churn.jobs.specs.items()
    assert churn.jobs.cancelled == {job for job, spec in specs if spec.labels["run"] == bad}


def test_a_run_of_which_it_is_not_known_whether_it_is_part_of_it_is_named(
    churn: Bench, project: Project
):
    done = churn.pipelines.backfill("churn", **WEEK, parallel=2, id="of_before")
    (bad, other, _) = (item.run for item in done.dates)
    for run in (bad, other):
        lose(project, run, plan="{")
    done = replace(done, dates=done.dates[:1])  # the other is of no date of it
    with pytest.raises(Conflict, match=f"Run {bad} is not cancelled. It may be part of") as caught:
        churn.pipelines._stopper.cancel_backfill(done)
    assert f"mlinfra pipelines cancel {bad}" in str(caught.value)
    assert churn.jobs.cancelled == set()


def test_an_interrupt_of_dates_side_by_side_ends_them_and_names_what_it_could_not_end(
    churn: Bench, project: Project
):
    """One that became unreadable while it runs is ended by its driver, as the others are."""
    churn.jobs.lasting = {"daily"}
    submit, started, number = churn.jobs.submit, [], itertools.count(1)

    def stop():
        """As the note says; on a busy machine the interrupt is late."""
        end = time.monotonic() + 30
        while not churn.jobs.cancelled and time.monotonic() < end:
            time.sleep(0.05)
        time.sleep(1)
        churn.pipelines.stop()

    def submitted(spec):
        job = submit(spec)
        if spec.labels["step"] != "daily":
            return job
        started.append(spec.labels["run"])
        if next(number) == 2:
            spoil(project, started[0], definition="{}")
            spoil(project, started[1], plan="{")
            # As one that comes while the main thread begins to wait: it does not wake it.
            _thread.interrupt_main()
            threading.Thread(target=stop, daemon=True).start()
        return job

    churn.jobs.submit = submitted
    with pytest.raises(KeyboardInterrupt) as caught:
        churn.pipelines.backfill("churn", first="2026-11-01", last="2026-11-02", parallel=2)
    (note,) = caught.value.__notes__
    assert note.startswith(f"Run {started[1]} is not cancelled.")
    assert {run.state for run in churn.pipelines.runs("churn").items} == {RunState.CANCELLED}
    assert len(churn.jobs.cancelled) == 2


def test_an_interrupt_ends_a_run_that_became_unreadable(churn: Bench, project: Project):
    def look(job):
        spoil(project, churn.jobs.specs[job].labels["run"], definition="{}")
        raise KeyboardInterrupt

    churn.jobs.look = look
    with pytest.raises(KeyboardInterrupt):
        churn.pipelines.run("churn", parameters={"date": "2026-11-01"})
    (run,) = churn.pipelines.runs("churn").items
    assert run.state is RunState.CANCELLED
    assert churn.jobs.cancelled == {*churn.jobs.specs}


def spoil(project: Project, run: str, **columns: str) -> None:
    """Store in the run's row what cannot be read."""
    marks = ", ".join(f"{name} = ?" for name in columns)
    with project.database.write() as connection:
        connection.execute(
            f"UPDATE pipeline_run SET {marks} WHERE run = ?", [*columns.values(), run]
        )


def lose(project: Project, run: str, **columns: str) -> None:
    """As `spoil`, of one that goes on without a driver."""
    spoil(project, run, state="running", driven_at="0", **columns)
    with project.database.write() as connection:
        connection.execute(
            "UPDATE pipeline_step SET state = 'running' WHERE run = (SELECT number FROM"
            " pipeline_run WHERE run = ?)",
            [run],
        )


def test_cancelling_one_of_its_runs_ends_it(churn: Bench):
    """`mlinfra down` cancels what is under way: no further date may begin after that."""
    churn.jobs.lasting = {"daily"}
    submit, stopper = churn.jobs.submit, []

    def submitted(spec):
        job = submit(spec)
        if spec.labels["step"] == "daily":
            stopper.append(threading.Thread(target=churn.pipelines.stop))
            stopper[-1].start()
        return job

    churn.jobs.submit = submitted
    done = churn.pipelines.backfill("churn", **WEEK, parallel=1)
    stopper[0].join(30)
    assert [str(item.state) for item in done.dates] == ["cancelled", "", ""]
    assert churn.pipelines.count_runs() == 1


def test_a_date_that_cannot_begin_does_not_keep_the_others(
    churn: Bench, monkeypatch: pytest.MonkeyPatch
):
    launch = churn.pipelines._launcher.launch

    def refuses(definition, bound, values, *rest, **options):
        if values["date"] == "2026-11-02":
            raise Unprocessable("No.", "Just so.", "Later.")
        return launch(definition, bound, values, *rest, **options)

    monkeypatch.setattr(churn.pipelines._launcher, "launch", refuses)
    with pytest.raises(Unavailable, match=r"No\. Just so\."):
        churn.pipelines.backfill("churn", **WEEK)
    assert sorted(run.date for run in churn.pipelines.runs("churn").items) == [
        "2026-11-01",
        "2026-11-03",
    ]


def test_whoever_begins_a_dated_run_reads_no_input_and_its_driver_notes_what_it_is_made_of(
    churn: Bench, monkeypatch: pytest.MonkeyPatch
):
    churn.workshop.pipeline(DATED.replace("fixed.ipynb,", "fixed.ipynb, in: large.bin,"))
    (churn.root / "large.bin").write_bytes(b"1")
    started: list[str] = []
    monkeypatch.setattr(Launcher, "spawn", lambda _, words, **__: started.extend(words))
    with monkeypatch.context() as patch:
        patch.setattr(
            "jupyter_mlinfra.pipelines.contents.file_digest", lambda *_: pytest.fail("it was read")
        )
        churn.pipelines.run("churn", parameters={"date": "2026-11-01"}, wait=False)
    one = {"first": "2026-11-01", "last": "2026-11-01", "dry_run": True}
    assert not churn.pipelines.backfill("churn", **one).dates[0].done
    assert churn.pipelines.drive(started[0]).state is RunState.SUCCEEDED
    assert churn.pipelines.backfill("churn", **one).dates[0].done
    (churn.root / "large.bin").write_bytes(b"2")
    assert not churn.pipelines.backfill("churn", **one).dates[0].done


def test_an_input_that_may_not_be_read_is_told_before_a_run(
    churn: Bench, monkeypatch: pytest.MonkeyPatch
):
    churn.workshop.pipeline(DATED.replace("fixed.ipynb,", "fixed.ipynb, in: large.bin,"))
    with pytest.raises(Unprocessable, match=r"fixed takes large.bin, which does not exist"):
        churn.pipelines.run("churn")
    (churn.root / "large.bin").write_bytes(b"1")
    # Root may read all.
    monkeypatch.setattr("os.access", lambda path, _: not str(path).endswith("large.bin"))
    with pytest.raises(Unprocessable, match=r"large.bin cannot be read\. Permission denied"):
        churn.pipelines.run("churn")


def test_a_pipeline_without_a_date_says_how_to_have_one(churn: Bench):
    churn.workshop.pipeline(
        "pipeline: plain\nsteps: {fixed: {notebook: fixed.ipynb, out: x.csv}}",
        "plain.mlpipeline.yaml",
    )
    with pytest.raises(Unprocessable, match=r"depends on no date.*\{\{ date \}\}"):
        churn.pipelines.backfill("plain", **WEEK)


def test_a_run_without_a_date_is_of_today_in_utc(churn: Bench):
    before = now().date()
    run = churn.pipelines.run("churn")
    assert run.date in {before.isoformat(), now().date().isoformat()}
    assert run.parameters == {"date": run.date}


@pytest.mark.parametrize(
    ("first", "last", "every", "expected"),
    [
        (
            "2026-01-30",
            "2026-02-02",
            "day",
            ["2026-01-30", "2026-01-31", "2026-02-01", "2026-02-02"],
        ),
        ("2026-01-01", "2026-01-20", "week", ["2026-01-01", "2026-01-08", "2026-01-15"]),
        (
            "2026-01-31",
            "2026-04-30",
            "month",
            ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"],
        ),
        ("2026-01-01", "2026-01-01", "month", ["2026-01-01"]),
    ],
)
def test_the_dates_of_a_range(first: str, last: str, every: str, expected: list[str]):
    assert DateRange(first=first, last=last, every=every).dates() == expected


@given(st.dates(max_value=date(9999, 12, 1)), st.integers(0, 900))
def test_every_day_between_is_there_once(first: date, count: int):
    last = min(
        date.max - timedelta(days=1),
        first + timedelta(days=min(count, (date.max - first).days - 1)),
    )
    found = DateRange(first=first.isoformat(), last=last.isoformat(), every="day").dates()
    assert [date.fromisoformat(day).toordinal() for day in found] == list(
        range(first.toordinal(), last.toordinal() + 1)
    )


@pytest.mark.parametrize(
    ("first", "last", "every"),
    [
        ("yesterday", "2026-01-01", "day"),
        ("2026-01-02", "2026-01-01", "day"),
        ("1900-01-01", "2026-01-01", "day"),
        ("2026-01-01", "2026-01-02", "hour"),
    ],
)
def test_a_range_that_is_none_is_refused(first: str, last: str, every: str):
    with pytest.raises(BadRequest):
        DateRange(first=first, last=last, every=every).dates()
