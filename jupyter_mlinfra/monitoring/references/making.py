"""Makes the reference of a version from a dataset, with the answers that the model gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...core.errors import MLInfraError, NotFound
from ..figures import ReferenceReport
from . import labelled
from . import profiles as references
from .training_data import TrainingData, training_data

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from ...core.project import Project
    from ...deployments import Deployments
    from ...experiments import Experiments
    from .profiles import Reference

ASKED = 5_000
"""Rows of which a deployment is asked for the answers, at most."""
_AT_ONCE = 500

_NEEDED = "Performance cannot be estimated without the answers: --score COLUMN"
_SEEN = (
    "Estimates from the training data are too good: give labelled data that the model has not"
    " seen, by --from."
)


def answers_of(deployments: Deployments, deployment: str) -> str:
    """What a deployment answers: classes, probabilities or values; empty while that is not known,
    because it is gone, or has no version that was packaged.
    """
    try:
        return deployments.show(deployment).answers
    except NotFound:
        return ""


@dataclass(frozen=True)
class ReferenceMaker:
    """Makes references of the versions of one deployment."""

    project: Project
    deployments: Deployments
    experiments: Experiments
    deployment: str

    def make(
        self,
        version: str,
        model_version: str,
        *,
        dataset: str | None = None,
        label: str | None = None,
        score: str | None = None,
    ) -> ReferenceReport:
        """Make and keep the reference of a version, as `v3` and `model/3`. dataset: None for the
        training data; label, score: see `ReferenceVerbs.make_reference`.
        """
        extra = [column for column in (label, score) if column]
        data = training_data(
            self.project, self.experiments, model_version, dataset=dataset, extra=extra
        )
        made = references.make(
            model_version, data.rows.select(data.inputs), None, made_from=data.dataset
        )
        rows, answers, why = self._answered(data, version, score)
        notes = [f"The distribution of the answers is not known: {why}"] if why else []
        if answers is not None:
            made = references.with_score(made, answers[:, 0])
            if label:
                made = self._learned(made, data, rows, answers, label)
                notes += [_SEEN] if dataset is None else []
        elif label:
            notes.append(_NEEDED)
        references.save(self.project, made)
        return ReferenceReport(
            version=model_version,
            made_from=data.dataset,
            rows=data.rows.height,
            of_rows=data.of_rows,
            features=list(data.inputs),
            answers=answers is not None,
            labels=bool(made.calibrations or made.errors),
            notes=notes,
        )

    def _answered(
        self, data: TrainingData, version: str, score: str | None
    ) -> tuple[pl.DataFrame, np.ndarray | None, str]:
        """Rows, and the model's answers to them: n rows, one column per output; else why there are
        none.
        """
        import polars as pl

        if score:
            column = data.rows[score]
            given = column if column.dtype == pl.String else column.cast(pl.Float64)
            return data.rows, given.to_numpy()[:, None], ""
        rows = data.rows.gather_every(-(-data.rows.height // ASKED) or 1)
        return rows, *self._ask(version, rows.select(data.inputs))

    def _ask(self, version: str, rows: pl.DataFrame) -> tuple[np.ndarray | None, str]:
        """The deployment's answers, in requests that are not logged; else why there are none."""
        import numpy as np

        found = []
        try:
            for start in range(0, rows.height, _AT_ONCE):
                answer = self.deployments.predict(
                    self.deployment, rows[start : start + _AT_ONCE], version=version, logged=False
                )
                found += [item if isinstance(item, list) else [item] for item in answer.predictions]
            named = any(isinstance(item, str) for row in found for item in row)
            return np.asarray(found, object if named else float), ""
        except (MLInfraError, ValueError) as error:
            return None, str(error)

    def _learned(
        self,
        made: Reference,
        data: TrainingData,
        rows: pl.DataFrame,
        answers: np.ndarray,
        label: str,
    ) -> Reference:
        import polars as pl

        outputs = [
            pl.Series(f"prediction_{place}" if place else "prediction", answers[:, place].tolist())
            for place in range(answers.shape[1])
        ]
        return labelled.learned(
            made,
            references.path_of(self.project, made.version),
            rows.select(data.inputs).with_columns(outputs),
            data.inputs,
            rows[label],
            answers_of(self.deployments, self.deployment),
        )
