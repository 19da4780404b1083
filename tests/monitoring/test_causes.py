"""From a feature to the code that made it, and what changed there."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core import records
from jupyter_mlinfra.core.errors import NotFound
from jupyter_mlinfra.core.lineage import Edge
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.records import Page
from jupyter_mlinfra.core.refs import Ref
from jupyter_mlinfra.faces.cards import card_of
from jupyter_mlinfra.jobs import Jobs
from jupyter_mlinfra.monitoring import AlertState, Monitoring
from jupyter_mlinfra.monitoring.alerts.store import AlertStore, Judged
from jupyter_mlinfra.monitoring.causes import places, tracing
from jupyter_mlinfra.monitoring.causes.ancestry import Parent, parents
from jupyter_mlinfra.monitoring.causes.comparing import SHOWN, changed, excerpt
from jupyter_mlinfra.monitoring.causes.naming import (
    Piece,
    cells_of,
    naming,
    reached,
    statements_of,
    writing,
)
from jupyter_mlinfra.monitoring.causes.spec import FeatureCause
from jupyter_mlinfra.monitoring.spec import Alert
from jupyter_mlinfra.monitoring.state import Track
from jupyter_mlinfra.pipelines import PipelineRun, RunState, StepRun, StepState
from tests.monitoring.logs import Logged

AT = datetime(2026, 1, 1, tzinfo=UTC)
MAKES = "import pricing\nframe = ml.dataset('shop.raw').scan()"
SPENDS = 'frame = frame.with_columns(spend=pl.col("price") * pl.col("items"))'
WRITES = "ml.write(frame, into='shop.training', inputs=['dataset:shop.raw'])"


def pieces(*sources: str) -> list[Piece]:
    return [Piece(f"c{number}", number, 1, text) for number, text in enumerate(sources, 1)]


@pytest.mark.parametrize(
    "code",
    [
        'df["spend"] = 1',
        "df.spend = 1",
        "df = df.with_columns(spend=1)",
        "df = df.assign(\n    spend=1)",
        'pl.col("a").alias("spend")',
        'df = df.rename({"a": "spend"})',
        'df = pl.DataFrame({"spend": [1]})',
        'con.sql("select a * b AS spend from t")',
        "%%catalog sql\nSELECT a AS spend\nFROM t",
        "!date\ndf['spend'] += 1",
    ],
)
def test_code_that_gives_a_column_its_values_assigns_it(code: str) -> None:
    (found,) = naming(pieces(code), "spend")
    assert found.how == "assigns"
    assert "spend" in code.splitlines()[found.line - 1].lower()


@pytest.mark.parametrize(
    ("code", "how"),
    [
        ('df.select("spend")', "names"),
        ("df.spend.max()", "names"),
        ('df.rename({"spend": "a"})', "names"),
        ('REFS = ["user:spend"]', "names"),
        ("%%catalog sql\nSELECT spend FROM t", "names"),
        ("df.spend()", None),  # a method
        ("# spend\nspending = spend = 1", None),  # a comment and a variable
        ('df["spend_30d"] = "we spend"', None),
    ],
)
def test_what_only_names_a_column_is_told_apart_from_what_does_not(
    code: str, how: str | None
) -> None:
    assert [item.how for item in naming(pieces(code), "spend")] == ([how] if how else [])


def test_the_last_cell_that_assigns_comes_first_and_the_last_one_writes() -> None:
    cells = pieces('df["a"] = 1', 'df["a"] = 2', 'df.select("a")', "ml.write(df, into='x.y')", "1")
    assert [item.piece.number for item in naming(cells, "a")] == [2, 1, 3]
    found = writing(cells, "x.y")
    assert found
    assert found.piece.number == 4
    assert writing(cells, "x.z") is None


def test_cells_are_numbered_as_jobs_do_and_broken_ones_name_nothing() -> None:
    cells = [
        {"cell_type": "markdown", "source": "x", "metadata": {}},
        {"cell_type": "code", "source": ["a = 1"], "metadata": {"tags": ["injected-parameters"]}},
        {"cell_type": "code", "source": ["df['b'] = 1\n", "c"], "id": "q", "metadata": {}},
        {"cell_type": "code", "source": 7, "id": [], "metadata": None},
        {},
    ]
    found = cells_of({"cells": cells})
    assert [(cell.number, cell.key) for cell in found] == [(2, ""), (2, "q"), (3, "")]
    assert [item.piece.key for item in naming(found, "b")] == ["q"]
    assert naming(pieces("\0 b ((("), "b")[0].how == "names"  # no Python: by its text


def test_of_a_module_only_what_the_notebook_uses_counts() -> None:
    module = statements_of(
        "RATE = 2\n\n@cache\ndef _scaled(df):\n    return df.assign(spend=RATE)\n\n"
        'def made(df):\n    return _scaled(df)\n\ndef other(df):\n    df["spend"] = 0\n'
    )
    used = reached(pieces("import pricing\npricing.made(df)"), module)
    assert {piece.key for piece in used} == {"made", "_scaled", "RATE"}
    (found,) = naming(used, "spend")
    assert (found.piece.key, found.piece.line, found.line) == ("_scaled", 3, 3)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_counted_as_python_counts_them(end: str) -> None:
    source = end.join(
        ['"""A\x0cB\u2028C\x1cD"""', "", "def made(df):", '    df["spend"] = "\u2028"', ""]
    )
    text, made = statements_of(source)
    assert (text.source, made.line) == ('"""A\x0cB\u2028C\x1cD"""', 3)
    assert made.source == 'def made(df):\n    df["spend"] = "\u2028"'
    assert excerpt(made.source, 2) == (1, made.source)
    (found,) = naming(pieces(f"select '\x0c\u2028' as a,{end}b as spend"), "spend")
    assert found.line == 2


def test_a_piece_is_compared_with_its_successor() -> None:
    before = pieces("a = 1", "b = 1\nc = 2")
    names = ("n in r1", "n in r2")
    assert changed(before[1], before, names=names) == ("unchanged", "")
    moved = [Piece("c2", 5, 1, "b = 9\nc = 2")]
    state, diff = changed(before[1], moved, names=names)
    assert state == "changed"
    assert diff.splitlines() == [
        *("--- n in r1, cell 2", "+++ n in r2, cell 5", "@@ -1,2 +1,2 @@"),
        *("-b = 1", "+b = 9", " c = 2"),
    ]
    assert changed(before[1], pieces("x = 1"), names=names) == ("removed", "")
    unnamed = [Piece("", 2, 1, "b = 3")]  # an old notebook: cells without ids
    assert changed(before[1], unnamed, names=names)[0] == "changed"
    long = pieces("\n".join(f"a = {n}" for n in range(900)))
    later = pieces("\n".join(f"b = {n}" for n in range(900)))
    assert len(changed(long[0], later, names=names)[1].splitlines()) == 201
    first, text = excerpt(long[0].source, 700)
    assert (first, len(text.splitlines())) == (680, SHOWN)


def test_a_feature_of_a_view_comes_from_the_snapshot_that_was_read_for_it() -> None:
    def edge(job: str, source: str, target: str, at: int) -> Edge:
        return Edge(input=source, output=target, job=job, at=f"2026-01-01T00:00:0{at}+00:00")

    edges = [
        edge("features.apply", "dataset:a.users", "view:users", 1),
        edge("features.apply", "dataset:a.shops", "view:shops", 1),
        *(
            edge("features.training_set", source, "job:9", 2)
            for source in ("dataset:a.users@5", "dataset:a.shops@6", "feature:users:spend")
        ),
        edge("job:9", "view:users", "dataset:a.train@7", 3),
        edge("job:9", "view:shops", "dataset:a.train@7", 3),
        edge("job:9", "dataset:a.other", "dataset:a.train@8", 4),
    ]

    def asked(snapshot: int, written_by: str, column: str, at: int = 3) -> list[Parent]:
        ref = Ref.parse(f"dataset:a.train@{snapshot}")
        return parents(edges, ref, written_by, column, at=AT.replace(second=at))

    (parent,) = asked(7, "job:9", "spend")
    assert (str(parent.dataset), parent.view) == ("dataset:a.users@5", "view:users")
    (joined,) = asked(7, "job:9", "users__spend")
    assert joined.column == "spend"
    # Asked for by somebody else: the view is known, what was read for this set is not.
    (parent,) = asked(7, "user:bo", "spend")
    assert str(parent.dataset) == "dataset:a.users"
    assert asked(7, "job:9", "age") == []
    (parent,) = asked(8, "job:8", "age", at=4)
    assert (str(parent.dataset), parent.view) == ("dataset:a.other", "")


def test_a_snapshot_is_made_from_what_was_read_before_it_in_whichever_run() -> None:
    """A notebook reads features twice, and the step in which it runs says what it takes."""

    def edge(job: str, source: str, target: str, month: int, day: int) -> Edge:
        return Edge(
            input=source, output=target, job=job, at=f"2026-{month:02}-{day:02}T00:00:00+00:00"
        )

    edges = [edge("features.apply", "dataset:a.src", "view:users", 1, 1)]
    for month in (1, 2):
        edges += [
            edge("features.training_set", f"dataset:a.src@{month}", f"job:{month}", month, 2),
            edge("features.training_set", "feature:users:spend", f"job:{month}", month, 2),
            edge("features.training_set", f"dataset:a.src@{month}", "notebook:n.ipynb#c", month, 2),
            edge("features.training_set", "feature:users:spend", "notebook:n.ipynb#c", month, 2),
            edge("step:shop/train", f"dataset:a.raw{month}", "dataset:a.train", month, 4),
            edge("step:shop/train", "view:users", "dataset:a.train", month, 4),
        ]

    def asked(written_by: str, column: str, month: int, day: int = 3) -> list[tuple[str, str]]:
        at = datetime(2026, month, day, tzinfo=UTC)
        found = parents(edges, Ref.parse("dataset:a.train@9"), written_by, column, at=at)
        return [(str(parent.dataset), parent.at[:10]) for parent in found]

    for month in (1, 2):
        when = f"2026-0{month}-0"
        assert asked(f"job:{month}", "spend", month) == [(f"dataset:a.src@{month}", f"{when}2")]
        assert asked(f"job:{month}", "age", month) == [(f"dataset:a.raw{month}", f"{when}3")]
        # No step made what was written by hand.
        assert asked("notebook:n.ipynb#d", "spend", month) == [
            (f"dataset:a.src@{month}", f"{when}2")
        ]
        assert asked("notebook:n.ipynb#d", "age", month) == []
        # By a job that has not asked itself: as it was asked last.
        assert asked("job:7", "spend", month) == [("dataset:a.src", f"{when}2")]
    assert asked("job:3", "age", 2, day=5) == []  # its step has not ended


# With the lineage of a project


class Records:
    """Runs of one pipeline and their jobs, as their stores would tell of them."""

    def __init__(self) -> None:
        self.items: list[PipelineRun] = []

    def runs(self, name: str | None = None, *, limit: int = 50) -> Page[PipelineRun]:
        return Page(items=self.items[::-1], shown=len(self.items), total=len(self.items))

    def add(self, run: str, job: str, notebook: str | None, state: StepState) -> None:
        step = StepRun(
            name="features",
            state=state,
            job=job,
            notebook=notebook,
            reason="code changed",
            started_at=AT,
            ended_at=AT,
        )
        self.items.append(
            PipelineRun(
                run=run,
                pipeline="shop",
                state=RunState.SUCCEEDED,
                steps=[step],
                parameters={},
                user="ana",
                started_at=AT,
                ended_at=AT,
            )
        )


class Shop:
    """A monitored model, the data that it was trained on, and the runs that made it."""

    def __init__(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        self.project, self.records = project, Records()
        self.catalog = Catalog(project)
        self.datasets: Sequence[str] = ()
        records, modules = self.records, self.modules = self.records, dict[str, str]()
        opened = self.opened = list[str]()

        class Kept(Jobs):
            def look(self, job: str) -> Any:
                if job == "j0":
                    raise NotFound("There is no job j0.")
                labels = {"pipeline": "shop", "run": "r1", "step": "features"}
                return SimpleNamespace(
                    labels=labels, notebook="shop/features.ipynb", output=None, id=job
                )

            def files(self, job: str) -> Any:
                def read(path: str) -> bytes:
                    if f"{job} {path}" not in modules:
                        raise NotFound(f"{path} is not in the snapshot.")
                    return modules[f"{job} {path}"].encode()

                opened.append(job)
                return SimpleNamespace(read=read)

        self.jobs = Kept
        monkeypatch.setattr(tracing, "Jobs", Kept)
        monkeypatch.setattr(tracing, "Pipelines", lambda *_: records)
        self._monkeypatch = monkeypatch
        self.monitoring = Monitoring(
            project,
            Logged(project.root / "log", {"v1": 100}, model="churn"),  # type: ignore[arg-type]
            self,  # type: ignore[arg-type]
        )
        self.monitoring._store.add("flights", "flights", "ana")

    def version(self, _: str) -> Any:
        return SimpleNamespace(datasets=self.datasets, run="9c1e", created_at=AT)

    def signature(self, _: str) -> Mapping[str, Any]:
        return {"inputs": [{"name": "spend"}, {"name": "age"}]}

    def write(self, name: str, job: str, inputs: Sequence[str] = (), **columns: Any) -> str:
        """The reference of a new snapshot."""
        self._monkeypatch.setenv("MLINFRA_JOB", job)
        frame = pl.DataFrame({"id": [1, 2], **columns})
        report = self.catalog.write(frame, into=name, mode="replace", inputs=inputs)
        return f"dataset:{name}@{report.snapshot}"

    def notebook(self, run: str, *sources: str) -> str:
        """An executed notebook; its path."""
        path = self.project.home / "runs" / run / "features.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        cells = [
            {"cell_type": "code", "id": f"c{n}", "source": text, "metadata": {}, "outputs": []}
            for n, text in enumerate(sources)
        ]
        path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4}))
        return str(path.relative_to(self.project.root))

    def cause(self) -> FeatureCause:
        return self.monitoring.cause("flights", "spend")


@pytest.fixture
def shop(project: Project, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """The training set was written by job j1 in run r1, from raw data that job j0 had written."""
    shop = Shop(project, monkeypatch)
    shop.write("shop.raw", "j0", price=[1, 2])
    shop.datasets = [
        shop.write("shop.training", "j1", ["dataset:shop.raw"], spend=[1, 2]),
    ]
    shop.records.add("r1", "j1", shop.notebook("r1", MAKES, SPENDS, WRITES), StepState.SUCCEEDED)
    return shop


def test_a_feature_leads_to_its_step_and_cell_and_to_what_changed_there(shop: Shop) -> None:
    found = shop.cause()
    (source,) = found.sources  # the raw data has no such column
    assert (found.version, found.run, found.reasons) == ("version:churn/1", "run:9c1e", [])
    assert (source.dataset, source.newer) == (shop.datasets[0], 0)
    assert (source.column, source.step) == ("column:shop.training.spend", "step:shop/features")
    assert (source.run, source.job, source.notebook) == ("r1", "job:j1", "shop/features.ipynb")
    (place,) = source.places
    assert (place.cell, place.how, place.source) == (2, "assigns", SPENDS)
    assert (place.change, place.diff, source.later_run) == ("no later run", "", "")

    shop.records.add("r2", "j1", source.executed, StepState.CACHED)
    (source,) = shop.cause().sources
    assert (source.places[0].change, source.later_run) == ("unchanged", "r2")

    later = shop.notebook("r3", MAKES, "", SPENDS.replace("price", "net"), WRITES)
    shop.records.add("r3", "j3", later, StepState.SUCCEEDED)
    shop.records.add("r4", "j4", None, StepState.FAILED)
    shop.write("shop.training", "j3", spend=[3, 4])
    (source,) = shop.cause().sources
    (place,) = source.places
    assert (source.later_run, source.later_why, source.newer) == ("r3", "code changed", 1)
    assert (place.source, place.change) == (SPENDS, "changed")
    assert "cell 3" in place.diff.splitlines()[1]  # another cell assigns it now
    card = card_of(shop.cause())
    assert card
    assert card.rows[0]["code"] == "shop/features.ipynb, cell 2, line 1"

    shop.notebook("r3", MAKES, "", WRITES)
    assert shop.cause().sources[0].places[0].change == "removed"
    shop.notebook("r3", MAKES, SPENDS.replace("price", "net"), WRITES)
    (place,) = shop.cause().sources[0].places
    assert place.change == "changed"
    assert f"-{SPENDS}" in place.diff.splitlines()
    assert f"+{SPENDS.replace('price', 'net')}" in place.diff.splitlines()


def test_a_module_counts_as_the_job_ran_it_and_the_cell_that_writes_stands_beside_it(
    shop: Shop,
) -> None:
    uses = "frame = pricing.spent(frame)"
    shop.notebook("r1", MAKES, uses, WRITES)
    shop.records.add("r2", "j2", shop.notebook("r2", MAKES, uses, WRITES), StepState.SUCCEEDED)
    body = "def spent(df):\n    return df.with_columns(spend={})\n"
    shop.modules |= {"j1 shop/pricing.py": body.format(1), "j2 shop/pricing.py": body.format(2)}
    (source,) = shop.cause().sources
    module, cell = source.places
    assert (module.file, module.cell, module.line) == ("shop/pricing.py", None, 2)
    assert (module.how, module.change) == ("assigns", "changed")
    assert "+    return df.with_columns(spend=2)" in module.diff.splitlines()
    assert (cell.cell, cell.how, cell.change) == (3, "writes", "unchanged")


def test_the_files_of_a_job_are_opened_once_however_many_modules_are_imported(shop: Shop) -> None:
    shop.modules |= {f"j1 m{n}.py": f"import m{n + 1}, absent{n}\n" for n in range(60)}
    shop.modules["j1 m60.py"] = "def spent(df):\n    df['spend'] = 1"
    shop.notebook("r1", "import json, m0", "m60.spent(frame)", WRITES)
    module, _ = shop.cause().sources[0].places
    assert (module.file, module.how) == ("m60.py", "assigns")
    assert shop.opened == ["j1"]


def test_of_very_much_code_a_part_is_read_and_that_is_said(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "MOST_CODE", 100)
    long = "def other(df):\n    return df\n" * 4
    shop.modules |= {"j1 a.py": long, "j1 b.py": "def spent(df):\n    df['spend'] = 1"}
    shop.notebook("r1", "import a, b", "b.spent(frame)", WRITES)
    (source,) = shop.cause().sources
    assert [place.how for place in source.places] == ["writes"]
    assert "only a part was read" in " ".join(source.reasons)
    shop.modules["j1 a.py"] = f"import a\n{long}"
    shop.notebook("r1", "import a", WRITES)
    (source,) = shop.cause().sources
    assert "only a part" not in " ".join(source.reasons), "what is left was read already"


def test_all_snapshots_that_are_kept_count(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many pages they fill."""
    for value in (3, 4):
        shop.write("shop.training", "j1", spend=[value, value])
    monkeypatch.setattr(records, "PAGE_LIMIT", 1)
    (source,) = shop.cause().sources
    assert (source.dataset, source.newer) == (shop.datasets[0], 2)


def fire(shop: Shop, state: AlertState, episode: int) -> None:
    """An evaluation finds the alert of `spend` in this state."""
    alert = Alert(
        ref="alert:flights/drift",
        name="drift",
        monitor="flights",
        state=state,
        severity="warning",
        value=None,
        threshold=0.2,
        subject="spend",
        since=AT,
        evaluated_at=AT,
        text="",
        metric="psi",
    )
    at = AT.timestamp()
    track = Track(state=state, since=at, at=at, seen=at, episode=episode)
    store = AlertStore(shop.project.database)
    with shop.project.database.write() as connection:
        judged = Judged(key=("drift", ()), alert=alert, track=track, moved=False)
        store.write(connection, "flights", [judged], [])


def test_the_likely_cause_is_noted_once_for_as_long_as_an_alert_fires(shop: Shop) -> None:
    def cause() -> str:
        shop.monitoring.explain("flights")
        return shop.monitoring.alerts().items[0].cause

    fire(shop, AlertState.PENDING, 0)
    assert cause() == ""
    fire(shop, AlertState.FIRING, 1)
    assert cause() == "shop/features.ipynb, cell 2"
    shop.datasets = []
    fire(shop, AlertState.FIRING, 1)
    assert cause() == "shop/features.ipynb, cell 2", "it is not looked for again"
    fire(shop, AlertState.OK, 1)
    assert cause() == ""
    fire(shop, AlertState.FIRING, 2)
    assert cause() == "", "of the new episode nothing is known"


def test_what_is_not_known_is_said(shop: Shop) -> None:
    path = shop.project.root / shop.notebook("r1", MAKES)
    (source,) = shop.cause().sources
    assert (source.places, source.named) == ([], 0)
    assert source.reasons == ["No code of shop/features.ipynb names spend literally."]
    for content in ("{", '{"cells": 7}', '{"cells": [7]}'):
        path.write_text(content)
        (source,) = shop.cause().sources
        assert (source.step, source.places) == ("step:shop/features", ())
        assert "not a notebook" in source.reasons[0]
    path.unlink()
    assert "does not exist" in shop.cause().sources[0].reasons[0]

    shop.datasets = [f"{shop.datasets[0][:-3]}123", "dataset:shop.gone@1"]
    kept, gone = shop.cause().sources
    assert "no longer kept" in kept.reasons[0]
    assert "shop.gone" in gone.reasons[0]
    shop.datasets = [shop.write("shop.raw", "j0", price=[1, 2])]
    assert "has no column spend" in shop.cause().sources[0].reasons[0]
    shop.datasets = []
    found = shop.cause()
    assert found.sources == []
    assert "names no dataset" in found.reasons[0]
    with pytest.raises(NotFound, match="Its inputs are: spend, age"):
        shop.monitoring.cause("flights", "speed")


def test_data_written_by_hand_leads_to_the_cell_that_was_running(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = shop.project.root.parent / "outside.ipynb"
    sources = {"q1": "make()", "q2": SPENDS}
    cells = [
        {"cell_type": "code", "id": key, "source": text, "metadata": {}}
        for key, text in sources.items()
    ]
    for path in (shop.project.root / "hand.ipynb", outside):
        path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4}))

    def written_by(actor: str) -> tuple[list[Any], str]:
        monkeypatch.setattr("jupyter_mlinfra.catalog.writing.actor", lambda _: actor)
        shop.datasets = [shop.write("shop.training", "", spend=[1, 2])]
        (source,) = shop.cause().sources
        return [*source.places], " ".join(source.reasons)

    (assigns, ran), why = written_by("notebook:hand.ipynb#q1")
    assert (assigns.cell, assigns.how) == (2, "assigns")
    assert (ran.cell, ran.how, ran.change) == (1, "ran", "unknown")
    (place,), _ = written_by("notebook:hand.ipynb#q2")
    assert (place.cell, place.how) == (2, "assigns")  # once, by what tells more
    assert "as it is now" in why
    places, why = written_by("notebook:../outside.ipynb#q1")
    assert (places, "not below the project" in why) == ([], True)
    places, why = written_by("user:bo")
    assert (places, why.startswith("bo wrote it")) == ([], True)
