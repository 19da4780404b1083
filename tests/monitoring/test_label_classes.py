"""Labels that are names of classes, labels that cannot be, and labels that come too early."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import polars as pl
import pytest
from sklearn import metrics

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.deployments import Part
from jupyter_mlinfra.deployments.payload_log import compacting
from jupyter_mlinfra.monitoring import Monitoring, datasets
from jupyter_mlinfra.monitoring.hours.series import HOUR, SeriesStore
from jupyter_mlinfra.monitoring.labels import classes as label_classes
from jupyter_mlinfra.monitoring.labels import files, joining, unjoined
from jupyter_mlinfra.monitoring.measures import kpi, performance
from jupyter_mlinfra.monitoring.references import labelled
from jupyter_mlinfra.monitoring.references import profiles as references
from tests.monitoring.logs import Logged, answered, set_now, write_journal
from tests.monitoring.test_recording import CATEGORIES, NAMES, START, TRAINING, some_rows
from tests.monitoring.test_verbs import Experiments

NOW = datetime.fromtimestamp(START + 4 * HOUR, UTC)
CLASSES = ["cancelled", "late", "on time"]
SINCE = timedelta(hours=5)


def monitored(
    project: Project, log: Logged, monkeypatch: pytest.MonkeyPatch, **options: object
) -> Monitoring:
    set_now(monkeypatch, NOW)
    monitoring = Monitoring(project, log, Experiments())  # type: ignore[arg-type]
    monitoring.reference("flights/1", TRAINING)
    monitoring.watch("flights", **options)  # type: ignore[arg-type]
    return monitoring


def with_classes(project: Project, outputs: int = 1) -> None:
    """The reference of v1 with labelled rows: names of classes as labels."""
    random = np.random.default_rng(7)
    truth = pl.Series(random.choice(CLASSES[: max(2, outputs)], 500))
    scores = random.dirichlet([1] * max(2, outputs), 500)
    columns = {f"prediction_{n}" if n else "prediction": scores[:, n] for n in range(outputs)}
    rows = TRAINING.head(500).with_columns(**{k: pl.Series(v) for k, v in columns.items()})
    made = references.load(project, "flights/1")
    path = references.path_of(project, "flights/1")
    kind = "classes" if outputs == 1 else "probabilities"
    references.save(project, labelled.learned(made, path, rows, NAMES, truth, kind))


@pytest.fixture
def named(tmp_path: Path) -> tuple[Logged, pl.DataFrame]:
    """A log of a model that answers names of classes, and their truth."""
    random = np.random.default_rng(3)
    rows, _ = some_rows(random, 200)
    given = random.choice(CLASSES, 200, p=[0.1, 0.3, 0.6]).tolist()
    truth = [g if random.random() < 0.7 else str(random.choice(CLASSES)) for g in given]
    entries = [
        answered(START + n, f"r{n}", [row], [answer])
        for n, (row, answer) in enumerate(zip(rows, given, strict=True))
    ]
    write_journal(tmp_path / "log", START, entries, names=NAMES, categories=CATEGORIES)
    ids = [f"r{n}" for n in range(200)]
    frame = pl.DataFrame({"request_id": ids, "label": truth, "given": given})
    return Logged(tmp_path / "log", answers="classes"), frame


def test_names_of_classes_have_the_real_metrics_of_scikit_learn(
    project: Project, named: tuple[Logged, pl.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    log, truth = named
    monitoring = monitored(project, log, monkeypatch)
    monitoring.backfill("flights")
    report = monitoring.labels("flights", truth.drop("given"))
    assert (report.joined, report.bad) == (200, 0)
    real = monitoring.figures("flights", since=SINCE).performance.real
    assert real
    assert real.confusion
    true, given = truth["label"].to_list(), truth["given"].to_list()
    assert real.metrics["accuracy"] == pytest.approx(metrics.accuracy_score(true, given))
    assert real.metrics["f1"] == pytest.approx(metrics.f1_score(true, given, average="macro"))
    assert list(real.confusion.classes) == CLASSES
    assert real.confusion.counts == metrics.confusion_matrix(true, given, labels=CLASSES).tolist()
    (point,) = [
        item
        for item in monitoring.series(
            "flights", metric="performance_real.accuracy", since=timedelta(hours=4)
        ).items
        if item.value is not None
    ]
    assert point.value == pytest.approx(metrics.accuracy_score(true, given))


@pytest.mark.parametrize("answers", ["values", "classes"])
@pytest.mark.parametrize("known", [False, True], ids=["any", "of the reference"])
def test_names_that_look_like_numbers_or_truth_values_stay_names(
    project: Project,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    answers: str,
    known: bool,
) -> None:
    """Also of a model that was deployed without saying that it answers classes."""
    given = [["01", "True", "1e3", "1.0"][n % 4] for n in range(120)]
    entries = [answered(START + n, f"r{n}", [[60, 1]], [name]) for n, name in enumerate(given)]
    write_journal(tmp_path / "log", START, entries, names=NAMES, categories=CATEGORIES)
    monitoring = monitored(project, Logged(tmp_path / "log", answers=answers), monkeypatch)
    if known:
        rows = TRAINING.head(120).with_columns(pl.Series("prediction", given))
        path = references.path_of(project, "flights/1")
        made = references.load(project, "flights/1")
        made = labelled.learned(made, path, rows, NAMES, pl.Series(given), answers)
        references.save(project, made)
    monitoring.backfill("flights")
    file = project.root / "truth.csv"
    true = ["True", *given[1:]]
    lines = [f"r{n},{name}" for n, name in enumerate(true)]
    file.write_text("\n".join(["request_id,label", *lines]))
    assert monitoring.labels("flights", file).bad == 0
    figures = monitoring.figures("flights", since=SINCE)
    real = figures.performance.real
    assert real
    assert real.confusion
    assert list(real.confusion.classes) == ["01", "1.0", "1e3", "True"]
    f1 = metrics.f1_score(true, given, average="macro")
    assert real.metrics == pytest.approx({"accuracy": 119 / 120, "f1": f1})
    assert "performance.answers" not in figures.reasons
    for name, measured in {"accuracy": True, "mae": False}.items():
        metric = f"performance_real.{name}"
        points = monitoring.series("flights", metric=metric, since=timedelta(hours=4)).items
        assert any(point.value is not None for point in points) is measured


def test_a_label_that_is_written_otherwise_than_its_class_is_of_that_class_if_no_other_is() -> None:
    texts = ["1.0", "01", "true", "1", "2", "late"]
    read = files.read_frame(pl.DataFrame({"request_id": ["r"] * 6, "label": texts}))

    def known(*classes: str) -> list[str]:
        return read.rows.select(label_classes.as_known(classes))["text"].to_list()

    assert known("0", "1") == ["1", "1", "1", "1", "2", "late"]
    assert known("01", "1") == ["1", "01", "1", "1", "2", "late"]
    assert known("late") == texts


def test_feedback_with_the_name_of_a_class_is_a_label(
    project: Project, named: tuple[Logged, pl.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    log, _ = named
    truth = {"k": "f", "id": "r3", "ts": START + HOUR, "reward": 0.0, "truth": ["late"]}
    write_journal(log.folder, START + HOUR, [truth], names=NAMES, categories=CATEGORIES, pid=9)
    monitoring = monitored(project, log, monkeypatch)
    monitoring._record(monitoring.list().items[0])
    real = monitoring.figures("flights", since=SINCE).performance.real
    assert real
    assert real.rows == 1


def test_labels_outside_the_known_classes_are_refused_with_file_line_and_reason(
    project: Project, named: tuple[Logged, pl.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    log, _ = named
    monitoring = monitored(project, log, monkeypatch)
    with_classes(project, 1)
    made = references.load(project, "flights/1")
    assert list(made.classes) == CLASSES[:2]
    file = project.root / "truth.csv"
    file.write_text("request_id,label\nr1,late\nr2,lait\nr3,7\nr4,\nr5,cancelled\n")
    report = monitoring.labels("flights", file)
    assert (report.joined, report.bad) == (2, 3)
    assert report.bad_rows == [
        "row 2: the label is none of the classes cancelled, late: lait",
        "row 3: the label is none of the classes cancelled, late: 7",
        "row 4: no label",
    ]
    monitoring.labels("flights", file)  # the same file again is not counted twice
    assert monitoring.figures("flights", since=SINCE).labels.refused == 3
    table = datasets.MonitorTables(project).rows("flights_refused_labels")
    assert table is not None
    found = table.select("source", "place", "request_id", "text").collect().rows()
    assert found[:2] == [("truth.csv", 2, "r2", "lait"), ("truth.csv", 3, "r3", "7")]


@pytest.mark.parametrize(
    ("answers", "label", "why"),
    [
        ("values", "late", "the label is no number: late"),
        ("probabilities", "2", "the label is not one of the classes 0 to 1: 2"),
        ("probabilities", "0.5", "the label is not one of the classes 0 to 1: 0.5"),
        ("classes", "-1", "the label is not the number of a class: -1"),
        ("probabilities", "nan", "the label is no number: nan"),
    ],
)
def test_a_label_of_the_wrong_type_is_refused(
    project: Project,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    answers: str,
    label: str,
    why: str,
) -> None:
    entries = [answered(START, "r", [[60, 1]], [0.7])]
    write_journal(tmp_path / "log", START, entries, names=NAMES, categories=CATEGORIES)
    monitoring = monitored(project, Logged(tmp_path / "log", answers=answers), monkeypatch)
    report = monitoring.labels("flights", [{"request_id": "r", "label": label}])
    assert (report.joined, list(report.bad_rows)) == (0, [f"row 1: {why}"])


def test_probabilities_of_named_classes_are_measured_and_estimated(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(5)
    rows, _ = some_rows(random, 300)
    scores = random.dirichlet([1, 1, 1], 300).round(4)
    entries = [
        answered(START + n, f"r{n}", [row], [list(map(float, score))])
        for n, (row, score) in enumerate(zip(rows, scores, strict=True))
    ]
    write_journal(tmp_path / "log", START, entries, names=NAMES, categories=CATEGORIES)
    monitoring = monitored(project, Logged(tmp_path / "log"), monkeypatch)
    with_classes(project, 3)
    truth = random.choice(CLASSES, 300)
    ids = [f"r{n}" for n in range(300)]
    monitoring.backfill("flights")
    monitoring.labels("flights", pl.DataFrame({"request_id": ids, "label": truth}))
    performance = monitoring.figures("flights", since=SINCE).performance
    assert performance.real
    given = [CLASSES[place] for place in scores.argmax(axis=1)]
    assert performance.real.metrics["accuracy"] == pytest.approx(
        metrics.accuracy_score(truth, given)
    )
    loss = metrics.log_loss(truth, scores / scores.sum(axis=1, keepdims=True), labels=CLASSES)
    assert performance.real.metrics["log_loss"] == pytest.approx(loss, abs=1e-3)
    assert performance.estimated
    assert performance.estimated.method == "CBPE"


def test_a_label_waits_for_its_request_and_is_refused_when_it_never_comes(
    project: Project, named: tuple[Logged, pl.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    log, _ = named
    monitoring = monitored(project, log, monkeypatch)
    early = pl.DataFrame({"request_id": ["soon", "never"], "label": ["late", "late"]})
    assert monitoring.labels("flights", early).unknown == 2
    assert monitoring.figures("flights", since=SINCE).labels.waiting == 2
    entries = [answered(START + 3 * HOUR, "soon", [[60, 1]], ["late"])]
    write_journal(log.folder, START + 3 * HOUR, entries, names=NAMES, categories=CATEGORIES)
    monitor = monitoring.list().items[0]
    monitoring._record(monitor)
    figures = monitoring.figures("flights", since=SINCE)
    assert (figures.labels.waiting, figures.labels.refused) == (1, 0)
    assert figures.performance.real
    assert figures.performance.real.rows == 1
    later = NOW + timedelta(seconds=unjoined.WAITS_SECONDS + 60)
    set_now(monkeypatch, later)
    monitoring._record(monitor)
    kept = SeriesStore(project).unjoined("flights")
    assert (kept.counts().waiting, kept.counts().refused) == (0, 1)
    assert "no request with this id" in kept.refused()["why"][0]


@pytest.mark.parametrize("with_texts", [True, False], ids=["now", "of an earlier version"])
def test_the_names_of_labelled_rows_are_known(
    project: Project,
    named: tuple[Logged, pl.DataFrame],
    monkeypatch: pytest.MonkeyPatch,
    with_texts: bool,
) -> None:
    log, truth = named
    monitoring = monitored(project, log, monkeypatch)
    monitoring.labels("flights", truth.head(3))
    series = SeriesStore(project)
    if not with_texts:
        for file in series.files("flights", "labels"):
            pl.read_parquet(file).drop("text").write_parquet(file)
    known = monitoring.labels_known("flights", since=NOW - SINCE, until=NOW)
    labels = dict(known.select("request_id", "text").rows())
    expected = dict(truth.head(3).select("request_id", "label").rows())
    assert labels == (expected if with_texts else dict.fromkeys(expected))


@pytest.mark.parametrize("by_feedback", [False, True])
def test_a_label_that_has_waited_is_joined_and_replaces_no_later_one(
    project: Project,
    named: tuple[Logged, pl.DataFrame],
    monkeypatch: pytest.MonkeyPatch,
    by_feedback: bool,
) -> None:
    """Row 1 is labelled before the request is in the log, row 0 afterwards."""
    log, _ = named
    monitoring = monitored(project, log, monkeypatch)
    early = pl.DataFrame({"request_id": "r-two", "row": [0, 1], "label": "on time"})
    monitoring.labels("flights", early)
    set_now(monkeypatch, NOW + timedelta(minutes=1))
    rows, answers = [[60, 1], [70, 1]], ["late", "late"]
    entries = [answered(START + 3 * HOUR, "r-two", rows, answers)]
    if by_feedback:
        feedback = {"k": "f", "id": "r-two", "ts": START + 3 * HOUR, "reward": 0, "truth": ["late"]}
        entries.append(feedback)
    write_journal(log.folder, START + 3 * HOUR, entries, names=NAMES, categories=CATEGORIES)
    monitor = monitoring.list().items[0]
    if by_feedback:
        monitoring._take_feedback(monitor)
    else:
        late = pl.DataFrame({"request_id": ["r-two"], "row": [0], "label": ["late"]})
        assert monitoring.labels("flights", late).joined == 1
    monitoring._look_again(monitor)
    assert SeriesStore(project).unjoined("flights").waiting().height == 0
    kept = SeriesStore(project).files("flights", "labels")
    found = pl.concat([pl.read_parquet(file) for file in kept]).filter(request_id="r-two")
    assert found.sort("row").select("row", "text").rows() == [(0, "late"), (1, "on time")]


def test_for_labels_that_wait_only_files_are_read_that_have_changed_since_the_last_look(
    project: Project, named: tuple[Logged, pl.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many wait: of more than can be looked up in the index, too."""
    log, _ = named
    monitoring = monitored(project, log, monkeypatch)
    monkeypatch.setattr(joining, "INDEXED", 1)
    monitoring.labels("flights", [{"request_id": f"soon-{n}", "label": "late"} for n in range(3)])
    read, parts = list[int](), Logged.payload_parts

    def counted(self: Logged, name: str, **span: Any) -> Iterator[Part]:
        for part in parts(self, name, **span):
            read.append(part.rows.height)
            yield part

    monkeypatch.setattr(Logged, "payload_parts", counted)

    def look() -> tuple[int, int]:
        """How many rows of the log were read, and how many labels wait afterwards."""
        read.clear()
        monitoring._look_again(monitoring.monitor("flights"))
        return sum(read), SeriesStore(project).unjoined("flights").counts().waiting

    def answer(number: int) -> None:
        at = START + HOUR * number
        entry = answered(at, f"soon-{number}", [[60, 1]], ["late"])
        write_journal(log.folder, at, [entry], names=NAMES, categories=CATEGORIES)

    assert [look(), look()] == [(200, 3), (0, 3)]
    answer(1)
    assert [look(), look()] == [(1, 2), (0, 2)]
    compacting.compact(log.folder)
    assert [look(), look()] == [(201, 2), (0, 2)], "compaction makes other files"
    answer(2)
    with monkeypatch.context() as patch:
        patch.setattr("jupyter_mlinfra.deployments.payload_log.parts.read_journal", unreadable)
        assert look() == (0, 2)
    assert look() == (1, 1), "a file that could not be read is tried again"


def unreadable(file: Path) -> NoReturn:
    raise OSError(errno.EMFILE, "Too many open files")


@pytest.mark.parametrize("waits", [False, True], ids=["known", "waiting"])
def test_a_label_that_is_refused_displaces_no_earlier_one_of_the_same_row(
    project: Project,
    named: tuple[Logged, pl.DataFrame],
    monkeypatch: pytest.MonkeyPatch,
    waits: bool,
) -> None:
    log, _ = named
    monitoring = monitored(project, log, monkeypatch)
    with_classes(project, 1)
    name = "soon" if waits else "r3"
    labels = pl.DataFrame({"request_id": [name] * 3, "label": ["cancelled", "late", "lait"]})
    bad = monitoring.labels("flights", labels).bad
    if waits:
        entries = [answered(START + 3 * HOUR, name, [[60, 1]], ["late"])]
        write_journal(log.folder, START + 3 * HOUR, entries, names=NAMES, categories=CATEGORIES)
        monitoring._look_again(monitoring.monitor("flights"))
    assert bad == (0 if waits else 1)
    known = monitoring.labels_known("flights", since=NOW - SINCE, until=NOW)
    assert known.select("request_id", "text").rows() == [(name, "late")]
    refused = SeriesStore(project).unjoined("flights").refused()
    assert refused.select("place", "request_id", "text").rows() == [(3, name, "lait")]


def test_a_change_of_the_costs_changes_past_points_and_marks_those_it_cannot_change(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = [
        answered(START + hour * HOUR + n, f"{hour}-{n}", [[60, 1]], [0.9])
        for hour in range(2)
        for n in range(4)
    ]
    write_journal(tmp_path / "log", START, entries, names=NAMES, categories=CATEGORIES)
    log = Logged(tmp_path / "log")
    monitoring = monitored(project, log, monkeypatch, costs={"tp": 1, "fp": -10})
    ids = [f"{hour}-{n}" for hour in range(2) for n in range(4)]
    monitoring.backfill("flights")
    monitoring.labels("flights", pl.DataFrame({"request_id": ids, "label": [1, 1, 1, 0] * 2}))

    def points() -> list[float | None]:
        found = monitoring.series("flights", metric="kpi", since=timedelta(hours=4)).items
        return [point.value for point in found][:2]

    assert points() == [(3 - 10) / 4] * 2
    SeriesStore(project).path("flights", "labels", START).unlink()
    monitoring.configure("flights", costs={"tp": 2, "fp": -20})
    monitoring._record(monitoring.list().items[0])
    assert points() == [(3 - 10) / 4, (6 - 20) / 4]
    table = datasets.MonitorTables(project).rows("flights_series")
    assert table is not None
    kpis = table.filter(pl.col("metric") == "kpi").sort("start").collect()
    assert ['"tp": 1.0' in kpis["costs"][0], '"tp": 2.0' in kpis["costs"][1]] == [True, True]


def test_no_labels_are_no_codes() -> None:
    nothing = pl.DataFrame(schema={"outputs": pl.List(pl.Float64), "label": pl.Float64})
    outputs, labels, _ = label_classes.codes_of(nothing, (), "probabilities")
    assert (outputs.shape, labels.shape) == ((0, 1), (0,))


def test_numbers_of_many_digits_are_classes_of_their_own(project: Project) -> None:
    """In names of six digits they were all 1e+06."""
    ids = [1_000_001, 1_000_002, 1_000_003]
    random = np.random.default_rng(3)
    places = random.integers(0, 3, 300)
    truth = pl.Series([ids[place] for place in places])
    for labels in (truth, truth.cast(pl.Float64)):
        assert label_classes.classes_of(labels) == ["1000001", "1000002", "1000003"]
        found = labelled._numbers(labels, list(map(str, ids)), "probabilities")
        assert found.tolist() == places.tolist()
    given = np.asarray(ids, float)[random.integers(0, 3, 300)]
    matrix = performance.confusion(given[:, None], truth.to_numpy(), "classes", ())
    assert matrix
    assert list(matrix.classes) == ["1000001", "1000002", "1000003"]
    assert matrix.counts == metrics.confusion_matrix(truth, given, labels=ids).tolist()
    asked = {"1000001:1000002": -5.0}
    worth = kpi.worths(given[:, None], truth.to_numpy(), "classes", asked)
    assert not isinstance(worth, str)
    expected = int(((truth.to_numpy() == ids[0]) & (given == ids[1])).sum())
    assert worth.outcomes["1000001:1000002"] == expected


def test_values_that_may_be_classes_are_said_to(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a classifier whose classes are numbers, and which was deployed without saying so."""
    entries = [answered(START + n, f"r{n}", [[60, 1]], [n % 3 + 7.0]) for n in range(30)]
    write_journal(tmp_path / "log", START, entries, names=NAMES, categories=CATEGORIES)
    monitoring = monitored(project, Logged(tmp_path / "log", answers="values"), monkeypatch)
    ids = [f"r{n}" for n in range(30)]

    def said(label: list[float]) -> str:
        monitoring.labels("flights", pl.DataFrame({"request_id": ids, "label": label}))
        return monitoring.figures("flights", since=SINCE).reasons.get("performance.answers", "")

    assert "whole numbers, 4 different ones" in said([float(6 + n % 2) for n in range(30)])
    assert "--answers classes" in said([7.0] * 30)
    assert said([7.5, *[7.0] * 29]) == ""
    assert said([float(n) for n in range(30)]) == ""
