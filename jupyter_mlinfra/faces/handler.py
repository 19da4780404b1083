"""The base of all handlers: parameters checked against the method's own signature, work in a
thread, errors in three parts.

A method of a handler is plain and blocking. Its positional parameters are the parts of the path, by
their names; its keyword-only parameters are the query of a GET and the JSON body of a POST; its
result is sent as JSON (`to_json`). The OpenAPI document is generated from the same signature (see
`openapi`).
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, wraps
from inspect import Parameter, signature
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal, get_args, get_type_hints, overload

import tornado.web as web
from jupyter_core.utils import ensure_async
from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler

from ..core.errors import BadRequest, MLInfraError, NotFound, TooLarge
from ..core.records import to_json
from ..core.waiting import waited_for

if TYPE_CHECKING:
    from pydantic import BaseModel

    from ..core.viewer import Viewer
    from ..jobs import Job
    from ..server.context import Context
    from ..server.verbs import Option
    from ..workbench import Workbench

BODY_MIB = 16
"""Largest request body. Larger data is ingested from files."""

LIST_MIB = 4
"""Largest answer that is a list, as far as returning fewer items makes it smaller."""

DEPTH = 100
"""How deep lists and objects in a request body may be nested: code that reads the values calls
itself for each level.
"""

PATH_LENGTH = 500
_NOT_OURS = {"token", "_xsrf", "no_track_activity"}  # query arguments that Jupyter itself reads
_CODES = {
    400: "bad_request",
    401: "forbidden",
    403: "forbidden",
    404: "not_found",
    405: "bad_request",
    409: "conflict",
    413: "too_large",
    503: "unavailable",
}

Action = Literal["read", "write", "execute"]
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One verb of a route, for the OpenAPI document and the tests. media: of the answer; what is
    not JSON is text that the method writes.
    """

    method: Callable[..., Any]
    action: Action
    resource: str
    media: str = JSON


class Handler(APIHandler):  # type: ignore[misc]
    """A route of the workbench. GET reads and changes nothing; POST is everything else."""

    SUPPORTED_METHODS = ("GET", "POST")

    viewer: Viewer | None = None
    """Who sees masked values in the answer; one for the whole request."""

    @property
    def context(self) -> Context:
        """What all handlers share."""
        found: Context = self.settings["mlinfra"]
        return found

    @property
    def bench(self) -> Workbench:
        """The workbench of the server's project. Raises NotFound outside a project."""
        return self.context.workbench()

    def as_job(self, verb: str, *operands: str, of: str, **options: Option | Sequence[str]) -> Job:
        """Do what may take long as a job, `mlinfra VERB OPTIONS -- OPERANDS` (see
        `server.verbs`).
        """
        return self.context.as_job(self.bench, verb, *operands, of=of, **options)

    async def allows(self, action: Action, resource: str) -> bool:
        """Whether the Jupyter server allows the user to do that. An authorizer is called on the
        event loop, as Jupyter does.
        """
        return bool(
            await ensure_async(
                self.authorizer.is_authorized(self, self.current_user, action, resource)
            )
        )

    def allowed(self, action: Action, domains: Iterable[str]) -> list[str]:
        """Those of the domains for which the user is allowed to do that; called from a worker
        thread.
        """

        async def ask() -> list[str]:
            return [domain for domain in domains if await self.allows(action, f"mlinfra:{domain}")]

        return self.context.on_loop(ask)

    def perform(
        self, method: Callable[..., Any], path: Mapping[str, str], media: str = JSON
    ) -> str:
        """Read the parameters, call `method`, and write its answer as JSON, or as the text that it
        is; runs in a worker thread.
        """
        for part in path.values():
            if len(part) > PATH_LENGTH or not part.isprintable():
                raise BadRequest(
                    "That is not a valid name.",
                    f"A name has at most {PATH_LENGTH} characters, all of them printable.",
                    "Check the address.",
                )
        parameters = parse(method, self.parameters())
        with waited_for(self._gone):
            if media != JSON:
                return str(method(self, **path, **parameters))
            return capped(lambda parameters: method(self, **path, **parameters), parameters)

    @cached_property
    def _gone(self) -> threading.Event:
        return threading.Event()

    def on_connection_close(self) -> None:
        """Tell the work that nobody waits for its answer; what writes goes on."""
        self._gone.set()
        super().on_connection_close()

    def parameters(self) -> dict[str, Any]:
        """The raw parameters of the query or the body. Raises BadRequest or TooLarge if they cannot
        be read.
        """
        return self._query() if self.request.method == "GET" else self._body()

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer an error in the parts that every interface shows; never with a traceback."""
        found = kwargs["exc_info"][1] if kwargs.get("exc_info") else None
        error = found if isinstance(found, MLInfraError) else self._foreign(status_code, found)
        code = (
            error.code
            if isinstance(found, MLInfraError)
            else _CODES.get(status_code, "internal" if status_code >= 500 else "bad_request")
        )
        self.set_status(error.status if isinstance(found, MLInfraError) else status_code)
        self.finish(
            json.dumps({"error": code, "message": error.what, "why": error.why, "fix": error.fix})
        )

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Our own errors are answers, not failures of the server: they need no traceback in its
        log.
        """
        if not isinstance(value, MLInfraError) or value.status == MLInfraError.status:
            super().log_exception(typ, value, tb)

    def _foreign(self, status: int, error: BaseException | None) -> MLInfraError:
        if isinstance(error, web.HTTPError):
            what = {
                403: "The Jupyter server refused the request.",
                405: f"{self.request.method} does nothing here.",
            }.get(status)
            return MLInfraError(
                what or error.reason or "The request was refused.",
                str(error.log_message or ""),
                "Sign in again." if status == 403 else "",
            )
        number = uuid.uuid4().hex[:8]
        self.log.error("mlinfra fault %s at %s", number, self.request.path)
        return MLInfraError(
            "The workbench failed.",
            f"{type(error).__name__}, a bug.",
            f"Look for {number} in the log of the Jupyter server.",
        )

    def _query(self) -> dict[str, Any]:
        parameters = {}
        for name, values in self.request.query_arguments.items():
            if name in _NOT_OURS:
                continue
            if len(values) > 1:
                raise BadRequest(
                    f"{name} is given {len(values)} times.",
                    fix="Give it once; separate several words by commas.",
                )
            try:
                parameters[name] = values[0].decode()
            except UnicodeDecodeError:
                raise BadRequest(f"{name} is not text.", "It is not UTF-8.") from None
        return parameters

    def _body(self) -> dict[str, Any]:
        body = self.request.body
        if len(body) > BODY_MIB << 20:
            raise TooLarge(
                "The request is too large.",
                f"A body has at most {BODY_MIB} MiB.",
                "Put the data into a file and ingest it.",
            )
        if not body.strip():
            return {}
        try:
            parameters = json.loads(body, parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            raise BadRequest(
                "The request body is not JSON.", f"{error}.", "Send one JSON object."
            ) from None
        if not isinstance(parameters, dict):
            raise BadRequest(
                "The request body is not a JSON object.",
                f"It is a {type(parameters).__name__}.",
                "Send {…} with the parameters by name.",
            )
        if _is_deeper(parameters, DEPTH):
            raise BadRequest(
                "The request body is nested too deep.",
                f"At most {DEPTH} lists and objects may be nested.",
                "Nest it less.",
            )
        return parameters


Slow = bool | Callable[[Handler], bool]


def capped(ask: Callable[[Mapping[str, Any]], Any], parameters: Mapping[str, Any]) -> str:
    """The answer as JSON; if it is a list or a block of over `LIST_MIB`, with a lower `limit` or
    `count`, so that it has fewer items and a way to the others. A single item is never cut.
    """
    found = ask(parameters)
    text, most = json.dumps(to_json(found)), LIST_MIB << 20
    size = "limit" if "limit" in parameters else "count"
    while len(text) > most and size in parameters and getattr(found, "shown", 0) > 1:
        # Half of what would fit, because items differ.
        parameters = {**parameters, size: max(1, found.shown * most // (2 * len(text)))}
        found = ask(parameters)
        text = json.dumps(to_json(found))
    return text


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a JSON value")


def _is_deeper(value: Any, depth: int) -> bool:
    """Whether lists and objects are nested deeper than that."""
    level = [value]
    for _ in range(depth):
        level = [
            item
            for found in level
            for item in (found.values() if isinstance(found, dict) else found)
            if isinstance(item, dict | list)
        ]
        if not level:
            return False
    return True


class Access:
    """A decorator for methods of handlers: what the caller must be allowed to do, in which domain.

    Each use creates an authorization of its own, with action and resource: jupyter_server's bare
    `@authorized` would keep those of the first request for every method that shares it.
    """

    def __init__(self, action: Action, domain: str) -> None:
        self.action = action
        self.resource = f"mlinfra:{domain}"

    @overload
    def __call__[F: Callable[..., Any]](self, method: F, /) -> F: ...
    @overload
    def __call__[F: Callable[..., Any]](
        self, method: None = None, /, *, slow: Slow, media: str = JSON
    ) -> Callable[[F], F]: ...
    def __call__(
        self,
        method: Callable[..., Any] | None = None,
        /,
        *,
        slow: Slow = False,
        media: str = JSON,
    ) -> Any:
        """Guard `method`. slow: it may take over a second (or a function that says whether it
        may), and gets a thread of its own kind. media: of an answer that is not JSON.
        """
        if method is None:
            return lambda method: _endpoint(method, self, slow=slow, media=media)
        return _endpoint(method, self, slow=slow, media=media)


def remote(handler: Handler) -> bool:
    """`slow` for reads of experiments: a remote server may answer late or never, the project's own
    file does not.
    """
    try:
        return handler.context.asks_tracking_server(handler.bench)
    except MLInfraError:  # no project, or broken settings: the answer reports it at once
        return False


def elsewhere(handler: Handler) -> bool:
    """`slow` for what may ask a cluster, which may answer late or never; a project with only local
    jobs asks none.
    """
    try:
        parameters, job = handler.parameters(), handler.path_kwargs.get("id")
        backends = (parameters.get("backend"), (parameters.get("needs") or {}).get("backend"))
        return handler.context.may_ask_cluster(
            handler.bench, job, *(name for name in backends if isinstance(name, str))
        )
    except (MLInfraError, AttributeError):
        # The answer reports at once what is wrong with the request.
        return False


def access(domain: str) -> tuple[Access, Access, Access]:
    """The decorators `read`, `write` and `execute` of one domain."""
    return Access("read", domain), Access("write", domain), Access("execute", domain)


def _endpoint(method: Callable[..., Any], access: Access, *, slow: Slow, media: str) -> Any:
    @wraps(method)
    async def answer(self: Handler, **path: str) -> None:
        for wake in self.settings["mlinfra_wake"]:
            wake()
        late = slow if isinstance(slow, bool) else await self.context.run(lambda: slow(self))
        body = await self.context.run(
            lambda: self.perform(method, path, media), writes=access.action != "read", slow=late
        )
        self.finish(body, set_content_type=media)

    answer.endpoint = Endpoint(method, access.action, access.resource, media)  # type: ignore[attr-defined]
    return web.authenticated(authorized(action=access.action, resource=access.resource)(answer))


@cache
def model_of(method: Callable[..., Any]) -> type[BaseModel] | None:
    """The pydantic model of a method's keyword-only parameters; None if it takes none. Other names
    are refused.

    `**facts: Unpack[Facts]` means the fields of that TypedDict, all optional.
    """
    from pydantic import ConfigDict, create_model

    named = {
        item.name: item
        for item in signature(method).parameters.values()
        if item.kind in (Parameter.KEYWORD_ONLY, Parameter.VAR_KEYWORD)
    }
    if not named:
        return None
    hints = get_type_hints(
        SimpleNamespace(__annotations__={name: item.annotation for name, item in named.items()}),
        method.__globals__,
        include_extras=True,
    )
    fields: dict[str, Any] = {}
    for name, item in named.items():
        if item.kind is Parameter.VAR_KEYWORD:
            fields |= {
                field: (hint, _usual(hint))
                for field, hint in get_type_hints(
                    get_args(hints[name])[0], include_extras=True
                ).items()
            }
        else:
            fields[name] = (hints[name], ... if item.default is Parameter.empty else item.default)
    return create_model(method.__qualname__, __config__=ConfigDict(extra="forbid"), **fields)


def _usual(hint: Any) -> Any:
    """What a field is when it is left out: what its type says, else None."""
    return next(
        (item.default for item in getattr(hint, "__metadata__", ()) if hasattr(item, "default")),
        None,
    )


def parse(method: Callable[..., Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of `method` in their types. Raises BadRequest that names the first fault."""
    from pydantic import ValidationError

    model = model_of(method)
    if model is None:
        if values:
            raise BadRequest(
                f"{next(iter(values))!r} is not a parameter here.", "This route takes none."
            )
        return {}
    try:
        found = model.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "The request"
        why, fix = _told(first["type"], first["msg"])
        fix = fix or f"Parameters: {', '.join(model.model_fields)}."
        raise BadRequest(f"{where[:200]} cannot be used.", why, fix) from None
    return {name: getattr(found, name) for name in model.model_fields}


def _told(kind: str, message: str) -> tuple[str, str]:
    """Why pydantic refuses a value, and how it is written where that is not plain."""
    if kind == "predicate_failed":
        return "It holds a NUL character.", ""
    if kind.startswith("datetime_"):
        return "It is not a time.", "Write it as 2026-03-01 12:00, or 2026-03-01T12:00Z."
    return f"{message}.", ""


def route_missing(path: str) -> NotFound:
    """The error for an address without a route."""
    return NotFound(
        f"There is no route {path}.",
        "This server's half of the workbench may be older than the front end.",
        "GET openapi.json lists every route.",
    )
