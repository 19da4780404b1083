"""The verbs of experiments on one version of a model: look at it, load it, delete it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ..core.errors import Conflict
from ..core.events import telling
from ..core.refs import reference
from . import artifacts, cards, loading

if TYPE_CHECKING:
    from ..core.project import Project
    from .facts import VersionFacts
    from .registry import Registry
    from .source import Source
    from .spec import Version


class Use(Protocol):
    """Something that keeps a version. what: in words. fix: the command that ends it."""

    @property
    def what(self) -> str: ...
    @property
    def fix(self) -> str: ...


class Uses(Protocol):
    """Who uses versions of models, and keeps a log of their end."""

    def uses_of(self, model: str, number: int) -> Sequence[Use]: ...
    def note_deleted(self, model: str, number: int, *, reason: str = "") -> None: ...


class Unused:
    """Nobody uses any version, as in a project without deployments."""

    def uses_of(self, model: str, number: int) -> Sequence[Use]:  # noqa: ARG002
        """Nothing."""
        return ()

    def note_deleted(self, model: str, number: int, *, reason: str = "") -> None:
        """There is no log."""


class VersionVerbs:
    """A part of `Experiments`."""

    _project: Project
    _registry: Registry
    _uses: Callable[[], Uses]

    def activate(self) -> None:
        raise NotImplementedError

    def _source(self) -> Source:
        raise NotImplementedError

    def version(self, ref: str) -> Version:
        """A version by `model/3` or `model@alias`."""
        return self._version(self._registry.find(ref))

    def card(self, ref: str) -> cards.ModelCard:
        """All that is known of a version. Its files are read as text; none is fetched."""
        return cards.card_of(self._registry.find(ref), self._source(), self._registry)

    def head(self, ref: str) -> Path:
        """A folder with at least a version's `MLmodel`: of remote files it alone is fetched."""
        return self._registry.head(self._registry.find(ref))

    def download(self, ref: str) -> Path:
        """The folder of a version's files; the caller must not change it.

        Files on this machine are checked against the digest noted at registration. A copy of remote
        files is checked against the digest from when it was fetched, and fetched again if it
        differs.
        """
        return self._registry.download(self._registry.find(ref))

    def registered_here(self, ref: str, *, folder: Path | None = None) -> bool:
        """Whether this project registered the version with the files that it has now; the tags of a
        registry can be written by others too. folder: a copy whose files are compared instead.
        """
        return self._registry.registered_here(self._registry.find(ref), folder)

    def requirements(self, ref: str) -> list[str]:
        """The packages that a version was logged with, as lines of a requirements file."""
        return artifacts.requirements(self.download(ref))

    def signature(self, ref: str) -> dict[str, list[dict[str, Any]]]:
        """`inputs` and `outputs` of a version: one mapping a column with `name`, `type`,
        `required`.
        """
        return artifacts.signature(self.download(ref))

    def load(self, ref: str) -> Any:
        """The model in its own library. May run code from its files: only for kernels and jobs,
        never for a server.
        """
        folder = self.download(ref)
        self.activate()
        return loading.load(folder)

    def delete_version(self, ref: str, *, reason: str = "") -> Version:
        """Take a version out of the registry, for good; returns it as it was. Its run stays, with
        the files that the run logged.

        reason: for the audit log. Raises Conflict while an alias points at it, or a deployment
        of this project keeps it.
        """
        facts = self._registry.find(ref)
        deleted = self._version(facts)
        self._registry.delete(facts, check=self._check_unused)
        with telling(f"{deleted.ref} is deleted"):
            self._uses().note_deleted(facts.model, facts.version, reason=reason)
            self._project.events.emit(
                "model",
                reference("model", facts.model),
                {"verb": "delete", "version": facts.version, "reason": reason},
            )
        return deleted

    def _check_unused(self, facts: VersionFacts) -> None:
        """Raise Conflict while an alias points at a version, or a deployment keeps it."""
        name = f"{facts.model}/{facts.version}"
        if facts.aliases:
            raise Conflict(
                f"{name} was not deleted.",
                f"It is {' and '.join(sorted(facts.aliases))}.",
                f"mlinfra models promote {facts.model}/OTHER --alias {min(facts.aliases)}",
            )
        if found := self._uses().uses_of(facts.model, facts.version):
            has = "; ".join(use.what for use in found)
            raise Conflict(f"{name} was not deleted.", f"It has {has}.", found[0].fix)

    def _version(self, facts: VersionFacts) -> Version:
        runs = self._source().several([facts.run]) if facts.run else []
        return facts.record(runs[0] if runs else None, self._registry.examined(facts))
