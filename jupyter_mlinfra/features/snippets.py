"""Code for views and features: what panels insert and what `use` returns. Each piece runs
as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .store import Definition


def training_code(refs: Sequence[str], views: Sequence[Definition]) -> str:
    """Python for a training set of `refs`; it begins with example rows, which users replace by
    their own.
    """
    keys = list(dict.fromkeys(key.name for view in views for key in view.keys))
    columns = ", ".join([*keys, "event_timestamp"])
    return (
        "import jupyter_mlinfra as ml\n\n"
        f"features = {_list(refs)}\n"
        f"entities = ml.features(features).examples()  # your own rows: {columns}\n"
        "train = ml.features(features).training_set(entities)\n"
        "train"
    )


def view_code(view: Definition) -> Mapping[str, str]:
    """The code drawers of a view."""
    ref = f"{view.name}:*"
    keys = " ".join(f"--key {key.name}={_example(key.type)}" for key in view.keys)
    code = {
        "python": training_code([ref], [view]),
        "magic": f"%features use {ref}",
        "cli": f"mlinfra features show {view.name}",
    }
    return (
        code | {"online": f"mlinfra features online {ref} {keys}".strip()} if view.online else code
    )


def _list(refs: Sequence[str]) -> str:
    if len(refs) <= 3:
        return "[" + ", ".join(f'"{ref}"' for ref in refs) + "]"
    return "[\n" + "".join(f'    "{ref}",\n' for ref in refs) + "]"


def _example(kind: str) -> str:
    return "1" if kind.startswith("INT") else "VALUE"
