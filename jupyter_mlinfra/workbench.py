"""Workbench: the one object that opens a project and gives access to its domains."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .core.domain import Domain
from .core.domains import domain_of, domains, guarded, ours
from .core.errors import MLInfraError, Unavailable, raise_all, tried
from .core.project import Project, find_root
from .core.records import PAGE_LIMIT, every

if TYPE_CHECKING:
    from .catalog import Catalog
    from .core.children import Children
    from .core.search import HitPage
    from .core.targets import TargetCheck
    from .deployments import Deployments
    from .experiments import Experiments
    from .features import Features
    from .jobs import Jobs
    from .monitoring import Alerts, Monitoring
    from .pipelines import Pipelines, Schedules

_ASK_AGAIN_SECONDS = 30.0


class Workbench:
    """A project and its domains. Opening costs nothing; each domain is created when it is first
    used. children: processes for what users give to run, where many users share this process.
    """

    opener = f"{__name__}:current"
    """`module:function` by which a process that a domain starts opens the project."""

    def __init__(self, project: Project, children: Children | None = None) -> None:
        self.project = project
        self.children = children
        self._down: dict[str, tuple[float, str]] = {}

    @classmethod
    def open(cls, path: Path | str | None = None) -> Workbench:
        """The project at or above `path` (default: MLINFRA_PROJECT, else the working directory).

        Raises NotFound when there is none.
        """
        return cls(Project.open(path))

    if TYPE_CHECKING:  # what `__getattr__` gives for our own domains
        catalog: Catalog
        features: Features
        jobs: Jobs
        pipelines: Pipelines
        schedules: Schedules
        experiments: Experiments
        deployments: Deployments
        monitoring: Monitoring
        alerts: Alerts

    def __getattr__(self, name: str) -> Any:
        """The service of a domain, made at its first use."""
        found = None if name.startswith("_") else domain_of(name)
        if found is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        service = self.__dict__[name] = found.open(self)
        return service

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *(item.name for item in domains())})

    def search(
        self,
        words: str,
        *,
        kinds: Sequence[str] = (),
        domains: Sequence[str] | None = None,
        owner: Sequence[str] = (),
        tag: Sequence[str] = (),
        namespace: Sequence[str] = (),
        limit: int = 50,
        cursor: str | None = None,
    ) -> HitPage:
        """Objects of these domains, or of all, whose name, columns, tags, owner or notes hold all
        `words`. owner, namespace: of one of these; tag: with all of these; then the words may be
        empty.

        A domain that cannot be read is searched as it was last indexed; the page's `note` names it.
        """
        from .core.search import chosen

        searched = [item for item in _chosen(domains) if item.searched]
        domains = [item.name for item in searched]
        notes = [note for item in searched if (note := self._refreshed(item))]
        return replace(
            self.project.index.search(
                words,
                kinds=kinds,
                domains=domains,
                facets=chosen(owner=owner, tag=tag, namespace=namespace),
                limit=limit,
                cursor=cursor,
            ),
            note=" ".join(notes),
        )

    def names(self, refs: Sequence[str], domains: Sequence[str] | None = None) -> Mapping[str, str]:
        """Names of the objects of these domains, or of all, whose references hold an id (jobs,
        runs), by reference; one query per kind. A store that cannot be read names none of its
        objects.
        """
        ids: dict[str, dict[str, list[str]]] = {}
        for ref in refs:
            prefix, _, id = ref.partition("@")[0].partition(":")
            ids.setdefault(prefix, {}).setdefault(id, []).append(ref)
        found: dict[str, str] = {}
        for item in _chosen(domains):
            for kind in item.kinds:
                if kind.names and (asked := ids.get(kind.name)):
                    with (
                        contextlib.suppress(MLInfraError),
                        guarded(item.name, own=item in ours()),
                    ):
                        names = getattr(getattr(self, item.name), kind.names)(list(asked))
                        found |= {
                            ref: name for id, name in names.items() if name for ref in asked[id]
                        }
        return found

    def status(self, domains: Sequence[str] | None = None) -> dict[str, dict[str, int | str]]:
        """How much of everything these domains, or all, have; for one that cannot be counted, its
        `problem`.
        """
        from .readiness import counts

        return counts(self, _chosen(domains))

    def check(self, domains: Sequence[str] | None = None) -> list[TargetCheck]:
        """Whether this installation meets the targets of the project card that are about these
        domains, or all targets, each by a measurement.
        """
        from .readiness import check

        return check(self, _chosen(domains))

    def up(self) -> dict[str, Any]:
        """Start the supervisor, with schedules and monitors, and all deployments again, also after
        a reboot.
        """
        self.monitoring.schedule()
        supervisor = self.jobs.start()
        self.schedules.start()
        return {
            "supervisor": supervisor.pid,
            "deployments": [item.name for item in self.deployments.up()],
        }

    def heal(self) -> None:
        """Start again what died while there is work for it: supervisor, followers, keeper. The
        Jupyter server does this in the background; reading never does.

        All of it is tried. Raises what went wrong at the end.
        """
        if self.project.state.exists():
            failed = tried(self._schedule_monitors)
            failed += tried(lambda: self.jobs.heal())
            failed += tried(lambda: self.deployments.heal())
            raise_all(failed)

    def _schedule_monitors(self) -> None:
        if self.monitoring.schedule():
            self.jobs.heed_alarms(start=False)  # not a supervisor that a user stopped

    def down(self) -> dict[str, Any]:
        """Stop everything that this project started: deployments, their gateway, running jobs, the
        supervisor.

        Every part is tried, whatever fails; Unavailable, raised at the end, lists what could not be
        stopped or recorded, or what still runs if the state folder cannot be written.
        """
        stopped: list[str] = []
        failed = tried(lambda: self.schedules.stop())  # first: a due time would start a run
        # A driver would otherwise submit its next step.
        failed += tried(lambda: self.pipelines.stop())
        failed += tried(lambda: stopped.extend(item.name for item in self.deployments.down()))
        failed += tried(lambda: self.jobs.stop(cancel_running=True))
        if failed and not os.access(home := self.project.home, os.W_OK):
            running = self._running()
            what = "The project was not stopped." if running else "The stop was not recorded."
            found = running or "No supervisor and no deployment of it runs."
            why = f"Its state folder {home} cannot be written. {found}"
            fix = (
                "Let this user write it, or mount it so that it can be written; then: mlinfra down"
            )
            raise Unavailable(what, why, fix) from failed[0]
        raise_all(failed, "Not everything was stopped.")
        return {"supervisor": None, "deployments": stopped}

    def _running(self) -> str:
        """What of this project runs, in a sentence; empty if nothing does."""
        found: list[str] = []
        with contextlib.suppress(MLInfraError):
            if (pid := self.jobs.supervisor().pid) is not None:
                found.append(f"the supervisor (process {pid})")
        with contextlib.suppress(MLInfraError):
            live = [item.name for item in every(self.deployments.list) if item.state != "down"]
            found += [f"deployment {name}" for name in live]
        return f"Running: {', '.join(found)}." if found else ""

    def _refreshed(self, item: Domain) -> str:
        """Bring the search index up to date with a domain; returns what prevents it. A store that
        is down is not asked again for a while.
        """
        domain = item.name
        again, note = self._down.get(domain, (0.0, ""))
        if time.monotonic() < again:
            return note
        try:
            with guarded(domain, own=item in ours()):
                self.project.index.follow(domain, getattr(self, domain))
        except MLInfraError as error:
            self._down[domain] = (
                time.monotonic() + _ASK_AGAIN_SECONDS,
                f"Search results of {domain} may be out of date: {error.what}",
            )
            return self._down[domain][1]
        self._down.pop(domain, None)
        return ""

    # What one domain needs of those above it.

    def environment(self, environment: Mapping[str, str]) -> Mapping[str, str]:
        """The environment of a job, with the address of the tracking store."""
        from .experiments import with_store

        return with_store(self.project, environment)

    def runs_of_steps(self, run: str) -> Sequence[tuple[str, str]]:
        """(step, id) of each tracked run that carries the tag of a pipeline run; an id that
        the store does not accept finds nothing.
        """
        if not run.isalnum():
            return []
        found = self.experiments.runs(
            None, where=f"tags.`mlinfra.run` = '{run}'", sort="started", limit=PAGE_LIMIT
        ).items
        return [(item.step.partition("/")[2], item.id) for item in found if item.step]

    def aliases(self, models: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
        """The aliases of these models, alias → version; none of a store that cannot be read."""
        with contextlib.suppress(MLInfraError):
            return {
                item.name: item.aliases
                for item in every(self.experiments.models)
                if item.name in models
            }
        return {}

    def run_of_job(self, job: str) -> str | None:
        """Id of the newest tracked run that carries the tag of a job."""
        found = self.experiments.runs(None, where=f"job = '{job}'", limit=1).items
        return found[0].id if found else None

    def fingerprints(self) -> Mapping[str, Callable[[str], str | None]]:
        """What tells whether an object has changed, by kind. A cached pipeline must not open a
        domain that none of its references names.
        """

        def of(domain: Domain, method: str) -> Callable[[str], str | None]:
            return lambda name: getattr(getattr(self, domain.name), method)(name)

        return {
            kind.name: of(item, kind.fingerprint)
            for item in domains()
            for kind in item.kinds
            if kind.fingerprint
        }

    @staticmethod
    def unservable(document: Mapping[str, Any], folder: Path | None) -> str:
        """Why a model cannot be deployed, by what its `MLmodel` and its files say."""
        from .deployments import unservable

        return unservable(document, folder)

    @staticmethod
    def runs_code(document: Mapping[str, Any]) -> bool:
        """Whether loading a model may run code from its files, by what its `MLmodel` says."""
        from .deployments import runs_code

        return runs_code(document)


def _chosen(names: Sequence[str] | None) -> Sequence[Domain]:
    return [item for item in domains() if names is None or item.name in names]


_open: dict[Path, Workbench] = {}
os.register_at_fork(after_in_child=_open.clear)  # a child must not share its parent's connections


def current(path: Path | str | None = None) -> Workbench:
    """The workbench of the project around `path`: the same object for the same project."""
    root = find_root(path)
    if root not in _open:
        _open[root] = Workbench(Project(root))
    return _open[root]
