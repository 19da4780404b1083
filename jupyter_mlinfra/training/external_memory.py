"""XGBoost on more rows than fit into memory: it reads them in batches, keeps them on disk in its
own compressed form, and can be stopped and continued.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import BadRequest, MLInfraError
from ..core.frames import exactly
from . import checkpoints
from .boosting import Trained, load_xgboost, log_parameters
from .checkpoints import Checkpoint, checkpoint_folder
from .columns import Column, column_of, encode, is_text
from .continuing import continued
from .curves import XGBoostProgress, active_run, curves_of, latest
from .devices import device
from .preemption import Preemption
from .trainings import Training, open_training

if TYPE_CHECKING:
    import polars as pl
    import xgboost as xgb

MODEL, HISTORY = "model.ubj", "history.json"
BATCH_ROWS = 250_000
_CACHE = ".cache-"


def train_from_files(
    rows: pl.LazyFrame | Path | str | Sequence[Path | str],
    *,
    label: str,
    parameters: Mapping[str, Any],
    rounds: int,
    tune: pl.LazyFrame | Path | str | Sequence[Path | str] | None = None,
    every_rounds: int | None = 50,
    batch_rows: int = BATCH_ROWS,
    folder: Path | str | None = None,
    name: str | None = None,
) -> Trained:
    """Train `rounds` rounds on rows that need not fit into memory: only one batch and XGBoost's
    working space are held at a time.

    rows: Parquet files (a path, a pattern, or several), or any lazy frame: `pl.scan_iceberg(…)`,
    `ml.dataset("flights.departures").scan()`. All columns but `label` are inputs: numbers,
    booleans, or texts (they become categories). They are read several times, so their order must
    not change. tune: rows that are only evaluated. every_rounds: how often a checkpoint is saved,
    apart from when the job is asked to end. folder: for the checkpoints and XGBoost's cache (about
    a byte per value); the job's by default. name: tells this training from others there.

    An attempt continues where an earlier one stopped, and reaches the same trees; a training that
    was done returns its result. That holds for the same training: the same label, parameters,
    rounds, rows (content and order), `tune` and `name`. Any other one starts from the beginning, in
    a folder of its own. Raises SystemExit(75) after the work was saved because the job was asked to
    end, BadRequest if the data cannot be used.
    """
    xgboost = load_xgboost()
    if rounds < 1 or batch_rows < 1:
        raise BadRequest("rounds and batch_rows are at least 1.")
    learn_rows, tune_rows = _lazy(rows), None if tune is None else _lazy(tune)
    columns, count = columns_of_rows(learn_rows, label)
    facts = {
        "label": label,
        "parameters": dict(parameters),
        "rounds": rounds,
        "batch_rows": batch_rows,
        "columns": [asdict(column) for column in columns],
        "rows": count,
        "data": content_of(learn_rows),
        "tune": None if tune_rows is None else content_of(tune_rows),
    }
    training = open_training(checkpoint_folder(folder), facts, name=name, reproducible=True)
    newest = training.newest
    if newest is not None and newest.finished:
        booster, history = xgboost.Booster(model_file=newest.folder / MODEL), _history(newest)
    else:
        data = _Data(learn_rows, tune_rows, columns, label, batch_rows)
        booster, history = _train(data, training, parameters, rounds, count, every_rounds)
    training.end()
    return Trained(
        booster=booster, columns=columns, best_round=rounds - 1, history=curves_of(history)
    )


@dataclass(frozen=True, slots=True)
class _Data:
    """The rows of a training, and how they are read. tune: None if nothing is only evaluated."""

    learn: pl.LazyFrame
    tune: pl.LazyFrame | None
    columns: Sequence[Column]
    label: str
    batch_rows: int

    def matrices(
        self, xgboost: Any, cache: Path, settings: Mapping[str, Any]
    ) -> list[tuple[Any, str]]:
        """XGBoost's form of the rows to learn from and to evaluate, with their names in curves."""
        learn = self._matrix(xgboost, self.learn, cache / "learn", settings)
        if self.tune is None:
            return [(learn, "learn")]
        tune = self._matrix(xgboost, self.tune, cache / "tune", settings, reference=learn)
        return [(learn, "learn"), (tune, "tune")]

    def _matrix(
        self,
        xgboost: Any,
        rows: pl.LazyFrame,
        cache: Path,
        settings: Mapping[str, Any],
        *,
        reference: Any = None,
    ) -> Any:
        return _matrix(
            xgboost,
            rows,
            self.columns,
            self.label,
            self.batch_rows,
            cache,
            settings,
            reference=reference,
        )


def _train(
    data: _Data,
    training: Training,
    parameters: Mapping[str, Any],
    rounds: int,
    count: int,
    every_rounds: int | None,
) -> tuple[xgb.Booster, dict[str, dict[str, list[float]]]]:
    """The booster and its history, from the newest checkpoint on. count: of the rows to learn from,
    for readers of the run. Raises SystemExit if the job was asked to end.
    """
    xgboost = load_xgboost()
    # A seed per round, so that the rows and columns drawn in round n do not depend on the round in
    # which this attempt began.
    settings = {
        "device": device("xgboost"),
        "seed": 0,
        "seed_per_iteration": True,
        **parameters,
    }
    with _cache(training.folder) as cache, ExitStack() as stack:
        evals = data.matrices(xgboost, cache, settings)
        # XGBoost removes its files once nothing references the matrices.
        stack.callback(evals.clear)
        boosting = _Rounds(xgboost, settings, evals, training, every_rounds=every_rounds)
        booster = _run(boosting, rounds, {"inputs": len(data.columns), "rows": count})
    if boosting.preempted:
        boosting.preemption.leave()
    return booster, boosting.history


def _run(boosting: _Rounds, rounds: int, size: Mapping[str, int]) -> xgb.Booster:
    """Run the rounds inside the MLflow run of the earlier attempt, if there is one; otherwise log
    the parameters. size: of the data, for readers of that run.
    """
    newest = boosting.training.newest
    with (
        boosting.preemption,
        continued(newest.run if newest else None, preempted=lambda: boosting.preempted),
    ):
        if newest is None:
            log_parameters({**boosting.settings, "rounds": rounds, **size})
        return boosting.run(rounds)


class _Rounds:
    """The rounds, one by one: `xgboost.train` counts them from 0 in every attempt, and so would
    draw the first rounds' rows again.
    """

    def __init__(
        self,
        xgboost: Any,
        settings: Mapping[str, Any],
        evals: Sequence[tuple[Any, str]],
        training: Training,
        *,
        every_rounds: int | None,
    ) -> None:
        self._xgboost, self.settings, self._evals, self.training = (
            xgboost,
            settings,
            evals,
            training,
        )
        self._every = every_rounds
        newest = training.newest
        self.history = _history(newest) if newest else {}
        self.preemption = Preemption()
        self.preempted = False

    def run(self, rounds: int) -> xgb.Booster:
        """From the checkpoint, or the beginning, to the last round, or until the job is asked to
        end.
        """
        newest = self.training.newest
        booster = self._xgboost.Booster(
            dict(self.settings),
            [matrix for matrix, _ in self._evals],
            model_file=newest.folder / MODEL if newest else None,
        )
        progress = XGBoostProgress(rounds)
        for number in range(newest.step if newest else 0, rounds):
            booster.update(self._evals[0][0], number)
            self._add_to_history(booster.eval_set(self._evals, number))
            progress.after_iteration(booster, number, self.history)
            rounds_done = number + 1
            self.preempted = self.preemption.requested and rounds_done < rounds
            if self.preempted or (
                self._every is not None and rounds_done % self._every == 0 and rounds_done < rounds
            ):
                self._save(booster, rounds_done)
            if self.preempted:
                break
        progress.after_training(booster)
        if not self.preempted:
            self._save_end(booster, rounds)
        # Without references to the matrices, whose files are removed.
        return self._xgboost.Booster(model_file=booster.save_raw("ubj"))

    def _add_to_history(self, line: str) -> None:
        """XGBoost's own line for a round: `[3]<tab>learn-auc:0.81<tab>tune-auc:0.79`."""
        for part in line.split("\t")[1:]:
            name, _, value = part.rpartition(":")
            data, _, metric = name.partition("-")
            self.history.setdefault(data, {}).setdefault(metric, []).append(float(value))

    def _save_end(self, booster: xgb.Booster, rounds: int) -> None:
        try:
            self._save(booster, rounds, finished=True)
        except MLInfraError as error:  # the model exists all the same
            warnings.warn(
                f"The end of this training was not saved: {error} Another attempt of the job"
                " would repeat its last rounds.",
                stacklevel=4,
            )

    def _save(self, booster: xgb.Booster, rounds_done: int, *, finished: bool = False) -> None:
        def write(draft: Path) -> None:
            booster.save_model(draft / MODEL)
            (draft / HISTORY).write_text(json.dumps(self.history))

        newest = latest(self.history)
        folder = self.training.folder
        checkpoints.save(
            folder,
            write,
            step=rounds_done,
            metrics=newest,
            run=active_run(),
            finished=finished,
            training=self.training.note,
        )
        checkpoints.prune(folder, written=rounds_done, keep=2)


def _history(checkpoint: Checkpoint) -> dict[str, dict[str, list[float]]]:
    values: dict[str, dict[str, list[float]]] = json.loads(
        (checkpoint.folder / HISTORY).read_text()
    )
    return values


def columns_of_rows(rows: pl.LazyFrame, label: str) -> tuple[tuple[Column, ...], int]:
    """The `Column` of each input and the number of rows, found in one pass, plus one per text
    column for its categories in alphabetical order. Raises BadRequest if a column cannot be an
    input, or the label is missing.
    """
    import polars as pl

    schema = rows.collect_schema()
    _check_label(schema, label)
    unlabelled = exactly(label).cast(pl.Float64).fill_nan(None).null_count().alias("unlabelled")
    counts = (
        rows.select(
            pl.len().alias("rows"), unlabelled, pl.struct(pl.all().null_count()).alias("missing")
        )
        .collect(engine="streaming")
        .row(0, named=True)
    )
    if not counts["rows"]:
        raise BadRequest("There are no rows to learn from.")
    if counts["unlabelled"]:
        raise BadRequest(
            f"{counts['unlabelled']} rows have no {label}.",
            "Nothing can be learned from them.",
            f"Filter them out: .filter(pl.col({label!r}).is_not_null())",
        )
    columns = (
        column_of(
            name,
            dtype,
            optional=counts["missing"][name] > 0,
            texts=_texts(rows, name) if is_text(dtype) else (),
        )
        for name, dtype in schema.items()
        if name != label
    )
    return tuple(columns), counts["rows"]


def _check_label(schema: Mapping[str, pl.DataType], label: str) -> None:
    import polars as pl

    if label not in schema:
        raise BadRequest(
            f"There is no column {label}.",
            f"The rows have {', '.join(list(schema)[:10])}.",
            "Name the column to be predicted.",
        )
    if not (schema[label].is_numeric() or schema[label] == pl.Boolean):
        raise BadRequest(
            f"The label {label} is {schema[label]}.",
            "XGBoost takes numbers.",
            "Use 0 and 1 for a class.",
        )


def _texts(rows: pl.LazyFrame, column: str) -> list[str]:
    """The distinct texts of a column, in alphabetical order."""
    import polars as pl

    return (
        rows.select(exactly(column).cast(pl.String).drop_nulls().unique())
        .collect(engine="streaming")[column]
        .sort()
        .to_list()
    )


def content_of(rows: pl.LazyFrame) -> str:
    """Equal for the same rows in the same order, wherever they are stored; computed in one pass."""
    import polars as pl

    # As text: the codes of categories differ between processes.
    texts = (exactly(name) for name, dtype in rows.collect_schema().items() if is_text(dtype))
    plain = rows.with_columns(text.cast(pl.String) for text in texts)
    numbered = plain.with_row_index("number of the row")
    totals = (
        numbered.select(pl.struct(pl.all()).hash().sum().alias("sum"), pl.len().alias("rows"))
        .collect(engine="streaming")
        .row(0, named=True)
    )
    return f"polars {pl.__version__}: {totals['sum']:x} of {totals['rows']}"


def _lazy(rows: Any) -> pl.LazyFrame:
    import polars as pl

    return rows if isinstance(rows, pl.LazyFrame) else pl.scan_parquet(rows)


def batches(rows: pl.LazyFrame, size: int) -> Iterator[pl.DataFrame]:
    """The rows in order, in frames of exactly `size` rows except the last: each pass of XGBoost
    must see the same ones.
    """
    import polars as pl

    pending: list[pl.DataFrame] = []
    for frame in rows.collect_batches(
        chunk_size=size, maintain_order=True, lazy=True, engine="streaming"
    ):
        pending.append(frame)
        while sum(part.height for part in pending) >= size:
            joined = pl.concat(pending)
            yield joined.head(size)
            pending = [joined.slice(size)]
    joined = pl.concat(pending) if pending else pl.DataFrame()
    if joined.height:
        yield joined


def _matrix(
    xgboost: Any,
    rows: pl.LazyFrame,
    columns: Sequence[Column],
    label: str,
    size: int,
    cache: Path,
    settings: Mapping[str, Any],
    *,
    reference: Any = None,
) -> Any:
    """XGBoost's form of the rows, on disk (for a GPU in the machine's memory)."""

    class Reader(xgboost.DataIter):  # type: ignore[misc]  # made here, so that importing this module does not import XGBoost
        def __init__(self) -> None:
            self._batches = batches(rows, size)
            super().__init__(cache_prefix=str(cache), release_data=True)

        def next(self, input_data: Any) -> bool:
            frame = next(self._batches, None)
            if frame is None:
                return False
            input_data(data=encode(frame, columns), label=frame[label].to_numpy())
            return True

        def reset(self) -> None:
            self._batches = batches(rows, size)

    return xgboost.ExtMemQuantileDMatrix(
        Reader(), max_bin=settings.get("max_bin"), nthread=settings.get("nthread"), ref=reference
    )


@contextmanager
def _cache(folder: Path) -> Iterator[Path]:
    """A folder for XGBoost's pages, beside the checkpoints: the usual place for temporary files is
    often in memory. Those of killed attempts are removed too.
    """
    checkpoints.make_folder(folder)
    for leftover in folder.glob(f"{_CACHE}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    cache = Path(tempfile.mkdtemp(prefix=_CACHE, dir=folder))
    try:
        yield cache
    finally:
        shutil.rmtree(cache, ignore_errors=True)
