"""What the search finds of deployments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ..core.errors import MLInfraError
from ..core.search import Document
from .packaging import load_bundle
from .rows import DeploymentRow


def fingerprint(rows: Sequence[DeploymentRow]) -> str:
    """Changes when a deployment or one of its versions does."""
    return repr(
        [
            (
                row.name,
                row.updated_at,
                [(item.version, item.traffic, item.state) for item in row.versions],
            )
            for row in rows
        ]
    )


def documents(rows: Sequence[DeploymentRow]) -> Iterator[Document]:
    """Every deployment; found by its name, its model, its versions and their inputs."""
    for row in rows:
        shares = ", ".join(
            f"{version} {percent} %" for version, percent in row.traffic.items() if percent
        )
        yield Document(
            ref=f"deployment:{row.name}",
            kind="deployment",
            name=row.name,
            text=" ".join([row.model, *row.traffic, *_inputs(row)]),
            detail=f"model {row.model}: {shares or 'no traffic'}",
        )


def _inputs(row: DeploymentRow) -> Sequence[str]:
    """The columns of a request; none if the bundle is gone, so that it is still found by name."""
    if row.packaged is None:
        return ()
    try:
        return [column.name for column in load_bundle(Path(row.packaged.bundle)).columns]
    except MLInfraError:
        return ()
