"""What a domain declares for the interfaces: references, events, states, records, routes, verbs,
magics, code, counts, tables and settings.

A declaration is in `domain.py` of the domain's folder, perhaps put together from parts in
`declared/`, and imports only this module. Whatever else
the interfaces need from a domain is named as `module:attribute` and loaded when it is used, so that
the command line starts fast and the supervisor stays small.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from ..workbench import Workbench

Tone = Literal["good", "bad", "busy", "quiet"]
"""How a state is shown: all is well; needs attention; in progress; none of these."""


def load(target: str) -> Any:
    """The object that `module:attribute` names."""
    module, _, attribute = target.partition(":")
    return getattr(import_module(module), attribute)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of reference. join: separator between the names of an object that belongs to another
    (`version:MODEL/NUMBER`). fingerprint: the service's method that shows whether such an object
    has changed, for kinds that can be a pipeline's inputs and outputs. code: `module:function` that
    gives the snippets of one or more references of this kind (see `core.snippets`). names: the
    service's method that gives the names of objects by their ids, in one query for all of them, for
    kinds whose references hold an id.
    """

    name: str
    join: str = ""
    fingerprint: str = ""
    code: str = ""
    names: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """A state of the domain's objects; its name is shown to users."""

    name: str
    tone: Tone


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A noun of the command line. commands: `module:attribute` of its verbs. begin: how to make the
    first object; shown with an empty list.
    """

    name: str
    help: str
    commands: str
    begin: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Magic:
    """A line magic: a short form of a group of the command line.

    bare: the verb if there are no words, or only `status`. other: the verb if the first word is not
    a verb. verbs: those that it has. aliases: its own names of verbs. rewrite: `module:function` of
    (verb, words) that changes the words after the verb.
    """

    name: str
    group: str
    bare: str = "list"
    other: str = "show"
    verbs: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    rewrite: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """Targets of the project card that the domain measures. name: stands for all of them if none
    can be measured. measure: `module:function` of a Workbench that yields a TargetCheck for each.
    """

    name: str
    measure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """One domain and all of its interfaces.

    name: of the service on the Workbench. open: makes the service for a Workbench. resource: the
    resource for Jupyter's authorizer; default: the name. searched: whether the service is a
    `core.search.Searchable`. records: names of the classes that have a row or a card, by module.
    shown: modules that register the rows and cards. routes: `module:attribute` of the handlers by
    path. calls: by name, `module:function` of a Workbench and keyword arguments that gives the
    snippets of a call, such as what a form will send. counts: functions of a Workbench that count
    objects, by their line in the status.
    tables: `module:function` of a Project that gives the `core.tables.Tables` of the domain: what
    SQL and the catalog read in the namespace of the domain's name, beside the datasets.
    settings: `module:attribute` of the class of each of its tables in `mlinfra.toml`, by name: its
    own, and `NAME.PLUGIN`. plugins: group of entry points whose classes may name a class
    of settings in `settings`, for the table `NAME.ENTRY_POINT`. clone: `module:function` of a
    JobSpec: the same without what ties the job to an object of this domain, since a clone stands
    alone. forget: `module:function` of a Project and the name of a dataset that removes what is
    kept of its values; called once one of its columns holds personal data.
    """

    name: str
    open: Callable[[Workbench], Any]
    resource: str = ""
    searched: bool = True
    kinds: tuple[Kind, ...] = ()
    topics: tuple[str, ...] = ()
    states: tuple[State, ...] = ()
    records: Mapping[str, Sequence[str]] = field(default_factory=dict)
    shown: tuple[str, ...] = ()
    routes: str = ""
    groups: tuple[Group, ...] = ()
    magics: tuple[Magic, ...] = ()
    calls: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[str, str] = field(default_factory=dict)
    tables: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    plugins: str = ""
    clone: str = ""
    forget: str = ""
    checks: Checks | None = None

    @property
    def guarded_as(self) -> str:
        """The resource of Jupyter's authorizer, without `mlinfra:`."""
        return self.resource or self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one room adds to the declaration of a large domain. verbs: of the magic of its name.
    records: as in `Domain`.
    """

    verbs: tuple[str, ...] = ()
    records: Mapping[str, Sequence[str]] = field(default_factory=dict)


def merged(*parts: Part) -> Part:
    """All of them as one, in their order."""
    records: dict[str, list[str]] = {}
    for part in parts:
        for module, names in part.records.items():
            records.setdefault(module, []).extend(names)
    return Part(verbs=tuple(verb for part in parts for verb in part.verbs), records=records)
