"""The verb from a feature to the code that made it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from ...core.errors import MLInfraError, NotFound
from ...core.refs import Ref, reference
from ..causes.likely import feature_of, likely
from ..causes.spec import FeatureCause
from ..snippets import cause_code
from .heat import HeatVerbs

if TYPE_CHECKING:
    from ...experiments import Version
    from ..alerts.store import AlertStore
    from ..spec import Alert


EXPLAINED = 20
"""Causes that one round looks for: each is a trace through lineage and notebooks."""


class CauseVerbs(HeatVerbs):
    """Where the features of a model come from; a base of `Monitoring`."""

    _alerts: AlertStore

    def cause(self, name: str, feature: str, *, version: str | None = None) -> FeatureCause:
        """Where a feature comes from: the training data, through lineage the step of a pipeline and
        the cell that made it, and what the newest run of that step has there instead.

        Nothing is run: notebooks and modules are read. What is not known is among the reasons.
        version: `v3`; by default the one with most of the traffic. Raises NotFound if the model has
        no such input.
        """
        from ..causes.tracing import Tracer

        monitor = self._store.show(name)
        _, model_version = self._version_of(monitor.deployment, version)
        column, reasons = self._input_of(model_version, feature)
        trained = self._experiments.version(model_version)
        datasets = [ref for ref in trained.datasets if ref.startswith("dataset:")]
        if not datasets:
            reasons.append(_no_dataset(trained))
        return FeatureCause(
            monitor=name,
            feature=feature,
            version=f"version:{model_version}",
            run=reference("run", trained.run) if trained.run else "",
            sources=Tracer(self._project).sources(
                [Ref.parse(ref) for ref in datasets], column, trained.created_at
            ),
            reasons=reasons,
            code=cause_code(name, feature),
        )

    def explain(self, name: str) -> None:
        """Look once for the likely cause of each alert that fires over a feature; of many in this
        round and the next ones.
        """
        for alert in self._alerts.unexplained(name)[:EXPLAINED]:
            self._alerts.explain(alert, self._likely(alert))

    def _likely(self, alert: Alert) -> str:
        """What a trace names first; empty if it names nothing, as for a version that has left."""
        if not (feature := feature_of(alert)):
            return ""
        with contextlib.suppress(MLInfraError):
            return likely(self.cause(alert.monitor, feature, version=alert.version or None))
        return ""

    def _input_of(self, model_version: str, feature: str) -> tuple[str, list[str]]:
        """The input of a feature, which may be a measure or a part of it such as `x.mean`; reasons
        why that cannot be told. Raises NotFound if the model has no such input.
        """
        try:
            inputs = self._experiments.signature(model_version)["inputs"]
        except MLInfraError as error:
            return feature, [f"The inputs of {model_version} are not known: {error}"]
        names = [str(item["name"]) for item in inputs if "name" in item]
        whole = feature if feature in names else feature.rpartition(".")[0]
        if names and whole not in names:
            more = ", …" if len(names) > 20 else ""
            raise NotFound(
                f"{model_version} has no input {feature}.",
                f"Its inputs are: {', '.join(names[:20])}{more}.",
                "Give the name of one of them.",
            )
        if not names:
            return feature, [f"The signature of {model_version} does not name its inputs."]
        return whole, []


def _no_dataset(trained: Version) -> str:
    return (
        "What it was trained on is not known: its run names no dataset of the catalog."
        " Name it: ml.track(…, datasets=[…])"
        if trained.run
        else "What it was trained on is not known: it was registered without a run."
    )
