"""The reference of a version from the data that it was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...core.errors import MLInfraError, NotFound, Unprocessable
from ...core.frames import exactly

if TYPE_CHECKING:
    import polars as pl

    from ...core.project import Project
    from ...deployments.runtime.contract import Column
    from ...experiments import Experiments

MOST_ROWS = 1_000_000
"""A reference is made of at most so many rows, evenly spread over the dataset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingData:
    """Rows of a dataset with the inputs of a version. of_rows: the rows of the dataset."""

    dataset: str
    rows: pl.DataFrame
    inputs: Sequence[Column]
    of_rows: int

    @property
    def asked(self) -> pl.DataFrame:
        """The inputs alone, as they are in the dataset."""
        return self.rows[[column.name for column in self.inputs]]


def inputs_of_version(experiments: Experiments, version: str) -> Sequence[Column]:
    """The inputs of a version, as `model/3`; none without a signature."""
    from ...deployments import inputs_of, needs_model

    signature = experiments.signature(version)["inputs"]
    return inputs_of(signature, experiments.download(version) if needs_model(signature) else None)


def training_data(
    project: Project,
    experiments: Experiments,
    version: str,
    *,
    dataset: str | None,
    extra: Sequence[str] = (),
) -> TrainingData:
    """The data that a version was trained on. version: `model/3`. dataset: of the catalog; None for
    the one that lineage knows. extra: further columns that are needed, such as the label.

    Raises NotFound if no dataset is known, Unprocessable if it lacks an input.
    """
    import polars as pl

    inputs = inputs_of_version(experiments, version)
    named = all(item.get("name") for item in experiments.signature(version)["inputs"])
    names = [column.name for column in inputs]
    if not names or not named:
        raise Unprocessable(
            f"The reference of {version} cannot be made from a dataset.",
            "Its signature does not name its inputs.",
            f"Give the inputs, in their order: ml.model({version!r}).reference(frame)",
        )
    candidates = [dataset] if dataset else _known(experiments, version)
    from ...catalog import Catalog

    catalog, problem = Catalog(project), None
    for name in candidates:
        try:
            rows = catalog.dataset(name).scan()
            _check(version, name, rows.collect_schema().names(), (*names, *extra))
        except MLInfraError as error:
            problem = error
            continue
        total = int(rows.select(pl.len()).collect(engine="streaming").item())
        step = -(-total // MOST_ROWS) or 1
        wanted = rows.select(map(exactly, dict.fromkeys((*names, *extra)))).gather_every(step)
        return TrainingData(
            dataset=name,
            rows=wanted.collect(engine="streaming"),
            inputs=inputs,
            of_rows=total,
        )
    raise problem or NotFound(
        f"{version} has no reference profile.",
        "It is not known what it was trained on: its run names no dataset of the catalog.",
        "mlinfra monitors reference DEPLOYMENT --from DATASET, or in Python"
        f" ml.model({version!r}).reference(frame)",
    )


def _check(version: str, dataset: str, there: Sequence[str], needed: Sequence[str]) -> None:
    if missing := [item for item in needed if item not in there]:
        raise Unprocessable(
            f"{dataset} is not what {version} was trained on.",
            f"It has no column {missing[0]}.",
            "Name the dataset with the model's inputs: --from DATASET, or in Python"
            f" ml.model({version!r}).reference(frame)",
        )


def _known(experiments: Experiments, version: str) -> list[str]:
    """The datasets that the run of a version names."""
    found = experiments.version(version).datasets
    return [ref.removeprefix("dataset:") for ref in found if ref.startswith("dataset:")]
