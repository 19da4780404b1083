"""How records show themselves: every one of them, escaped, in text and HTML, small enough to be
saved.
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from jupyter_mlinfra.catalog.care.spec import CarePlan
from jupyter_mlinfra.core.display import MIME, with_state_words
from jupyter_mlinfra.core.errors import BadRequest, NotFound
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.records import Number, Page, page_of
from jupyter_mlinfra.faces import cards, rows
from jupyter_mlinfra.faces.cards import card_of
from jupyter_mlinfra.faces.rows import load_faces, records, rows_of
from jupyter_mlinfra.faces.words import assigned, counted, number, plain, share, size, span, state
from jupyter_mlinfra.jobs import JobSpec
from jupyter_mlinfra.server.openapi import _records
from jupyter_mlinfra.widgets.fault import ErrorCard
from jupyter_mlinfra.widgets.known import card_in
from jupyter_mlinfra.widgets.reprs import LARGEST, Facts, Records, bundle, register
from jupyter_mlinfra.workbench import Workbench
from tests.conftest import REPOSITORY
from tests.server.noted import made_up

SHOWN = sorted({name for names in records().values() for name in names} - {"Page"})
HOSTILE = "<script>alert(1)</script>\u202e\n\x1b[31m"


def hostile(record: Any) -> Any:
    """The record with a script in every text."""
    for name in record.__dataclass_fields__:
        value = getattr(record, name)
        if isinstance(value, str) and type(value) is str:
            object.__setattr__(record, name, HOSTILE)
        elif isinstance(value, dict):
            item = next(iter(value.values()), "")
            # What a user's words lead to, such as counts.
            inner = dict.fromkeys([HOSTILE], *item.values()) if isinstance(item, dict) else HOSTILE
            values = {HOSTILE: hostile(item) if hasattr(item, "__dataclass_fields__") else inner}
            object.__setattr__(record, name, values)
        elif isinstance(value, Number):
            object.__setattr__(record, name, Number(value=HOSTILE))
        elif isinstance(value, list):
            for item in value:
                if hasattr(item, "__dataclass_fields__"):
                    hostile(item)
        elif hasattr(value, "__dataclass_fields__"):
            hostile(value)
    return record


def test_a_restored_dataset_is_said_to_be_back_and_not_to_be_kept_until_a_day() -> None:
    text = _text("Trashed", name="shop.orders", rows=7)
    assert text.startswith("shop.orders is restored")
    assert "kept until" not in text


def test_the_day_on_which_a_dataset_was_last_read_has_no_time_of_day() -> None:
    assert (
        _fact("last read", _text("Care", read_at=datetime(2026, 5, 1, tzinfo=UTC))) == "2026-05-01"
    )
    assert "last read" not in _text("Care", read_at=None)


def test_a_fact_with_nothing_in_it_is_left_out_and_notes_are_sentences() -> None:
    assert "changed since" not in _text("Rebuilt", changed=[])
    note = "429 rows of other entities are left out."
    text = _text("Explained", note=note, total=71, shown=3)
    assert f"{note} 68 more rows are further away in time." in text


def _text(record: str, **values: Any) -> str:
    """What a record of that name shows as text."""
    return str(bundle(replace(made_up(_records()[record]), **values))["text/plain"]).strip()


def _fact(name: str, text: str) -> str:
    return next(part for part in re.split(r" · |\n", text) if part.startswith(name))[
        len(name) + 1 :
    ]


@pytest.mark.parametrize("name", SHOWN)
def test_a_record_shows_itself_without_script(name: str) -> None:
    record = made_up(_records()[name])
    found = bundle(record)
    assert set(found) == {MIME, "text/html", "text/plain"}
    assert found["text/plain"].strip()
    assert "object at 0x" not in found["text/plain"]
    page = Page(items=[record], shown=1, total=7, cursor="1")
    assert "1 of 7" in bundle(page)["text/plain"]
    if name not in ("FeatureDrift", "Edge"):
        html = bundle(hostile(record))["text/html"]
        assert "<script" not in html.lower()
        assert set(re.findall(r"<(\w+)", html)) <= {
            "div",
            "b",
            "code",
            "table",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
        }


@pytest.mark.parametrize("name", ["FeatureDrift", "Edge"])
def test_these_too(name: str) -> None:
    record = made_up(_records()[name])
    object.__setattr__(record, "feature" if name == "FeatureDrift" else "input", HOSTILE)
    assert "<script" not in bundle(record)["text/html"].lower()


def test_every_record_that_is_declared_has_a_row_or_a_card_and_no_other_has() -> None:
    declared = {
        getattr(import_module(module), name)
        for module, names in records().items()
        for name in names
    }
    for kind in declared:
        load_faces(kind)
    assert declared == {*rows._forms, *cards._makers}


def test_a_shell_shows_records_pages_lists_and_facts_as_cards() -> None:
    InteractiveShell.clear_instance()
    shell = InteractiveShell()
    register(shell)
    job = made_up(_records()["Job"])
    for value in (job, Page(items=[job], shown=1, total=1), Records([job]), Facts({"jobs": 3})):
        data, _ = shell.display_formatter.format(value)
        assert MIME in data, value
        assert "<div>" in data["text/html"]
    data, _ = shell.display_formatter.format(Facts({"jobs": 3}))
    assert data["text/plain"].splitlines()[1] == "jobs 3"


def test_a_large_record_is_saved_without_its_body() -> None:
    comparison = made_up(_records()["Comparison"])
    object.__setattr__(comparison, "curves", [made_up(_records()["Curve"])] * 2000)
    found = bundle(comparison)
    assert found[MIME]["record"] is None
    assert len(json.dumps(found)) < LARGEST


def test_a_job_keeps_what_its_live_card_needs() -> None:
    found = bundle(made_up(_records()["Job"]))[MIME]
    assert (found["kind"], found["record"]["id"], found["record"]["state"]) == ("x", "x", "queued")


def test_runs_with_different_metrics_make_one_table() -> None:
    first, second = made_up(_records()["Run"]), made_up(_records()["Run"])
    object.__setattr__(first, "metrics", {"auc": 0.5})
    object.__setattr__(second, "metrics", {"loss": 1.25})
    rows = rows_of([first, second])
    assert [row["auc"] for row in rows] == ["0.5", "–"]
    assert [row["loss"] for row in rows] == ["–", "1.25"]


def runs(*metrics: dict[str, float]) -> list[Any]:
    found = []
    for each in metrics:
        found.append(made_up(_records()["Run"]))
        object.__setattr__(found[-1], "metrics", each)
    return found


def test_a_list_of_runs_shows_the_metrics_that_matter_and_counts_the_others() -> None:
    """No metric that a run has reads as missing because another run has other ones before it in the
    alphabet.
    """
    common = {"loss": 0.1, "zeta": 0.2}
    items = runs(
        {**common, "a1": 1, "a2": 1, "test_auc": 0.7, "test_saved": 9.0},
        {**common, "b1": 1, "b2": 1, "test_auc": 0.8},
    )
    card = card_of(Page(items=items, shown=2, total=2), first="test_auc")
    assert card is not None
    shown = [
        name for name in card.rows[0] if name in {key for item in items for key in item.metrics}
    ]
    assert shown == ["test_auc", "test_saved", "loss", "zeta", "a1"]
    assert [row["test_auc"] for row in card.rows] == ["0.7", "0.8"]
    assert card.note == "3 more metrics: a2, b1, b2"
    card = card_of(items)
    assert card is not None
    assert list(card.rows[0])[3:8] == ["loss", "test_auc", "zeta", "a1", "a2"]


def test_the_card_of_a_monitor_says_of_how_many_features_it_shows_those_that_moved_most() -> None:
    status, drift = made_up(_records()["MonitorStatus"]), made_up(_records()["FeatureDrift"])
    for name, value in {
        "drift": [drift] * 500,
        "features": 1234,
    }.items():  # a status carries 500 of them at most
        object.__setattr__(status, name, value)
    card = card_of(status)
    assert card is not None
    assert (len(card.rows), card.note) == (20, "20 of 1,234 features, those that moved most")
    object.__setattr__(status, "drift", [drift] * 3)
    object.__setattr__(status, "features", 3)
    card = card_of(status)
    assert card is not None
    assert card.note == ""


def test_one_version_shows_all_of_its_metrics() -> None:
    version = made_up(_records()["Version"])
    object.__setattr__(version, "metrics", {f"m{number}": 0.5 for number in range(9)})
    card = card_of(version)
    assert card is not None
    assert [row["metric"] for row in card.rows] == [f"m{number}" for number in range(9)]


def test_the_metric_of_the_project_comes_first_and_jobs_have_their_names(project: Project) -> None:
    (project.root / "mlinfra.toml").write_text('[project.targets]\nmetric = "zeta"\n')
    workbench = Workbench.open(project.root)
    card = card_in(workbench, runs({"a": 1, "b": 1, "c": 1, "d": 1, "e": 1, "zeta": 2}))
    assert card is not None
    assert list(card.rows[0])[3] == "zeta"
    job = workbench.jobs.submit(JobSpec(command=("true",), name="flights/train"))
    workbench.jobs.stop(cancel_running=True)
    feature = made_up(_records()["Feature"])
    object.__setattr__(feature, "used_by", [f"job:{job.id}", "job:00000000", "run:00000000"])
    card = card_in(workbench, feature)
    assert card is not None
    assert card.facts["used by"] == f"flights/train (job {job.id}), job:00000000 +1"
    workbench.project.database.close()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.9996, "> 99.9 %"),
        (1.0, "100.0 %"),
        (0.999, "99.9 %"),
        (0.0004, "< 0.1 %"),
        (0.0, "0.0 %"),
    ],
)
def test_a_share_that_is_not_all_and_not_nothing_is_not_written_as_such(
    value: float, text: str
) -> None:
    assert share(Number(value=value)) == text


def test_values_of_data_have_no_commas_and_figures_about_them_do() -> None:
    block = made_up(_records()["RowBlock"])
    object.__setattr__(block, "data", [[2013]])
    object.__setattr__(block, "total", 12345)
    card = card_of(block)
    assert card is not None
    assert list(card.rows[0].values()) == ["2013"]
    assert "12,345" in card.note
    object.__setattr__(block, "data", [[-2361.25]])
    card = card_of(block)
    assert card is not None
    assert list(card.rows[0].values()) == ["−2361.25"], "a price keeps its cents"
    profile = made_up(_records()["ColumnProfile"])
    object.__setattr__(profile, "max", 2013)
    object.__setattr__(profile, "distinct", 2013)
    card = card_of(profile)
    assert card is not None
    assert (card.facts["max"], card.facts["distinct"]) == ("2013", "2,013")


def test_states_are_the_words_of_the_panels() -> None:
    """`labextension/src/components/state.tsx` has them."""
    source = (REPOSITORY / "labextension/src/components/state.tsx").read_text()
    words = dict(
        re.findall(r"^  (\w+): look\('\w+', '\w+', trans => trans\.__\('([^']+)'\)\)", source, re.M)
    )
    assert len(words) > 20
    for name, word in words.items():
        if name not in ("overlap", "refused", "passed"):  # looks, and a test: no state is named so
            assert state(name) == word


def test_states_of_elements_and_of_due_times_are_shown_by_their_names() -> None:
    job, firing = (made_up(_records()[name]) for name in ("Job", "Firing"))
    object.__setattr__(job.array, "states", {"queued": 1200, "failed": 0, "succeeded": 3})
    card = card_of(job)
    assert card is not None
    assert card.facts["elements"] == "1,200 queued, 3 succeeded"
    object.__setattr__(firing, "state", "skipped")
    assert with_state_words(rows_of([firing])[0])["state"] == "skipped"
    assert with_state_words(rows_of([replace(firing, state="failed")])[0])["state"] == "failed"


@pytest.mark.parametrize(
    ("count", "noun", "text"),
    [
        (1, "run", "1 run"),
        (2, "run", "2 runs"),
        (0, "entity", "0 entities"),
        (3, "audit entry", "3 audit entries"),
        (3, "key", "3 keys"),
        (2, "address", "2 addresses"),
        (1, "entity", "1 entity"),
        (1234, "job", "1,234 jobs"),
    ],
)
def test_one_is_no_several(count: int, noun: str, text: str) -> None:
    assert counted(count, noun) == text


@pytest.mark.parametrize(
    ("kind", "title"),
    [
        ("AlertChange", "2 changes"),
        ("AlertSilence", "2 silences"),
        ("AuditEntry", "2 entries"),
        ("Delivery", "2 deliveries"),
        ("Difference", "2 differences"),
        ("Episode", "2 episodes"),
        ("Point", "2 points"),
        ("QueuedJob", "2 jobs"),
        ("ResourcePoint", "2 points"),
        ("RuleBacktest", "2 rules"),
    ],
)
def test_a_list_is_called_after_what_it_is_of_and_not_after_its_first_column(
    kind: str, title: str
) -> None:
    item = made_up(_records()[kind])
    for listed in ([item, item], page_of([item, item], limit=5)):
        card = card_of(listed)
        assert card is not None
        assert card.title == title


def test_times_of_two_zones_in_a_row_say_their_offsets(monkeypatch: pytest.MonkeyPatch) -> None:
    firing = replace(
        made_up(_records()["Firing"]),
        due="2026-11-25T22:55:00+01:00",
        due_at=datetime(2026, 11, 25, 21, 55, tzinfo=UTC),
        started_at=datetime(2026, 11, 25, 21, 56, tzinfo=UTC),
    )
    shown = {}
    for zone in ("UTC", "Europe/Paris"):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        (row,) = rows_of([firing])
        shown[zone] = (row["due"], row["started"])
    monkeypatch.undo()
    time.tzset()
    assert shown == {
        "UTC": ("2026-11-25 22:55 +01:00", "2026-11-25 21:56 +00:00"),
        "Europe/Paris": ("2026-11-25 22:55", "2026-11-25 22:56"),
    }


def test_attempts_of_one_minute_are_told_apart() -> None:
    record = made_up(_records()["AttemptRecord"])
    began = [datetime(2026, 11, 25, 21, 55, second, tzinfo=UTC) for second in (3, 41)]
    rows = rows_of([replace(record, began_at=at, ended_at=at) for at in began])
    assert (
        [row["began"][-3:] for row in rows] == [row["ended"][-3:] for row in rows] == [":03", ":41"]
    )


def test_a_part_of_a_list_says_once_how_much_it_is() -> None:
    jobs = [made_up(_records()["Job"]) for _ in range(2)]
    text = bundle(Page(items=jobs, shown=2, total=55, cursor="2"))["text/plain"]
    assert text.splitlines()[0].strip() == "2 of 55 jobs; more with cursor 2"


def test_words_in_backticks_are_code_in_the_card_of_an_error_and_nothing_else_is() -> None:
    card = ErrorCard(
        BadRequest("`a<b>` is none.", "One ` alone.", "Use `x` or `y`.")
    )._repr_mimebundle_()
    assert "<code>a&lt;b&gt;</code> is none." in card["text/html"]
    assert "One ` alone." in card["text/html"]
    assert "Use <code>x</code> or <code>y</code>." in card["text/html"]
    assert "`x`" in card["text/plain"]


def test_an_ingest_counts_what_it_left_out_in_its_title_and_says_the_rest_in_a_fact() -> None:
    report = replace(
        made_up(_records()["IngestReport"]),
        dataset="shop.orders",
        quarantined=3,
        skipped=["a.csv"],
        summary="Nothing was written: a.csv is already in it.",
    )
    card, clean = card_of(report), card_of(replace(report, quarantined=0, skipped=[]))
    assert card is not None
    assert clean is not None
    assert card.title == "shop.orders: 3 rows in quarantine, 1 file skipped"
    assert card.facts["left out"] == report.summary
    assert (clean.title, "left out" in clean.facts) == ("shop.orders", False)
    nothing = card_of(replace(report, quarantined=0, skipped=[], rows_written=0))
    assert nothing is not None
    assert nothing.facts["left out"] == report.summary  # of a table of a database, say


def test_a_plan_that_has_nothing_to_do_says_so_and_asks_for_no_yes() -> None:
    plan = CarePlan(dataset="shop.orders", files_before=1, files_after=1, bytes=0)
    idle, due = card_of(plan), card_of(replace(plan, files_before=9, bytes=7))
    assert idle is not None
    assert due is not None
    assert (idle.title, idle.note) == ("shop.orders: nothing to do", "")
    assert (due.title, due.note) == ("shop.orders: what would be done", "With --yes it is done.")


@pytest.mark.parametrize(
    ("fix", "told"),
    [
        ("mlinfra jobs list", "%mlinfra jobs list"),
        (
            "`mlinfra up` starts it; then mlinfra down.",
            "`%mlinfra up` starts it; then %mlinfra down.",
        ),
        ("%mlinfra jobs list", "%mlinfra jobs list"),
        ("pip install jupyter-mlinfra and edit mlinfra.toml", None),
    ],
)
def test_the_fix_in_a_cell_is_a_command_that_a_cell_has(fix: str, told: str | None) -> None:
    card = ErrorCard(NotFound("There is no job 7f3a.", fix=fix))._repr_mimebundle_()
    assert f"fix {told or fix}" in card["text/plain"]


def test_what_has_changed_is_not_told_twice() -> None:
    step = replace(made_up(_records()["Explanation"]), changed=("first run",), detail="first run")
    card, other = card_of(step), card_of(replace(step, detail="params: depth 4 → 6"))
    assert card is not None
    assert other is not None
    assert (card.note, other.note) == ("", "params: depth 4 → 6")


def test_a_schedule_says_with_what_its_job_starts_and_what_that_needs() -> None:
    schedule = made_up(_records()["Schedule"])
    object.__setattr__(
        schedule,
        "job",
        {
            "notebook": "report.ipynb",
            "parameters": {"depth": 6},
            "gpus": 1,
            "memory_gib": 4.5,
            "queue": None,
        },
    )
    object.__setattr__(schedule, "parameters", {"day": "{{ date }}"})
    card = card_of(schedule)
    assert card is not None
    assert (card.facts["parameters"], card.facts["needs"]) == (
        "depth=6, day={{ date }}",
        "gpus=1, memory_gib=4.5",
    )
    assert rows_of([schedule])[0]["needs"] == "gpus=1, memory_gib=4.5"
    object.__setattr__(schedule, "job", None)
    assert rows_of([schedule])[0]["needs"] == "–"


def test_rows_of_a_prediction_count_from_one_as_errors_do() -> None:
    card = card_of(made_up(_records()["Prediction"]))
    assert card is not None
    assert card.rows[0]["row"] == "1"


def test_an_empty_page_says_so_and_other_values_have_no_card() -> None:
    card = card_of(Page(items=[], shown=0, total=0))
    assert card is not None
    assert card.title == "Nothing found."
    for items in ([], [made_up(_records()["Job"])]):
        noted = card_of(
            Page(items=items, shown=len(items), total=len(items), note="The catalog is down.")
        )
        assert noted is not None
        assert noted.note == "The catalog is down."
    assert card_of({"a": 1}) is None
    assert card_of([]) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Number(value=1234567), "1,234,567"),
        (Number(value=0.123456), "0.1235"),
        (Number(value=5, basis="approx"), "≈ 5"),
        (Number(value=5, basis="sample", n=10), "~ 5"),
        (Number(value=5, basis="est"), "5 est."),
        (Number(value=5, basis="n"), "n=5"),
        (Number(value=None), "–"),
        (Number(value=float("nan")), "NaN"),
        (None, "–"),
    ],
)
def test_a_number_shows_its_basis(value: Number | None, text: str) -> None:
    assert number(value) == text


def test_values_are_one_line() -> None:
    assert plain("a\n b\t c") == "a b c"
    assert plain(["a", 1, None]) == "a, 1, –"
    assert plain(True) == "yes"
    values = {
        "depth": 1000,
        "rate": 1e-05,
        "fail": False,
        "depths": [4, 6],
        "of": {"a": None},
        "name": "a\n b",
        "empty": "",
    }
    assert (
        assigned(values)
        == 'depth=1000, rate=1e-05, fail=false, depths=[4, 6], of={"a": null}, name=a b, empty='
    )
    assert assigned({}) == "–"
    assert [span(value) for value in (0.25, 12.34, 245, 7800, 273_600, None)] == [
        "250 ms",
        "12.3 s",
        "4 min 05 s",
        "2 h 10 min",
        "3 d 4 h",
        "–",
    ]
    assert [size(value) for value in (12, 3_400_000, None)] == ["12 B", "3.4 MB", "–"]
