"""What the search index knows about experiments, runs, models and versions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..core.refs import reference
from ..core.search import Document
from .facts import RunFacts
from .query import parse_sort
from .source import Source

RUNS = 2000
"""Search finds only the newest runs; the filter of an experiment finds the others."""

VERSIONS = 200
_TEXT = 2000  # characters of parameters and tags per run


def documents(source: Source) -> Iterator[Document]:
    """All experiments, models and their newest versions, and the newest runs."""
    for experiment in source.experiments():
        yield Document(
            ref=experiment.ref,
            kind="experiment",
            name=experiment.name,
            text=experiment.id,
            detail="" if experiment.runs is None else f"{experiment.runs:,} runs",
        )
    models = source.models()
    for model in models:
        yield Document(
            ref=model.ref,
            kind="model",
            name=model.name,
            text=f"{model.description} {' '.join(model.aliases)}",
            detail=f"{model.versions} versions",
        )
        for version in source.versions(model.name, VERSIONS):
            aliases = ", ".join(sorted(version.aliases))
            text = _joined(
                [
                    version.run or "",
                    aliases,
                    *(f"{key}={value}" for key, value in version.tags.items()),
                ]
            )
            ref = reference("version", model.name, str(version.version))
            yield Document(
                ref=ref,
                kind="version",
                name=f"{model.name}/{version.version}",
                text=text,
                detail=aliases or "no alias",
            )
    for run in source.runs(None, None, parse_sort("-started"), None, RUNS).runs:
        yield Document(
            ref=f"run:{run.id}",
            kind="run",
            name=run.name or run.id[:8],
            text=_text(run),
            detail=_detail(run),
        )


def _text(run: RunFacts) -> str:
    tags = (
        f"{key}={value}"
        for key, value in run.tags.items()
        if not key.startswith("mlflow.") or key == "mlflow.note.content"
    )
    params = (f"{key}={value}" for key, value in run.params.items())
    return _joined(
        [
            run.id,
            run.experiment,
            run.user,
            run.status,
            *run.datasets,
            *run.versions,
            *run.metrics,
            *params,
            *tags,
        ]
    )


def _joined(parts: Iterable[str]) -> str:
    return " ".join(parts)[:_TEXT]


def _detail(run: RunFacts) -> str:
    metrics = ", ".join(f"{key} {value:.4g}" for key, value in list(run.metrics.items())[:2])
    return " · ".join(part for part in (run.experiment, run.status, metrics) if part)
