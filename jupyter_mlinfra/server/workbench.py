"""Routes of what belongs to no domain alone: search, counts, the project card, start and stop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from ..core.domain import Tone
from ..core.domains import domains, guarded, is_ours, kind_names
from ..core.errors import Conflict, Forbidden, MLInfraError, NotFound
from ..core.records import PAGE_LIMIT
from ..core.snippets import read_by
from ..faces.handler import Handler, access, parse, remote, route_missing
from ..faces.parameters import Cursor, Len, Limit, Many, Name, Text, Values, values, words
from ..faces.snippets import call_of, code_of

if TYPE_CHECKING:
    from ..core.search import HitPage
    from ..core.targets import TargetCheck
    from .context import Context

read, write, execute = access("workbench")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectRecord:
    """The project of this server. root: its folder. path: that folder in JupyterLab's file browser;
    None outside its root.
    """

    name: str
    root: str
    path: str | None
    title: str
    goal: str
    kpi: str
    owner: str
    user: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstNotebook:
    """The notebook of the first steps. path: in JupyterLab's file browser; None outside its
    root.
    """

    path: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainRecord:
    """A domain that is installed. kinds: of its references. topics: of its events. states: of its
    objects, each with its tone: good, bad, busy or quiet.
    """

    name: str
    kinds: Sequence[str]
    topics: Sequence[str]
    states: Mapping[str, Tone]


def _readable(handler: Handler) -> list[str]:
    """The domains whose objects the user may see."""
    resources = handler.allowed("read", dict.fromkeys(item.guarded_as for item in domains()))
    return [item.name for item in domains() if item.guarded_as in resources]


class Search(Handler):
    @read(slow=remote)
    def get(
        self,
        *,
        q: Text = "",
        kinds: Many = "",
        owner: Values = "",
        tag: Values = "",
        namespace: Values = "",
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> HitPage:
        """Objects of every domain whose name, columns, tags, owner or notes hold all words, of
        those that the user may read.

        With commas between, and a comma inside one as %2C: `kinds`, `owner` and `namespace` (one of
        them), `tag` (all of them). Beside `owner`, `tag` or `namespace` there may be no words.
        `note` names domains that could not be asked just now: what is found of them may be out of
        date.
        """
        chosen = words(kinds)
        if unknown := [kind for kind in chosen if kind not in kind_names()]:
            raise NotFound(
                f"There is no kind {unknown[0]}.", fix=f"Kinds: {', '.join(kind_names())}."
            )
        return self.bench.search(
            q,
            kinds=chosen,
            domains=_readable(self),
            owner=values(owner),
            tag=values(tag),
            namespace=values(namespace),
            limit=limit,
            cursor=cursor,
        )


class Status(Handler):
    @read(slow=remote)
    def get(self) -> Mapping[str, Mapping[str, int | str]]:
        """How much of everything there is, by domain, of those that the user may read; of one that
        cannot be counted, its `problem`.
        """
        return self.bench.status(_readable(self))


class DomainList(Handler):
    @read
    def get(self) -> Sequence[DomainRecord]:
        """The domains that are installed, those of other packages too."""
        return [
            DomainRecord(
                name=item.name,
                kinds=[kind.name for kind in item.kinds],
                topics=item.topics,
                states={state.name: state.tone for state in item.states},
            )
            for item in domains()
        ]


def _is_call(handler: Handler) -> bool:
    """`slow` for calls: their code may show what a remote catalog or registry has."""
    try:
        return bool(handler.parameters().get("call"))
    except (MLInfraError, AttributeError):  # the answer says what is wrong with the request
        return False


class Code(Handler):
    @read(slow=_is_call)
    def post(
        self,
        *,
        refs: Annotated[tuple[Name, ...], Len(0, PAGE_LIMIT)] = (),
        call: Text = "",
        values: dict[str, Any] | None = None,
    ) -> Mapping[str, str]:
        """The code of objects, or of a call with these values, in each interface that has it:
        python, magic, sql, cli, curl.
        """
        if not call:
            return code_of(refs)
        domain, function = call_of(call)
        needed, readable = {domain.name, *read_by(function)}, set(_readable(self))
        closed = {
            f"mlinfra:{item.guarded_as}" for item in domains() if item.name in needed - readable
        }
        if closed:
            raise Forbidden(
                "You may not do this.",
                f"The Jupyter server does not let you read {', '.join(sorted(closed))}.",
                "Ask who runs the server.",
            )
        arguments = parse(function, values or {})
        with guarded(domain.name, own=is_ours(domain.calls[call])):
            return function(self.bench, **arguments)


class Names(Handler):
    @read(slow=remote)
    def post(self, *, refs: Annotated[tuple[Name, ...], Len(0, PAGE_LIMIT)]) -> Mapping[str, str]:
        """Names of objects whose references hold an id (jobs, runs), by reference, of those that
        the user may read; without those that do not exist.
        """
        return self.bench.names(refs, _readable(self))


class ProjectPage(Handler):
    @read
    def get(self) -> ProjectRecord:
        """The project card."""
        return _record(self.context)


class Init(Handler):
    @write
    def post(self) -> ProjectRecord:
        """Make the server's root folder a project: a `mlinfra.toml` whose lines are all
        comments.
        """
        from ..core.first_steps import begin
        from ..core.settings import FILE

        try:
            root = self.bench.project.root
        except NotFound:
            begin(self.context.root)
            return _record(self.context)
        raise Conflict(f"{root} is a project already.", f"It has {FILE}.")


class FirstSteps(Handler):
    @write
    def post(self) -> FirstNotebook:
        """The notebook that goes through the project's first steps, made where there is none of its
        name.
        """
        from ..core.first_steps import first_notebook

        path = first_notebook(self.bench.project.root)
        return FirstNotebook(
            path=(
                path.relative_to(self.context.root).as_posix()
                if path.is_relative_to(self.context.root)
                else None
            )
        )


class Check(Handler):
    @execute(slow=True)
    def post(self) -> Sequence[TargetCheck]:
        """Measure each target of the project card that is about something the user may read; asks
        the live deployment for some seconds.
        """
        return self.bench.check(_readable(self))


class Up(Handler):
    @execute(slow=True)
    def post(self) -> Mapping[str, Any]:
        """Bring the supervisor and the deployments up."""
        return self.bench.up()


class Down(Handler):
    @execute(slow=True)
    def post(self) -> Mapping[str, Any]:
        """Stop everything that this project started."""
        return self.bench.down()


class OpenApi(Handler):
    @read
    def get(self) -> Mapping[str, Any]:
        """This document."""
        from .openapi import document

        return document()


class Missing(Handler):
    """Every other address below `/mlinfra/api`."""

    @read
    def get(self, path: str) -> None:
        raise route_missing(path)

    @read
    def post(self, path: str) -> None:
        raise route_missing(path)


def _record(context: Context) -> ProjectRecord:
    project = context.workbench().project
    card, server_root = project.settings.project, context.root
    return ProjectRecord(
        name=project.name,
        root=str(project.root),
        path=(
            project.root.relative_to(server_root).as_posix().removeprefix(".")
            if project.root.is_relative_to(server_root)
            else None
        ),
        title=card.title,
        goal=card.goal,
        kpi=card.kpi,
        owner=card.owner,
        user=project.user,
    )


ROUTES = {
    "workbench/search": Search,
    "workbench/status": Status,
    "workbench/domains": DomainList,
    "workbench/code": Code,
    "workbench/names": Names,
    "workbench/project": ProjectPage,
    "workbench/init": Init,
    "workbench/first-steps": FirstSteps,
    "workbench/check": Check,
    "workbench/up": Up,
    "workbench/down": Down,
    "openapi.json": OpenApi,
}
