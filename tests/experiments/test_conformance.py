"""The fast source and MLflow's own client must tell the same of the same store, written by the real
MLflow.
"""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from urllib.parse import quote

import pytest

from jupyter_mlinfra.core.errors import BadRequest
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.experiments.api_source import ApiSource, _with_versions
from jupyter_mlinfra.experiments.facts import RunFacts
from jupyter_mlinfra.experiments.listing import Listing
from jupyter_mlinfra.experiments.query import parse_filter, parse_sort
from jupyter_mlinfra.experiments.source import TESTED, choose, revision_of
from jupyter_mlinfra.experiments.sql_source import SqlSource
from jupyter_mlinfra.experiments.store import TrackingStore


@pytest.fixture(scope="module")
def store(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> TrackingStore:
    root = tmp_path_factory.mktemp("conformance")
    (root / "mlinfra.toml").touch()
    project = Project(root)
    shutil.copy(empty_store, project.home / "mlflow.db")
    store = TrackingStore(project)
    fill(store)
    return store


def fill(store: TrackingStore) -> None:
    from mlflow.entities import Dataset, DatasetInput, Metric, Param, RunTag

    client = store.client()
    churn, other = client.create_experiment("churn"), client.create_experiment("été √")
    client.create_experiment("empty")
    gone = client.create_experiment("gone")
    made = []
    for index in range(12):
        run = client.create_run(
            churn if index < 9 else other,
            start_time=1_000_000 + 1000 * (index // 2),
            run_name=f"run {index}",
        )
        made.append(id := run.info.run_id)
        metrics = (
            [Metric("auc", [0.9, 0.9, 0.5, float("nan"), float("inf"), -1.5][index % 6], 5, 0)]
            if index != 7
            else []
        )
        metrics += [Metric("loss é", step / 10, 100 + step, step) for step in range(index)]
        params = (
            [Param("depth", ["4", "10", "6.0", "six"][index % 4]), Param("große", "ü")]
            if index % 5
            else []
        )
        tags = (
            [RunTag("k", "x" * (index % 3)), RunTag("mlinfra.notebook", "train.ipynb")]
            if index % 2
            else [RunTag("mlflow.user", "ben")]
        )
        sources = (
            "a.ipynb",
            "/env/lib/python3.12/site-packages/ipykernel_launcher.py",
            "/Users/ben/night",
        )
        tags += (
            [
                RunTag("mlflow.source.type", "NOTEBOOK"),
                RunTag("mlflow.source.name", sources[index % 3]),
            ]
            if index % 4 == 0
            else []
        )
        client.log_batch(id, metrics=metrics, params=params, tags=tags)
        if index % 4 == 1:
            ours = Dataset("dataset:a.b", "4711", "mlinfra", '{"ref": "dataset:a.b@4711"}')
            client.log_inputs(
                id,
                [DatasetInput(ours, []), DatasetInput(Dataset("iris", "abc", "local", "{}"), [])],
            )
        if index == 5:
            client.set_tag(id, "mlinfra.job", "cut")
        else:
            client.set_terminated(
                id, ["FINISHED", "FAILED", "KILLED"][index % 3], end_time=2_000_000 + 700 * index
            )
    odd = made[0]
    client.log_batch(
        odd,
        metrics=[
            Metric("curve", float(value), when, step)
            for when, step, value in [
                (1, -5, 3),
                (2, 0, 1),
                (2, 0, 7),
                (3, 900, math.nan),
                (4, 901, -2),
            ]
        ],
    )
    client.log_batch(
        odd,
        metrics=[Metric("flat", float(value), 10 + value, 0) for value in range(50)]
        + [Metric("empty", math.nan, 1, 0)],
    )
    client.delete_run(made[2])
    lost = client.create_run(gone)
    client.log_metric(lost.info.run_id, "auc", 1.0)
    client.delete_experiment(gone)
    for name in ("churn", "l'été"):
        client.create_registered_model(name, description="of churn" if name == "churn" else None)
        for index in range(3):
            client.create_model_version(
                name, f"/models/{name}/{index}", run_id=made[index], tags={"note": "ü"}
            )
    client.delete_model_version("churn", "2")
    client.set_registered_model_alias("churn", "champion", "3")
    client.set_registered_model_alias("churn", "rollback", "1")
    client.create_registered_model("bare")


@pytest.fixture
def both(store: TrackingStore) -> tuple[SqlSource, ApiSource]:
    assert store.sqlite
    return SqlSource(store.sqlite), ApiSource(store, "test")


def test_the_schema_of_the_installed_mlflow_is_one_that_was_tested(store):
    assert revision_of(store.sqlite) in TESTED
    assert isinstance(choose(store), SqlSource)


def test_both_list_the_same_experiments(both):
    """MLflow's client can neither count runs nor tell when an experiment was used: whether
    `Default` has any is not known either.
    """
    sql, api = both
    assert {(item.ref, item.id, item.name) for item in sql.experiments()} == {
        (item.ref, item.id, item.name) for item in api.experiments() if item.id != "0"
    }
    assert {item.runs for item in api.experiments()} == {None}
    assert {item.name: item.runs for item in sql.experiments()} == {
        "churn": 8,
        "été √": 3,
        "empty": 0,
    }
    for name in ("churn", "1", "empty", "gone", "nowhere", "0"):
        assert sql.experiment_id(name) == api.experiment_id(name)


SORTS = [
    "-started",
    "started",
    "-metrics.auc",
    "metrics.auc",
    "loss é",
    "-params.depth",
    "params.depth",
    "name",
    "-duration",
    "status",
    "user",
    "-notebook",
    "tags.k",
    "metrics.none",
    "metrics.auc DESC, params.depth",
    "status, metrics.auc",
    "attributes.start_time ASC, run_name DESC",
]
FILTERS = [
    "",
    "metrics.auc > 0.6",
    "metrics.auc != 0.9",
    "not metrics.auc = 0.9",
    "metrics.auc is null",
    "not metrics.auc is null",
    "metrics.auc < 1e308",
    "params.depth > 5",
    "params.depth = '10'",
    "params.depth = 6",
    "params.depth in (4, 6)",
    "params.große = 'ü'",
    "tags.k = ''",
    "tags.k like 'x%'",
    "user = 'ben' or tags.k = 'xx'",
    "status in ('failed', 'running')",
    "duration is null",
    "duration > 999 and started >= '1970-01-01T00:16:42'",
    "notebook is null",
    "notebook = 'train.ipynb'",
    "notebook = '/Users/ben/night'",
    "dataset like 'dataset:a.b@%'",
    "dataset is null",
    "not dataset = 'iris@abc'",
    "dataset != 'iris@abc'",
    "metrics.auc >= -1.5 and metrics.auc < 0.00001",
    "status != 'finished'",
    "status = 'failed' and params.depth != '4'",
    "not status = 'running'",
    "id like '0%'",
    "name like '%'",
    "tags.k in ('x') and params.depth like '%'",
    "started > 1003000 and started <= 1004000.5",
    "started = 1003000",
    "params.`a'b` = 'it''s'",
    "attributes.run_name = 'run 3'",
    "user = 'ben'",
    "metrics.auc in (0.9, -1.5)",
    "name ilike 'RUN 1_'",
    "metrics.`loss é` > 0.2 and (params.depth = 'six' or not tags.mlinfra.notebook is null)",
]


@pytest.mark.parametrize("text", FILTERS)
@pytest.mark.parametrize("experiment", ["1", None])
def test_both_find_the_same_runs(both, text, experiment):
    sql, api = both
    order = parse_sort("-started")
    ours, theirs = (
        source.runs(experiment, parse_filter(text), order, None, 100) for source in (sql, api)
    )
    assert repr(ours) == repr(theirs)  # repr: NaN equals itself
    assert len(ours.runs) == ours.total


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("status", "status = 'killed'"),
        ("-status", "status = 'running'"),
        ("ended", "ended <= '1970-01-01T00:25'"),
        ("-duration", "duration is null"),
    ],
)
def test_both_find_and_sort_by_what_is_told_of_a_run_that_its_job_left(store, text, where):
    ends = {"cut": ("killed", 1_500_000)}.get
    pages = [
        source.runs("1", parse_filter(where), parse_sort(text), None, 100).runs
        for source in (SqlSource(store.sqlite, ends), ApiSource(store, "test", ends))
    ]
    assert repr(pages[0]) == repr(pages[1])
    sorts = [
        source.runs("1", None, parse_sort(text), None, 100).runs
        for source in (SqlSource(store.sqlite, ends), ApiSource(store, "test", ends))
    ]
    assert repr(sorts[0]) == repr(sorts[1])
    (left,) = [run for run in sorts[0] if run.name == "run 5"]
    assert (left.status, left.ended) == ("killed", 1_500_000)
    assert (left in pages[0]) == (where in ("status = 'killed'", "ended <= '1970-01-01T00:25'"))


@pytest.mark.parametrize("text", SORTS)
def test_both_sort_alike_and_page_alike(both, text):
    pages = [paged(source, text, 3) for source in both]
    assert repr(pages[0]) == repr(pages[1])
    assert [len(page) for page in pages[0]] == [3, 3, 2]
    assert len({run.id for page in pages[0] for run in page}) == 8


def paged(source, sort, count, where=""):
    """The parts of a list, each by the cursor of the one before."""
    parts, cursor = [], None
    while True:
        part = source.runs("1", parse_filter(where), parse_sort(sort), cursor, count)
        assert part.more == (part.cursor is not None and part.cursor.count(".") > 0)
        parts.append(list(part.runs))
        assert part.total >= sum(map(len, parts))
        if part.cursor is None:
            assert part.total == sum(map(len, parts))
            return parts
        cursor = part.cursor


def test_a_sort_by_a_metric_keeps_runs_without_it_and_puts_nan_before_them(both):
    found = both[0].runs("1", None, parse_sort("-metrics.auc"), None, 100)
    runs, total = found.runs, found.total
    values = [run.metrics.get("auc") for run in runs]
    assert total == 8
    assert values[:3] == [math.inf, 0.9, 0.9]
    assert math.isnan(values[-2])
    assert values[-1] is None


def test_both_know_the_same_of_single_runs(both):
    sql, api = both
    whole = [run.id for run in sql.runs(None, None, parse_sort("id"), None, 100).runs]
    assert repr(sql.several([*whole, "f" * 32])) == repr(api.several([*whole, "f" * 32]))
    for beginning in (whole[0], whole[3][:8], whole[0][:1], "zz", "f" * 32):
        assert sql.run_ids(beginning) == api.run_ids(beginning)
    assert sql.run_states("1") == api.run_states("1")
    assert sql.curve_metrics(whole) == api.curve_metrics(whole) == ["curve", "loss é"]


@pytest.mark.parametrize("points", [1, 2, 7, 100, 5000])
@pytest.mark.parametrize("metric", ["curve", "flat", "empty", "auc", "loss é", "none"])
def test_both_draw_the_same_curve(both, metric, points):
    sql, api = both
    for run in sql.runs("1", None, parse_sort("id"), None, 100).runs:
        ours, theirs = sql.curve(run.id, metric, points), api.curve(run.id, metric, points)
        if ours is None or theirs is None:
            assert ours is theirs
            continue
        assert (ours.step, ours.low, ours.high, ours.total) == (
            theirs.step,
            theirs.low,
            theirs.high,
            theirs.total,
        )
        assert ours.mean == pytest.approx(theirs.mean)
        assert len(ours.step) <= points


def test_both_know_the_same_models_and_versions(both):
    sql, api = both
    assert sql.models() == api.models()
    assert {item.name: (item.versions, item.aliases) for item in sql.models()} == {
        "churn": (2, {"champion": 3, "rollback": 1}),
        "l'été": (3, {}),
        "bare": (0, {}),
    }
    for name in ("churn", "l'été", "bare", "none"):
        assert [{**normal(item), "location": ""} for item in sql.versions(name, 10)] == [
            normal(item) for item in api.versions(name, 10)
        ]
        for number in (1, 2, 9):
            assert normal(sql.version(name, number)) == normal(api.version(name, number))
    assert [item.version for item in sql.versions("l'été", 2)] == [3, 2]


@pytest.fixture
def asked(monkeypatch):
    """What MLflow's client is asked for: the verb, how many at most, and its filter."""
    from mlflow import MlflowClient

    found = []
    for name in (
        "search_runs",
        "search_experiments",
        "search_model_versions",
        "get_experiment_by_name",
        "get_experiment",
        "get_run",
    ):
        real = getattr(MlflowClient, name)

        def ask(*args, name=name, real=real, **named):
            found.append(
                (
                    name,
                    named.get("max_results"),
                    next((text for text in args[1:] if isinstance(text, str)), ""),
                )
            )
            return real(*args, **named)

        monkeypatch.setattr(MlflowClient, name, ask)
    return found


@pytest.mark.parametrize(
    ("where", "sort"),
    [
        ("", "-started"),
        ("", "-metrics.auc"),
        ("metrics.auc >= -2 and params.große = 'ü' and tags.k like '%'", "metrics.auc, -started"),
        ("", "-status"),
    ],
)
def test_a_server_filters_orders_and_pages_itself(store, asked, where, sort):
    """However many runs there are: a page asks for as many as it shows, and for what was registered
    of those.
    """
    source = ApiSource(store, "test")
    part = source.runs(
        source.experiment_id("churn"), parse_filter(where), parse_sort(sort), None, 3
    )
    # A state may be that of a job which the server knows nothing of: whether there is such a run is
    # asked first, and here there is one.
    assert [most for name, most, _ in asked if name == "search_runs"] == (
        [1, 1000] if sort == "-status" else [3]
    )
    assert [name for name, _, _ in asked if name != "search_runs"] == [
        "get_experiment_by_name",
        "search_model_versions",
    ]
    assert len(part.runs) == (1 if where else 3)


def test_a_filter_that_mlflow_cannot_say_reads_on_only_until_the_page_is_full(store, asked):
    source = ApiSource(store, "test")
    part = source.runs(
        "1", parse_filter("params.depth = 6 or metrics.auc > 0.4"), parse_sort("-started"), None, 2
    )
    assert len(part.runs) == 2
    assert [most for name, most, _ in asked if name == "search_runs"] == [200]


def test_paging_a_filter_that_mlflow_lacks_reads_each_run_a_few_times_however_long_the_list_is():
    class Page(list):
        token = None

    class Client:
        def search_runs(self, *_, max_results, page_token, **__):
            sizes.append(max_results)
            begin = int(page_token or 0)
            page = Page(range(begin, min(begin + max_results, count)))
            page.token = str(begin + max_results) if len(page) == max_results else None
            return page

    count, part, sizes, seen, cursor = 3_000, 50, [], [], None
    while cursor or not seen:
        found = Listing(Client(), ["1"]).part(
            [], lambda number: facts(str(number)) if number % 7 else None, cursor, part, exact=False
        )
        seen += [int(run.id) for run in found.runs]
        cursor = found.cursor
    assert seen == [number for number in range(count) if number % 7]
    assert max(sizes) == 200
    assert sum(sizes) <= 6 * count


def test_a_list_of_experiments_is_one_request_and_reads_no_run(store, asked):
    ApiSource(store, "test").experiments()
    assert [name for name, _, _ in asked] == ["search_experiments"]


def test_no_address_holds_more_ids_than_a_proxy_lets_through():
    class Client:
        def search_model_versions(self, text, **_):
            sent.append(text or "")
            return Listed()

    class Listed(list):
        token = None

    for count, requests in ((1, 1), (50, 1), (51, 2), (500, 10), (2000, 1)):
        sent = []
        _with_versions(Client(), [facts(f"{n:032x}") for n in range(count)])
        assert len(sent) == requests
        assert all(len(quote(text)) < 2_500 for text in sent)


def facts(id):
    return RunFacts(
        id=id,
        name="",
        experiment="churn",
        status="finished",
        user="",
        started=1,
        ended=2,
        metrics={},
        params={},
        tags={},
    )


@pytest.mark.parametrize(
    "cursor", ["3", "1.0", "x.0.abc", "1.0.a b", "1.60000.MQ==", "-1.0.", "1" * 40 + ".0."]
)
def test_a_cursor_of_another_list_is_refused(store, cursor):
    with pytest.raises(BadRequest, match="not one of this list"):
        ApiSource(store, "test").runs("1", None, parse_sort("-started"), cursor, 3)


def test_one_version_is_asked_for_alone(both, monkeypatch):
    """However many versions a model has: showing one must not fetch all of them, with a request for
    the files of each.
    """
    from mlflow import MlflowClient

    asked = []
    for name in ("search_model_versions", "get_model_version", "get_model_version_download_uri"):
        real = getattr(MlflowClient, name)
        monkeypatch.setattr(
            MlflowClient,
            name,
            lambda *args, name=name, real=real, **named: asked.append(name) or real(*args, **named),
        )
    assert both[1].version("churn", 1).version == 1
    assert asked == ["get_model_version", "get_model_version_download_uri"]


def normal(item):
    return (
        None
        if item is None
        else {
            **{name: getattr(item, name) for name in item.__slots__},
            "aliases": sorted(item.aliases),
            "tags": dict(item.tags),
        }
    )
