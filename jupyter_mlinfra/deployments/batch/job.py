"""The work of a batch job, from the first row to the snapshot of the target."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from ...core.errors import NotFound, Unprocessable
from ...core.files import file_lock
from ...core.frames import exactly
from ...core.processes import end_token, failpoint
from ...core.refs import reference
from ...core.runtime_folder import runtime_folder
from .. import environment
from ..bodies import open_inference_body
from ..onnx_export import with_engine
from ..packaging import Bundle
from ..runtimes import load_runtime
from ..settings import DeploymentSettings
from ..targets.layout import bundles_folder
from ..trust import package_trusted
from .answers import ERROR, MODEL_VERSION, is_binary, predictions_of
from .bodies import Body
from .columns import Feed, check_columns, check_kept, feeds
from .growth import OvertakenError, check_unmoved, moved
from .processes import RUNTIME, THREADS, Launch, ServingProcess
from .scoring import Scorer
from .spec import BatchTask, table_of
from .staging import Chunk, Manifest, Staging
from .target import check_target
from .viewed import ViewInputs

if TYPE_CHECKING:
    import polars as pl

    from ...catalog import Advance, Catalog
    from ...core.project import Project
    from ...experiments import Experiments
    from ...features import Features

CHUNK_BYTES = 4 << 20
CHUNK_ROWS = 16_384
"""A chunk has at most so many rows, and about CHUNK_BYTES."""

JOINED_ROWS = 1_000_000
"""Rows that are joined with feature views at once."""

_SAMPLED = 1000

Report = Callable[[float | None, str], None]


@dataclass(frozen=True, slots=True)
class Scored:
    """What a job did. rows: of the target's new snapshot. refused: of these without a
    prediction.
    """

    rows: int
    refused: int
    snapshot: str


def bundle_of(task: BatchTask, project: Project, experiments: Experiments) -> Bundle:
    """Package the model. Raises Unprocessable if it cannot be served, or runs code that nobody here
    vouches for.
    """
    version = experiments.version(task.model)
    bundle = package_trusted(
        experiments,
        f"{version.model}/{version.version}",
        bundles_folder(project),
        answers=task.answers,
        trusted=project.settings.of(DeploymentSettings).trusted_models,
    )
    return with_engine(bundle, environment.cache_folder(project.settings))


def views_of(
    task: BatchTask, bundle: Bundle, features: Callable[[], Features]
) -> ViewInputs | None:
    """The inputs that come from feature views. Raises as `featuring.definitions_of`."""
    wish = task.wish
    return ViewInputs(wish, bundle.columns, features(), at=task.at) if wish else None


class BatchJob:
    """One attempt of a batch job. folder: the same for every attempt. features: opened for inputs
    that come from views.
    """

    def __init__(
        self,
        task: BatchTask,
        *,
        project: Project,
        experiments: Experiments,
        catalog: Catalog,
        features: Callable[[], Features],
        folder: Path,
        report: Report,
    ) -> None:
        self._task, self._project, self._experiments = task, project, experiments
        self._catalog, self._folder, self._report = catalog, folder, report
        self._features = features
        self._views: ViewInputs | None = None
        self._staging = Staging(folder)
        digest = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
        self._token = f"mlinfra-batch-{digest}"

    def run(self) -> Scored:
        """Score what is not scored yet, then write the target in one commit. Raises Unprocessable
        if the model and the dataset do not fit, or if too many rows are refused, and Conflict if
        the rows are no longer what is missing in the target; the target is then as it was.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        with file_lock(self._folder / "lock", wait=False, what="An attempt of this batch job"):
            # Processes of an attempt that was killed.
            end_token(self._token, grace_seconds=0)
            try:
                return self._run()
            except OvertakenError:
                self._staging.clear()  # no further attempt could use it
                raise

    def _run(self) -> Scored:
        task = self._task
        if task.new and not self._catalog.written(task.into, task.key):
            check_unmoved(self._catalog, task)
        bundle = bundle_of(task, self._project, self._experiments)
        source = self._source()
        self._views = views_of(task, bundle, self._features)
        manifest = self._staging.open(self._manifest(source, bundle))
        if task.since and not manifest.total:
            return Scored(0, 0, str(self._catalog.dataset(task.into).snapshot))
        done = self._staging.done(manifest)
        empty = self._score(source, bundle, manifest, done)
        return self._commit(manifest, done, empty)

    def _source(self) -> pl.LazyFrame:
        if self._task.since:
            return self._catalog.appended(self._task.source, self._task.since)
        return self._catalog.dataset(self._task.source).scan()

    def _manifest(self, source: pl.LazyFrame, bundle: Bundle) -> Manifest:
        import polars as pl

        sample = source.head(_SAMPLED).collect()
        bytes_per_row = sample.estimated_size() / max(sample.height, 1)
        size = int(CHUNK_BYTES / max(bytes_per_row, 1.0))
        total = int(source.select(pl.len()).collect().item())
        return Manifest(
            task=self._task.digest,
            bundle=bundle.id,
            size=max(1, min(size, CHUNK_ROWS)),
            total=total,
        )

    def _score(
        self, source: pl.LazyFrame, bundle: Bundle, manifest: Manifest, done: dict[int, Chunk]
    ) -> pl.DataFrame:
        """Score the chunks that are missing. Returns the result's columns without rows."""
        import polars as pl

        if done and len(done) == manifest.chunks:
            return pl.DataFrame()
        python = environment.ensure(
            bundle.requirements,
            environment.cache_folder(self._project.settings),
            recipe=load_runtime(RUNTIME).recipe,
            python=bundle.python,
            on_progress=lambda text: self._report(None, text),
        )
        launch = Launch(
            bundle=bundle,
            python=python,
            model=self._task.model,
            folder=self._folder,
            sockets=runtime_folder(self._project.home),
            token=self._token,
        )
        with contextlib.ExitStack() as stack:
            processes = [
                ServingProcess(launch, slot)
                for slot in range(max(1, min(self._task.workers, manifest.chunks)))
            ]
            for process in processes:
                stack.callback(process.close)
            self._report(None, "loading the model")
            processes[0].start()
            stream = _Stream(self._task, source, bundle, processes, self._views, self._staging)
            self._check_target(stream)
            for number, frame in stream.results(manifest, done):
                done[number] = self._staging.put(number, frame)
                self._tell(manifest, done)
                with contextlib.suppress(OSError):
                    os.utime(bundle.folder)  # in use, also in a job of many days
                failpoint("batch-chunk")
            return stream.empty

    def _check_target(self, stream: _Stream) -> None:
        """Find before the first row what would stop the commit after the last one."""
        if self._task.mode != "append":
            return
        with contextlib.suppress(NotFound):
            existing = self._catalog.dataset(self._task.into).schema
            check_target(stream.empty.schema, existing, into=self._task.into)

    def _tell(self, manifest: Manifest, done: Mapping[int, Chunk]) -> None:
        """Report progress. Raises Unprocessable as soon as more rows are refused than may be."""
        rows = sum(chunk.rows for chunk in done.values())
        refused = sum(chunk.refused for chunk in done.values())
        text = f"{rows:,} of {manifest.total:,} rows" + (
            f", {refused:,} refused" if refused else ""
        )
        self._report(rows / manifest.total, text)
        if refused > self._task.max_errors * manifest.total:
            raise self._too_many(refused, rows, manifest, done)

    def _too_many(
        self, refused: int, rows: int, manifest: Manifest, done: Mapping[int, Chunk]
    ) -> Unprocessable:
        reasons = list(
            dict.fromkeys(reason for _, chunk in sorted(done.items()) for reason in chunk.reasons)
        )
        return Unprocessable(
            f"Too many rows are refused: {refused:,} of the first {rows:,}.",
            f"At most {self._task.max_errors:.0%} of {manifest.total:,} may be. The first reasons:"
            f" {' | '.join(reasons[:3])}",
            "Correct the dataset, or allow more with --max-errors. Nothing was written into"
            f" {self._task.into}.",
        )

    def _commit(self, manifest: Manifest, done: Mapping[int, Chunk], empty: pl.DataFrame) -> Scored:
        """One snapshot of the target, or none: the key makes it one, however often this is done,
        and a batch of new rows follows what the target had when it was submitted.
        """
        if manifest.total:
            self._tell(manifest, done)
        self._report(1.0, f"writing {self._task.into}")
        failpoint("batch-before-commit")
        report = self._catalog.write(
            self._staging.frame(manifest) if manifest.total else empty,
            into=self._task.into,
            mode=self._task.mode,
            inputs=[
                self._catalog.dataset(self._task.source).ref,
                self._experiments.version(self._task.model).ref,
                *(reference("view", name) for name in (self._views.names if self._views else ())),
            ],
            once=self._task.key,
            advance=self._advance(),
        )
        failpoint("batch-after-commit")
        self._staging.clear()
        refused = sum(chunk.refused for chunk in done.values())
        return Scored(manifest.total, refused, report.snapshot or "")

    def _advance(self) -> Advance | None:
        """None for a source without snapshots."""
        from ...catalog import Advance

        task = self._task
        if not task.snapshot:
            return None
        return Advance(table_of(task.source), lambda now: moved(self._catalog, task, now))


def check_inputs(
    task: BatchTask, bundle: Bundle, views: ViewInputs | None, schema: Mapping[str, pl.DataType]
) -> None:
    """Raise Unprocessable if the dataset lacks an input of the model that no view gives."""
    if views is not None:
        views.check(schema, task.source)
    inputs = bundle.columns if views is None else views.inputs
    check_columns(inputs, schema, source=task.source, model=task.model)


class _Stream:
    """The source on its way through the processes."""

    def __init__(
        self,
        task: BatchTask,
        source: pl.LazyFrame,
        bundle: Bundle,
        processes: Sequence[ServingProcess],
        views: ViewInputs | None,
        staging: Staging,
    ) -> None:
        self._model, self._processes = task.model, processes
        self._views, self._staging = views, staging
        self._known: tuple[int, pl.DataFrame] | None = None
        schema = source.collect_schema()
        check_inputs(task, bundle, views, schema)
        self._keep = check_kept(task.keep, schema, source=task.source)
        own = views.columns if views else {item.name for item in bundle.columns}
        wanted = {*self._keep, *own}
        self._source = source.select(exactly(name) for name in schema if name in wanted)
        answer, binary = _probe(bundle, processes[0])
        self._scorer = Scorer(
            _feeds(bundle, processes[0]),
            layout=bundle.layout,
            schema=answer.schema,
            binary=binary,
        )
        self.empty = self._result(
            self._source.clear().collect(), answer.clear().with_columns(_no_error())
        )
        """The result's columns, without rows."""

    def results(
        self, manifest: Manifest, done: Mapping[int, Chunk]
    ) -> Iterator[tuple[int, pl.DataFrame]]:
        """Chunks that are not done, scored, in order. A few are in progress at each process, so
        that memory does not grow with the dataset.
        """
        depth = len(self._processes) * THREADS
        chunks = self._missing(manifest, done)
        waiting: deque[tuple[int, Future[pl.DataFrame]]] = deque()
        with ThreadPoolExecutor(depth, thread_name_prefix="batch") as pool:
            try:
                for number, chunk, known in chunks:
                    process = self._processes[number % len(self._processes)]
                    waiting.append((number, pool.submit(self._score, chunk, known, process)))
                    if len(waiting) >= depth:
                        number, future = waiting.popleft()
                        yield number, future.result()
                while waiting:
                    number, future = waiting.popleft()
                    yield number, future.result()
            except BaseException:
                # What is in progress must not be waited for.
                for process in self._processes:
                    process.close()
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _missing(
        self, manifest: Manifest, done: Mapping[int, Chunk]
    ) -> Iterator[tuple[int, pl.DataFrame, pl.DataFrame | None]]:
        """Number and rows of each chunk that is not done, and what views have of these rows."""
        first = next((n for n in range(manifest.chunks) if n not in done), manifest.chunks)
        if first == manifest.chunks:
            return
        rest = self._source.slice(first * manifest.size)
        batches = rest.collect_batches(
            chunk_size=manifest.size, maintain_order=True, lazy=True, engine="streaming"
        )
        for number, chunk in enumerate(_of_size(batches, manifest.size), start=first):
            if number not in done:
                yield number, chunk, self._known_of(number, manifest.size, chunk.height)

    def _known_of(self, number: int, size: int, rows: int) -> pl.DataFrame | None:
        """What views have of the rows of a chunk: joined for many chunks at once, since each join
        reads the sources of the views.
        """
        if self._views is None:
            return None
        together = max(1, JOINED_ROWS // size)
        part, place = divmod(number, together)
        if self._known is None or self._known[0] != part:
            self._known = None  # before there are two
            some = self._source.slice(part * together * size, together * size)
            entities = some.select(map(exactly, self._views.entity)).collect(engine="streaming")
            snapshots = self._staging.snapshots()
            self._known = part, self._views.known(entities, snapshots)
            self._staging.keep_snapshots(snapshots)
        return self._known[1].slice(place * size, rows)

    def _score(
        self, chunk: pl.DataFrame, known: pl.DataFrame | None, process: ServingProcess
    ) -> pl.DataFrame:
        if self._views is None or known is None:
            return self._result(chunk, self._scorer.score(chunk, process))
        rows, why = self._views.completed(chunk, known)
        return self._result(chunk, self._scorer.score_unless(why, rows, process))

    def _result(self, chunk: pl.DataFrame, answers: pl.DataFrame) -> pl.DataFrame:
        import polars as pl

        predictions = [answers[name] for name in answers.columns if name != ERROR]
        return chunk[self._keep].with_columns(
            *predictions, pl.lit(self._model).alias(MODEL_VERSION), answers[ERROR]
        )


def _of_size(batches: Iterable[pl.DataFrame], size: int) -> Iterator[pl.DataFrame]:
    """The same rows in frames of exactly `size` rows; the last one may have fewer."""
    import polars as pl

    held: list[pl.DataFrame] = []
    rows = 0
    for batch in batches:
        held.append(batch)
        rows += batch.height
        while rows >= size:
            whole = pl.concat(held)
            yield whole[:size]
            held, rows = [whole[size:]], rows - size
    if rows:
        yield pl.concat(held)


def _feeds(bundle: Bundle, process: ServingProcess) -> list[Feed]:
    names = [item["name"] for item in orjson.loads(process.metadata())["inputs"]]
    return feeds(bundle.columns, names)


def _probe(bundle: Bundle, process: ServingProcess) -> tuple[pl.DataFrame, bool]:
    """The answer for the model's own sample, and whether answers may come as bytes. Raises
    Unprocessable if there is none.
    """
    body = open_inference_body(bundle, bundle.sample)
    text = orjson.dumps(body)
    answer = process.ask(Body(text, len(text)))
    if answer.status != 200:
        raise Unprocessable(
            "The model does not answer its own sample.",
            f"HTTP {answer.status}: {answer.body[:300].decode(errors='replace')}",
            "Log the model again with an input_example that it can answer.",
        )
    rows = body["inputs"][0]["shape"][0]
    return predictions_of(answer.body, answer.json_length, rows), is_binary(answer.body)


def _no_error() -> pl.Expr:
    import polars as pl

    return pl.lit(None, dtype=pl.String).alias(ERROR)
