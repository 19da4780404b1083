"""The MLflow run of a training that is continued in another attempt."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .curves import active_run


@contextmanager
def continued(run: str | None, *, preempted: Callable[[], bool]) -> Iterator[None]:
    """Inside the block `run`, if given, is MLflow's active run. It ends as finished, failed, or
    scheduled if the job will be restarted.

    A run that is already active stays as it is, and is active again afterwards.
    """
    active = active_run()
    if run is None or active == run:
        yield
        return
    import mlflow

    if active is not None:
        warnings.warn(
            f"The training continues in run {run}, where it began, and not in {active}: use"
            " ml.track(…, run=resumed_run()).",
            stacklevel=4,
        )
    mlflow.start_run(run_id=run, nested=active is not None)
    status = "FAILED"
    try:
        yield
        status = "SCHEDULED" if preempted() else "FINISHED"
    finally:
        mlflow.end_run(status)
