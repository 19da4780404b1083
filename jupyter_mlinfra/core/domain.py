"""What a domain declares of itself, so that the faces find it: references, events, states, records,
routes, verbs, magics and counts.

A declaration lies in `domain.py` of the domain's folder and imports nothing but this module. What
the faces need of a domain is named as `module:attribute` and loaded when it is used: the command
line starts fast, and the supervisor stays small.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from ..workbench import Workbench

Tone = Literal["good", "bad", "busy", "quiet"]
"""How a state is drawn: as it should be; needs somebody; under way; neither."""


def load(target: str) -> Any:
    """The object that `module:attribute` names."""
    module, _, attribute = target.partition(":")
    return getattr(import_module(module), attribute)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of references. join: what stands between the names of an object that belongs to
    another (`version:MODEL/NUMBER`). fingerprint: the service's method that says whether such an
    object has changed, for the kinds that a pipeline can take and make.
    """

    name: str
    join: str = ""
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """A state of the domain's objects; people read its name."""

    name: str
    tone: Tone


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A noun of the command line. commands: `module:attribute` of its verbs. begin: how the first
    object is made, for whoever lists none.
    """

    name: str
    help: str
    commands: str
    begin: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Magic:
    """A line magic, which writes a group of the command line shorter.

    bare: the verb without words, or with `status` alone. other: the verb before words whose first
    is no verb. verbs: those that it has. aliases: its own names of verbs. rest: `module:function`
    of (verb, words) that changes the words after the verb.
    """

    name: str
    group: str
    bare: str = "list"
    other: str = "show"
    verbs: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    rest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """Targets of the project card that the domain measures. name: of all of them, when none can be
    measured. measure: `module:function` of a Workbench that yields a TargetCheck each.
    """

    name: str
    measure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """One domain and all of its faces.

    name: of the service on the Workbench. open: makes the service for a Workbench. resource: what
    Jupyter's authorizer is asked for; default: the name. searched: whether the service is a
    `core.search.Searchable`. records: names of the classes that have a row or a card, by module.
    shown: modules that register the rows and cards. routes: `module:attribute` of the handlers by
    path. counts: functions of a Workbench that count objects, by their line of the status.
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
    counts: Mapping[str, str] = field(default_factory=dict)
    checks: Checks | None = None

    @property
    def guarded_as(self) -> str:
        """The resource of Jupyter's authorizer, without `mlinfra:`."""
        return self.resource or self.name
