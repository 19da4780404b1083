"""The verb that scores a whole dataset."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..core.errors import BadRequest, Unavailable
from .batch.spec import AT, MAX_ERRORS

if TYPE_CHECKING:
    from ..catalog import Mode
    from ..experiments import Version
    from .batch.submitting import Batches
    from .featuring import FeatureWish, Missing
    from .logged import Answers
    from .spec import BatchSubmission
    from .store import DeploymentStore


class BatchVerb:
    """A part of `Deployments`."""

    _batches: Callable[[], Batches] | None
    _store: DeploymentStore

    def batch(
        self,
        version: str,
        *,
        source: str,
        into: str,
        keep: Sequence[str] | None = None,
        answers: Answers | None = None,
        max_errors: float = MAX_ERRORS,
        mode: Mode = "append",
        again: bool = False,
        workers: int | None = None,
        new: bool = False,
        features: Sequence[str] | None = None,
        missing: Missing | None = None,
        defaults: Mapping[str, Any] | None = None,
        at: str = AT,
    ) -> BatchSubmission:
        """Score a dataset as a job, into another dataset: its rows with `prediction`,
        `model_version` and `error`, in one snapshot or none.

        version: `flights/2` or `flights@champion`. source: `ns.table`, at the snapshot of this
        moment, or `ns.table@SNAPSHOT`. keep: columns of the source in the result; None for all.
        answers: as for a deploy. max_errors: share of rows that may be refused; they have a reason
        in `error` and no prediction. mode: append keeps the rows that the target has, replace
        replaces them. again: add predictions that the target has already once more, else that is a
        Conflict. workers: serving processes; None: as many as a deployed version has, at most one a
        CPU. new: only rows that were added since the last batch of this source into this target,
        all if there was none; Conflict if the source was rewritten since. features, missing,
        defaults: as for a deploy, but as known at the time of each row, in the column `at`; None:
        those of a deployment of the version, if the dataset lacks inputs of the model. Raises
        NotFound, Unprocessable if the model cannot be served, is not trusted, or does not fit the
        dataset.
        """
        from .featuring import wish_of

        if self._batches is None:
            raise Unavailable("Batch jobs need a project with a catalog and jobs.")
        return self._batches().submit(
            version,
            source=source,
            into=into,
            keep=keep,
            answers=answers,
            max_errors=max_errors,
            mode=mode,
            again=again,
            workers=workers,
            new=new,
            wish=wish_of(features, missing, defaults),
            at=at,
            deployed=self._deployed_features,
        )

    def _deployed_features(self, version: Version) -> FeatureWish | None:
        """What the deployments of a version read from views. Raises BadRequest if they differ."""
        from .deployed import wish_in

        found = {
            row.name: wish
            for row in self._store.deployments()
            if row.model == version.model
            for item in row.versions
            if item.number == version.version and (wish := wish_in(item)) is not None
        }
        wishes = list(found.values())
        if any(wish != wishes[0] for wish in wishes):
            raise BadRequest(
                f"The deployments of {version.model}/{version.version} read different features.",
                f"They are {', '.join(sorted(found))}.",
                "Name those of this batch: --features VIEW (in Python features=[…])",
            )
        return wishes[0] if wishes else None
