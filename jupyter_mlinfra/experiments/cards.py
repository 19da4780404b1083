"""The model card of a version: what it is, what it takes and answers, what it was trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import MLInfraError
from . import artifacts
from .facts import VersionFacts
from .spec import Run, Version

if TYPE_CHECKING:
    from .registry import Registry
    from .source import Source

SHOWN = 500
"""Inputs, requirements and parameters of a card, at most."""

_OURS = "mlinfra."
_REGISTERED_BY = "mlinfra.registered_by"


@dataclass(frozen=True, slots=True, kw_only=True)
class CardColumn:
    """One input or output of the signature. type: in MLflow's words, with the shape of a tensor."""

    name: str
    type: str
    required: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """One version with all that is known of it.

    owner: who registered it, else who ran it. description: of the version. flavors: the libraries
    that can load it; python: with which it was logged. inputs, outputs, requirements, params: at
    most 500 of each; `left_out` counts what is not in them. size_bytes: of its files; None if they
    are not on this machine. run: that made it; None if it is gone. unread: why its files could not
    be read, usually empty.
    """

    version: Version
    description: str
    owner: str
    tags: Mapping[str, str]
    flavors: Sequence[str]
    python: str
    inputs: Sequence[CardColumn]
    outputs: Sequence[CardColumn]
    requirements: Sequence[str]
    params: Mapping[str, str]
    left_out: int
    size_bytes: int | None
    run: Run | None
    unread: str


def card_of(facts: VersionFacts, source: Source, registry: Registry) -> ModelCard:
    """The card. Files that cannot be read are reported in it."""
    found = source.several([facts.run]) if facts.run else []
    version = facts.record(found[0] if found else None, registry.examined(facts))
    run = found[0].record() if found else None
    folder, unread = None, ""
    document: Mapping[str, Any] = {}
    stated: Mapping[str, Sequence[Mapping[str, Any]]] = {}
    requirements: Sequence[str] = ()
    try:
        folder = registry.local_folder(facts)
        if folder is not None:
            document = artifacts.read_mlmodel(folder) or {}
            stated, requirements = artifacts.signature(folder), artifacts.requirements(folder)
    except MLInfraError as error:
        unread = f"{error.what} {error.why} {error.fix}".strip()
    except (OSError, ValueError) as error:
        unread = f"Its files cannot be read: {error}."
    sides = [[_column(item) for item in stated.get(side, ())] for side in ("inputs", "outputs")]
    params = dict(sorted(run.params.items())) if run else {}
    parts = (*sides, requirements, list(params))
    return ModelCard(
        version=version,
        description=facts.description,
        owner=facts.tags.get(_REGISTERED_BY, "") or (run.user if run else ""),
        tags={key: value for key, value in facts.tags.items() if not key.startswith(_OURS)},
        flavors=[str(name) for name in artifacts.mapping(document.get("flavors"))],
        python=(artifacts.python_version(folder) or "") if folder and not unread else "",
        inputs=sides[0][:SHOWN],
        outputs=sides[1][:SHOWN],
        requirements=list(requirements)[:SHOWN],
        params=dict(list(params.items())[:SHOWN]),
        left_out=sum(max(0, len(part) - SHOWN) for part in parts),
        size_bytes=_size(folder) if folder else None,
        run=run,
        unread=unread,
    )


def _column(item: Mapping[str, Any]) -> CardColumn:
    """A column of a signature as MLflow writes it."""
    kind = str(item.get("type", ""))
    tensor = artifacts.mapping(item.get("tensor-spec"))
    if tensor:
        kind = f"{tensor.get('dtype', kind)} {list(tensor.get('shape', ()))}"
    return CardColumn(
        name=str(item.get("name", "")), type=kind, required=item.get("required") is not False
    )


def _size(folder: Path) -> int | None:
    try:
        return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    except OSError:
        return None
