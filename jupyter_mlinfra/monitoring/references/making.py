"""Makes the reference of a version from a dataset, with the answers that the model gives."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ...core.errors import MLInfraError, NotFound
from ...deployments import is_output
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

_NUMBERED = re.compile(r"t:\d+$")
"""What Seldon calls outputs that have no name."""

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
        from ...deployments import as_logged

        extra = [column for column in (label, score) if column]
        data = training_data(
            self.project, self.experiments, model_version, dataset=dataset, extra=extra
        )
        logged, columns = as_logged(data.asked, data.inputs)
        made = references.make(model_version, logged, None, made_from=data.dataset, inputs=columns)
        rows, answers, names, why = self._answered(data, version, score)
        notes = [f"The distribution of the answers is not known: {why}"] if why else []
        if answers is not None:
            if label:
                made = self._learned(made, data, rows, answers, label)
                notes += [_SEEN] if dataset is None else []
            classes = made.classes if len(made.classes) == answers.shape[1] else names
            made = references.with_score(made, answers, classes)
        elif label:
            notes.append(_NEEDED)
        references.save(self.project, made)
        return ReferenceReport(
            version=model_version,
            made_from=data.dataset,
            rows=data.rows.height,
            of_rows=data.of_rows,
            features=[column.name for column in made.columns],
            answers=answers is not None,
            labels=bool(made.calibrations or made.errors),
            notes=notes,
        )

    def _answered(
        self, data: TrainingData, version: str, score: str | None
    ) -> tuple[pl.DataFrame, np.ndarray | None, Sequence[str], str]:
        """Rows, and the model's answers to them: n rows, one column per output, and the names of
        these; else why there are none.
        """
        import polars as pl

        if score:
            column = data.rows[score]
            given = column if column.dtype == pl.String else column.cast(pl.Float64)
            return data.rows, given.to_numpy()[:, None], (), ""
        rows = data.rows.gather_every(-(-data.rows.height // ASKED) or 1)
        return rows, *self._ask(version, replace(data, rows=rows))

    def _ask(
        self, version: str, data: TrainingData
    ) -> tuple[np.ndarray | None, Sequence[str], str]:
        """The deployment's answers, in requests that are not logged, and the names of the outputs;
        else why there are none.
        """
        import numpy as np

        from ...deployments import request_of

        found, names, rows = [], list[str](), data.asked
        try:
            for start in range(0, rows.height, _AT_ONCE):
                body = request_of(rows[start : start + _AT_ONCE], data.inputs)
                answer = self.deployments.predict(
                    self.deployment, body, version=version, logged=False
                )
                found += [item if isinstance(item, list) else [item] for item in answer.predictions]
                names = [name for name in answer.names if not _NUMBERED.match(name)]
            if len(found) != rows.height:  # a row without a tensor cannot be asked
                return None, (), f"{len(found):,} of {rows.height:,} rows were answered."
            named = any(isinstance(item, str) for row in found for item in row)
            answers = np.asarray(found, object if named else float)
            return answers.reshape(len(found), -1), names, ""
        except (MLInfraError, ValueError) as error:
            return None, (), self._said(error)

    def _said(self, error: Exception) -> str:
        """What an error says, as far as it may be shown: the rest may repeat a value."""
        from ...deployments import hides_values

        if not hides_values(self.project):
            return str(error)
        return error.what if isinstance(error, MLInfraError) else type(error).__name__

    def _learned(
        self,
        made: Reference,
        data: TrainingData,
        rows: pl.DataFrame,
        answers: np.ndarray,
        label: str,
    ) -> Reference:
        import polars as pl

        from ...deployments import as_logged

        outputs = [
            pl.Series(f"prediction_{place}" if place else "prediction", answers[:, place].tolist())
            for place in range(answers.shape[1])
        ]
        inputs, _ = as_logged(replace(data, rows=rows).asked, data.inputs)
        compared = references.comparable(made)
        apart = {name: f"input.{name}" for name in compared if is_output(name)}
        return labelled.learned(
            made,
            references.path_of(self.project, made.version),
            inputs[compared].rename(apart).with_columns(outputs),
            compared,
            rows[label],
            answers_of(self.deployments, self.deployment),
        )
