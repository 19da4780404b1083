"""The verb from a feature to the code that made it."""

from __future__ import annotations

from ...core.errors import MLInfraError, NotFound
from ...core.refs import Ref, reference
from ...experiments import Version
from ..causes.spec import FeatureCause
from ..causes.tracing import Tracer
from ..snippets import cause_code
from .heat import HeatVerbs


class CauseVerbs(HeatVerbs):
    """Where the features of a model come from; a base of `Monitoring`."""

    def cause(self, name: str, feature: str, *, version: str | None = None) -> FeatureCause:
        """Where a feature comes from: the training data, through lineage the step of a pipeline and
        the cell that made it, and what the newest run of that step has there instead.

        Nothing is run: notebooks and modules are read. What is not known is among the reasons.
        version: `v3`; by default the one with most of the traffic. Raises NotFound if the model has
        no such input.
        """
        monitor = self._store.show(name)
        _, model_version = self._version_of(monitor.deployment, version)
        reasons = self._check_input(model_version, feature)
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
                [Ref.parse(ref) for ref in datasets], feature, trained.created_at
            ),
            reasons=reasons,
            code=cause_code(name, feature),
        )

    def _check_input(self, model_version: str, feature: str) -> list[str]:
        """Raise NotFound if the model has no such input; reasons why that cannot be told."""
        try:
            inputs = self._experiments.signature(model_version)["inputs"]
        except MLInfraError as error:
            return [f"The inputs of {model_version} are not known: {error}"]
        names = [str(item["name"]) for item in inputs if "name" in item]
        if names and feature not in names:
            more = ", …" if len(names) > 20 else ""
            raise NotFound(
                f"{model_version} has no input {feature}.",
                f"Its inputs are: {', '.join(names[:20])}{more}.",
                "Give the name of one of them.",
            )
        return [] if names else [f"The signature of {model_version} does not name its inputs."]


def _no_dataset(trained: Version) -> str:
    return (
        "What it was trained on is not known: its run names no dataset of the catalog."
        " Name it: ml.track(…, datasets=[…])"
        if trained.run
        else "What it was trained on is not known: it was registered without a run."
    )
