"""The code of any objects and calls: what their domains write, put together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby

from ..core.domain import Domain, load
from ..core.domains import domains, guarded, is_ours, kind_of
from ..core.errors import NotFound
from ..core.refs import Ref
from ..core.snippets import Snippets, joined


def code_of(refs: Sequence[str]) -> Snippets:
    """How each interface opens the objects, in their order; neighbours of one kind together. Those
    of a kind without code are left out. Raises BadRequest for what is not a reference.
    """
    parsed = [Ref.parse(ref) for ref in refs]
    found = [_code(kind, list(some)) for kind, some in groupby(parsed, lambda ref: ref.kind)]
    return joined([snippets for snippets in found if snippets])


def call_of(name: str) -> tuple[Domain, Callable[..., Snippets]]:
    """The domain of a call, and the function that writes its code. Raises NotFound."""
    for domain in domains():
        if name in domain.calls:
            return domain, load(domain.calls[name])
    calls = sorted(call for domain in domains() for call in domain.calls)
    raise NotFound(f"There is no call {name[:100]}.", fix=f"Calls: {', '.join(calls)}.")


def _code(kind: str, refs: Sequence[Ref]) -> Snippets:
    spec = kind_of(kind)
    if spec is None or not spec.code:
        return {}
    with guarded(kind, own=is_ours(spec.code)):
        snippets: Snippets = load(spec.code)(refs)
    return snippets
