"""The verbs of deployments that ask one: for predictions, for reasons, and what to ask with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..core.records import Page, page_of
from . import views
from .personal import hidden_inputs
from .spec import ExplainedAnswers, KnownRow, Prediction
from .targets.layout import payload_folder

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

    from ..core.project import Project
    from .packaging import Bundle
    from .rows import DeploymentRow
    from .store import DeploymentStore
    from .targets import DeploymentTarget


class AskingVerbs:
    """A part of `Deployments`."""

    _project: Project
    _store: DeploymentStore

    if TYPE_CHECKING:

        @property
        def _target(self) -> DeploymentTarget: ...

        def _url(self, row: DeploymentRow) -> str: ...

        def _bundle(self, row: DeploymentRow) -> Bundle: ...

    def predict(
        self,
        name: str,
        rows: Mapping[str, Any] | Sequence[Any] | pd.DataFrame | pl.DataFrame,
        *,
        version: str | None = None,
        logged: bool = True,
        params: Mapping[str, Any] | None = None,
    ) -> Prediction:
        """Send a request through the gateway. rows: mappings, a frame, the values of a model
        of one input, or a body of Seldon's protocol. Dates, bytes, lists and mappings are sent as
        the signature takes them.

        version: use this one whatever the traffic. logged: whether it counts, in the payload log
        and in the figures of the deployment. params: of the model's signature; it has defaults for
        the others. Raises BadRequest for what the signature refuses, Unavailable if nothing
        answers.
        """
        import orjson

        from . import client
        from .bodies import with_params

        row = self._store.deployment(name)
        if version is not None:
            version = row.version(version).version
        url = self._url(row)
        return client.prediction(
            client.post(
                url,
                orjson.dumps(with_params(client.request_body(rows), params)),
                keys=self._target.keys(),
                version=version,
                probe=not logged,
            ),
            version=version,
        )

    def explain(
        self,
        name: str,
        rows: Mapping[str, Any] | Sequence[Any] | pd.DataFrame | pl.DataFrame,
        *,
        version: str | None = None,
    ) -> ExplainedAnswers:
        """What each input contributed to the answers to some rows (as for `predict`, at most 100).
        It is computed in a serving process, and neither logged nor counted.

        Exact for XGBoost and LightGBM, on their raw margin; else Shapley values against the model's
        sample. Raises BadRequest for what the signature refuses and for answers that are texts or
        inputs that are tensors, Unavailable if nothing answers.
        """
        import orjson

        from . import client

        row = self._store.deployment(name)
        if version is not None:
            version = row.version(version).version
        body = orjson.dumps(client.request_body(rows))
        answer = client.post(
            views.explain_url(self._url(row)),
            body,
            keys=self._target.keys(),
            version=version,
            probe=True,
        )
        return client.explanation(answer, version=version)

    def known_rows(self, name: str, *, limit: int = 20) -> Page[KnownRow]:
        """Rows to try a deployment with: of the newest logged requests, newest first, then of the
        sample of the version with most traffic.
        """
        from . import known_rows

        bundle = self._bundle(self._store.deployment(name))
        masked = hidden_inputs(self._project).patterns
        found = known_rows.of(bundle, payload_folder(self._project, name), limit, masked)
        return page_of(found, limit=limit)

    def feedback(
        self, name: str, request_id: str, *, reward: float = 0.0, truth: Any = None
    ) -> None:
        """Report what an earlier answer was worth, or what would have been correct. request_id: of
        the prediction.
        """
        import orjson

        from . import client

        url = views.feedback_url(self._url(self._store.deployment(name)))
        message = client.feedback_body(request_id, reward=reward, truth=truth)
        answer = client.post(url, orjson.dumps(message), keys=self._target.keys())
        if answer.status != 200:
            raise client.refusal(answer)
