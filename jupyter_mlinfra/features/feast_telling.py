"""What Feast tells of its work to OpenLineage and MLflow (`openlineage`, `mlflow` in
feature_store.yaml), and which endpoints have it.

Feast tells of what it applies. What is materialized here, in its place, is told in its words. Our
own event of the same stays in the files of the project where both would go to one endpoint.
Source: `feast.openlineage.emitter.FeastOpenLineageEmitter`,
`feast.mlflow_integration.logger.FeastMlflowLogger`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from ..core.events import telling
from ..core.passwords import without_passwords

if TYPE_CHECKING:
    from feast import FeatureStore

    from .spec import Materialized

Told = Callable[[], Sequence[str]]
"""The endpoints that Feast has told all of it; none if an event did not arrive."""


@contextmanager
def told_of_apply(feast: FeatureStore) -> Iterator[Told]:
    """Feast applies within the block."""
    arrived, emitter = list[bool](), feast.openlineage_emitter
    if emitter is not None:
        emit = emitter.emit_apply

        def emit_and_note(*args: Any, **options: Any) -> Any:
            results = emit(*args, **options)
            arrived.extend(results)
            return results

        emitter.emit_apply = emit_and_note  # Feast drops the answer
    yield lambda: _endpoints(feast) if arrived and all(arrived) else ()


@contextmanager
def told_of_materialization(
    feast: FeatureStore, view: Any, start: datetime | None, end: datetime
) -> Iterator[Callable[[int], Sequence[str]]]:
    """The block materializes a view, and calls what it gets with the number of rows when they are
    online; the answer is that of `Told`. Feast's endpoint is told of begin, end and failure.

    view: Feast's. start, end: event times; no start: what is new.
    """
    emitter, project = feast.openlineage_emitter, feast.project
    if emitter is None:
        yield lambda _: ()
        return
    store = feast.config.online_store
    run, begun = emitter.emit_materialize_start([view], start, end, project, online_store=store)

    def finish(rows: int) -> Sequence[str]:
        ended = begun and emitter.emit_materialize_complete(
            run, [view], project, rows_written=rows, online_store=store
        )
        return _endpoints(feast) if ended else ()

    try:
        yield finish
    except BaseException as error:
        if begun:
            emitter.emit_materialize_fail(run, project, without_passwords(str(error)))
        raise


def note_in_mlflow(feast: FeatureStore, done: Sequence[Materialized], *, from_start: bool) -> None:
    """A run for what is materialized in Feast's experiment of operations, if feature_store.yaml
    wants it. from_start: the range had a start.
    """
    with telling("It is materialized"):
        if not done or feast.mlflow is None or not feast.config.mlflow.log_operations:
            return
        feast.mlflow.log_materialize(
            feature_view_names=[item.view for item in done],
            start_date=min(item.start for item in done) if from_start else None,
            end_date=max(item.end for item in done),
            duration_seconds=sum(item.seconds for item in done),
            incremental=not from_start,
        )


def _endpoints(feast: FeatureStore) -> Sequence[str]:
    """The addresses to which Feast posts events: those of feature_store.yaml, else those of the
    environment or a file of the OpenLineage client.
    """
    from openlineage.client import OpenLineageClient

    with telling("Feast has told its endpoint of lineage"):
        settings = feast.config.openlineage.to_openlineage_config().get_transport_config()
        chosen = OpenLineageClient(config={"transport": settings} if settings else None).transport
        return [
            without_passwords(urljoin(transport.url, transport.endpoint))
            for transport in getattr(chosen, "transports", [chosen])
            if hasattr(transport, "endpoint") and hasattr(transport, "url")
        ]
    return ()
