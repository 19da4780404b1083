"""What was made from features, by lineage: models before all, however many steps lie between."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...core.refs import Ref, decoded

if TYPE_CHECKING:
    from ...core.lineage import Edge

_FEATURE, _VIEW = "feature:", "view:"
_RANKS = {"version": 0, "deployment": 1, "run": 2, "dataset": 3, "step": 4, "job": 5, "notebook": 6}
"""What is told first."""

_FOLLOWED = ("dataset", "run", "version", "job", "notebook")
_MOST = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What was made from features. name: what people call it. aliases: of a version of a model.
    features: of the view. at: when the newest of it was made, ISO 8601.
    """

    ref: str
    kind: str
    name: str
    aliases: Sequence[str]
    features: Sequence[str]
    at: str


@dataclass(slots=True)
class Uses:
    """What was made from every feature. found: by feature and reference, when."""

    found: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def of(self, feature: str) -> Sequence[str]:
        """References by what they are, the newest first. feature: its reference."""
        return _ordered(self.found.get(feature, {}))


def uses_of(edges: Iterable[Edge]) -> Uses:
    """What lineage says, in one pass over its edges."""
    made, direct = dict[str, dict[str, str]](), dict[str, dict[str, str]]()
    written = dict[tuple[str, str], dict[str, str]]()
    for edge in edges:
        source, output = _plain(edge.input), _plain(edge.output)
        if source.startswith(_FEATURE):
            direct.setdefault(source, {})[output] = edge.at
        elif source.startswith(_VIEW):
            written.setdefault((source, _place(edge.job)), {})[output] = edge.at
        else:
            made.setdefault(source, {})[output] = edge.at
        if edge.output.startswith("run:"):  # whoever joined the features has tracked it
            made.setdefault(_place(edge.job), {})[output] = edge.at
    kept: dict[str, Mapping[str, str]] = {}
    found = {}
    for feature, joined in direct.items():
        # What the one who joined them has written from their view: `write(…, inputs=["view:…"])`.
        view = _VIEW + feature.removeprefix(_FEATURE).rpartition(":")[0]
        outputs = dict(joined)
        for place in joined:
            outputs |= written.get((view, _place(place)), {})
        # Somebody who joined them in a shell is no object that was made from them.
        reached = {ref: at for ref, at in outputs.items() if ref.partition(":")[0] in _RANKS}
        for output in outputs:
            if output not in kept:
                kept[output] = _beyond(output, made)
            reached |= kept[output]
        found[feature] = reached
    return Uses(found)


def _beyond(start: str, made: Mapping[str, Mapping[str, str]]) -> Mapping[str, str]:
    """All that was made from an object, at any distance."""
    reached, todo = dict[str, str](), [start]
    while todo and len(reached) < _MOST:
        ref = todo.pop()
        for output, at in {**made.get(ref, {}), **made.get(_place(ref), {})}.items():
            if output not in reached and output.partition(":")[0] in _RANKS:
                reached[output] = at
                if output.partition(":")[0] in _FOLLOWED:
                    todo.append(output)
    return {ref: at for ref, at in reached.items() if not _is_alias(ref)}


def records(
    found: Uses,
    features: Mapping[str, str],
    *,
    names: Callable[[Sequence[str]], Mapping[str, str]],
    aliases: Callable[[Sequence[str]], Mapping[str, Mapping[str, int]]],
) -> list[Use]:
    """The uses of these features (name by reference), champions first. names: of objects whose
    references hold an id. aliases: of models, alias → version.
    """
    by_ref: dict[str, tuple[str, list[str]]] = {}
    for feature, name in features.items():
        for ref, at in found.found.get(feature, {}).items():
            newest, some = by_ref.get(ref, ("", []))
            by_ref[ref] = max(newest, at), [*some, name]
    order = _ordered({ref: at for ref, (at, _) in by_ref.items()})
    called = names([ref for ref in order if ref.startswith(("run:", "job:"))])
    models = {_model(ref)[0] for ref in order if ref.startswith("version:")}
    of_models = aliases(sorted(models)) if models else {}
    uses = [
        Use(
            ref=ref,
            kind=ref.partition(":")[0],
            name=_name(ref, called),
            aliases=_aliases(ref, of_models),
            features=by_ref[ref][1],
            at=by_ref[ref][0],
        )
        for ref in order
    ]
    return sorted(uses, key=lambda use: (use.kind != "version", "champion" not in use.aliases))


def _name(ref: str, called: Mapping[str, str]) -> str:
    kind = ref.partition(":")[0]
    if kind == "version":
        model, number = _model(ref)
        return f"{model} v{number}"
    if kind in ("run", "job"):
        return called.get(ref, f"a {kind} without a name")
    return decoded(ref.partition(":")[2])


def _aliases(ref: str, of_models: Mapping[str, Mapping[str, int]]) -> list[str]:
    if not ref.startswith("version:"):
        return []
    model, number = _model(ref)
    own = [alias for alias, version in of_models.get(model, {}).items() if str(version) == number]
    return sorted(own, key=lambda alias: (alias != "champion", alias))


def _model(ref: str) -> tuple[str, str]:
    """Model and number of a version."""
    model, _, number = Ref.parse(ref).name.rpartition("/")
    return model, number


def _ordered(found: Mapping[str, str]) -> list[str]:
    newest = sorted(found, key=lambda ref: found[ref], reverse=True)
    return sorted(newest, key=lambda ref: _RANKS.get(ref.partition(":")[0], len(_RANKS)))


def _plain(ref: str) -> str:
    """Without the snapshot."""
    return ref if _is_alias(ref) else ref.partition("@")[0]


def _is_alias(ref: str) -> bool:
    """Whether it is another name of a version, `version:churn@champion`: the way goes on over it,
    and the version itself is told by its number.
    """
    return ref.startswith("version:") and "@" in ref


def _place(ref: str) -> str:
    """A notebook instead of one of its cells."""
    return ref.partition("#")[0] if ref.startswith("notebook:") else ref
