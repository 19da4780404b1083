"""The installed domains: ours in their order, then those of other packages, found through the entry
points of the group `mlinfra.domains`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import is_dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any, get_type_hints

from .domain import Domain, Kind, load
from .errors import MLInfraError, Unavailable

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from .settings import Section

GROUP = "mlinfra.domains"
_PACKAGE = __package__.partition(".")[0]
_OURS = (
    "catalog",
    "catalog.quarantined",
    "features",
    "jobs",
    "pipelines",
    "pipelines.schedules",
    "experiments",
    "deployments",
    "monitoring",
    "monitoring.alerts",
)
"""Folders with a `domain.py`, in the order of lists. Ours are not entry points: looking for entry
points reads the metadata of everything that is installed.
"""
_RESERVED = {
    *(
        f"name {name}"
        for name in (
            *(
                "aliases",
                "check",
                "children",
                "down",
                "environment",
                "fingerprints",
                "heal",
                "home",
                "names",
            ),
            *("open", "opener", "project"),
            *("run_of_job", "runs_code", "runs_of_steps", "search", "status", "unservable", "up"),
        )
    ),
    *(f"command {name}" for name in ("status", "search", "up", "down", "init", "project", "help")),
}
"""What the Workbench and the command line have of their own."""
_NAME = re.compile(r"(name|resource|kind|topic|command|magic) [a-z][a-z0-9_-]*|status .+")
_log = logging.getLogger(__name__)


@cache
def ours() -> tuple[Domain, ...]:
    """The domains of this package."""
    return tuple(load(f"{_PACKAGE}.{folder}.domain:DOMAIN") for folder in _OURS)


@cache
def domains() -> tuple[Domain, ...]:
    """All domains. One that cannot be used is left out, and the log says why."""
    return (*ours(), *_others())


def domain_of(name: str) -> Domain | None:
    """The domain of that name."""
    return next((item for item in ours() if item.name == name), None) or next(
        (item for item in domains() if item.name == name), None
    )


def kind_of(name: str) -> Kind | None:
    """The kind of reference with that name; other packages are searched only if ours lack it."""
    return _our_kinds().get(name) or _kinds().get(name)


def kind_names() -> tuple[str, ...]:
    """The names of all kinds of references."""
    return tuple(_kinds())


def topics() -> tuple[str, ...]:
    """The topics of all events."""
    return tuple(dict.fromkeys(topic for item in domains() for topic in item.topics))


def is_ours(target: str) -> bool:
    """Whether a `module:attribute` is of this package."""
    return target.startswith(f"{_PACKAGE}.")


def settings_of_ours() -> tuple[str, ...]:
    """The sections of `mlinfra.toml` that this package reads, but for `project`."""
    return (*(folder for folder in _OURS if "." not in folder), "lineage")


@cache
def section_of(table: str) -> type[Section] | None:
    """The class of the settings in a table of `mlinfra.toml`; None if no installed package reads
    it.
    """
    from .card import ProjectCard
    from .lineage.settings import LineageSettings

    name, _, plugin = table.partition(".")
    for core in (ProjectCard, LineageSettings):
        if table == core.TABLE:
            return core
    found = load(f"{_PACKAGE}.{name}.domain:DOMAIN") if name in _OURS else domain_of(name)
    if found is None:
        return None
    if target := found.settings.get(table):
        return _section(table, partial(load, target))
    if plugin and found.plugins:
        from importlib.metadata import entry_points

        for point in entry_points(group=found.plugins, name=plugin):
            return _section(table, partial(_settings_of, point))
    return None


def _settings_of(point: EntryPoint) -> Any:
    return getattr(point.load(), "settings", None)


def _section(table: str, read: Callable[[], Any]) -> type[Section] | None:
    """What a package declares for a table. If that fails, the table is not checked: the project
    still opens, and only reading the table fails.
    """
    from .settings import Section, Unchecked

    try:
        found = read()
        if found is None:
            return None
        if isinstance(found, type) and issubclass(found, Section) and table == found.TABLE:
            return found
        why = f"{found!r} is not a Section with TABLE = {table!r}."
    except (Exception, SystemExit) as error:  # noqa: BLE001  # one bad package must not break all commands
        why = _described(error)
    _log.warning("The settings of %s are not checked: %s", table, why)
    return Unchecked


@contextlib.contextmanager
def guarded(name: str, *, own: bool) -> Iterator[None]:
    """Work that calls a domain. own: of this package, whose errors pass as they are.

    Raises Unavailable, and logs why, when the code of another package fails or tries to end the
    process.
    """
    try:
        yield
    except MLInfraError:
        raise
    except (Exception, SystemExit) as error:
        if own:
            raise
        why = _described(error)
        _log.warning("The domain %s failed: %s", name, why)
        _log.debug("Where it failed:", exc_info=True)
        raise Unavailable(
            f"The domain {name} failed.",
            why,
            "Report it to the authors of its package, or remove the package.",
        ) from error


@cache
def _our_kinds() -> dict[str, Kind]:
    return {kind.name: kind for item in ours() for kind in item.kinds}


@cache
def _kinds() -> dict[str, Kind]:
    return {kind.name: kind for item in domains() for kind in item.kinds}


def _others() -> Iterator[Domain]:
    taken = _RESERVED | _claimed_names(*ours())
    for point in sorted(_entry_points(), key=lambda point: point.name):
        try:
            # What it prints must not get into an answer of the command line.
            with contextlib.redirect_stdout(sys.stderr):
                found = point.load()
            why = _fault(found, taken)
        except (Exception, SystemExit) as error:  # noqa: BLE001  # one bad package must not break all commands
            why = _described(error)
        if why:
            _log.warning("The domain %s is left out: %s", point.name, why)
        else:
            taken |= _claimed_names(found)
            yield found


def _fault(found: object, taken: set[str]) -> str:
    """Why what an entry point names cannot be used as a domain; empty if it can."""
    if not isinstance(found, Domain):
        return f"{found!r} is not a Domain."
    if mistyped := _mistyped(found):
        return mistyped
    names = _claimed_names(found)
    if clash := taken & names:
        return f"{', '.join(sorted(clash))} is taken."
    # They become parts of Python code, commands and addresses.
    odd = sorted(
        name for name in {*names, f"resource {found.guarded_as}"} if not _NAME.fullmatch(name)
    )
    if odd:
        return f"{', '.join(odd)} has other characters than a-z, 0-9, _ and -."
    return "" if found.name.isidentifier() else f"name {found.name} is not a name in Python."


def _mistyped(declared: Any) -> str:
    """The first field of a declaration, or of one within it, that has another type than it says."""
    from typeguard import CollectionCheckStrategy, TypeCheckError, check_type

    for name, hint in get_type_hints(type(declared), localns={"Workbench": Any}).items():
        value = getattr(declared, name)
        try:
            check_type(value, hint, collection_check_strategy=CollectionCheckStrategy.ALL_ITEMS)
        except TypeCheckError as error:
            return f"{type(declared).__name__}.{name} is wrong: {error}."
        for part in value if isinstance(value, tuple) else (value,):
            if is_dataclass(part) and (why := _mistyped(part)):
                return why
    return ""


def _described(error: BaseException) -> str:
    """An error of another package's code; its own text may fail too."""
    with contextlib.suppress(Exception):
        return f"{type(error).__name__}: {error}"
    return type(error).__name__


def _entry_points() -> Iterator[EntryPoint]:
    """Entry points of the group. `importlib.metadata.entry_points` would read and parse the files
    of all packages, which costs five times as much at each start.
    """
    for folder in dict.fromkeys(sys.path):
        with contextlib.suppress(OSError):  # an archive, or a missing folder
            for name in os.listdir(folder or os.curdir):
                if name.endswith("-info") and _names_domains(os.path.join(folder, name)):
                    from importlib.metadata import Distribution

                    found = Distribution.at(os.path.join(folder, name))
                    yield from found.entry_points.select(group=GROUP)


def _names_domains(folder: str) -> bool:
    try:
        with open(f"{folder}/entry_points.txt", "rb") as file:
            return f"[{GROUP}]".encode() in file.read()
    except OSError:
        return False


def _claimed_names(*declared: Domain) -> set[str]:
    """Names that two domains cannot both have, such as `kind dataset`."""
    return {
        name
        for item in declared
        for name in (
            f"name {item.name}",
            *(f"kind {kind.name}" for kind in item.kinds),
            *(f"topic {topic}" for topic in item.topics),
            *(f"command {group.name}" for group in item.groups),
            *(f"magic {magic.name}" for magic in item.magics),
            *(f"status {line}" for line in item.counts),
        )
    }
