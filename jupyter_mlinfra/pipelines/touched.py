"""What a notebook takes and makes, as far as its code shows: the files, datasets, views and models
that it names literally.

Nothing is run. Names that are computed while it runs are not found, nor what is read in an unusual
way: the result is a proposal to start from.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ..core.errors import BadRequest
from ..core.refs import reference
from ..notebooks.syntax import parse
from .notebook import Notebook
from .references import kind_of

_READERS = re.compile(r"(read|scan)_\w+|load(_\w+)?|loadtxt|genfromtxt|imread")
_WRITERS = re.compile(
    r"(write|sink)_\w+|to_(csv|parquet|json|pickle|feather|excel|hdf|orc|html|markdown|xml|zarr|netcdf)"
    r"|(save|dump)(_\w+)?|savefig|savez|savetxt|imwrite|imsave"
)
_OF_PATH = {
    "read_text": False,
    "read_bytes": False,
    "write_text": True,
    "write_bytes": True,
    "touch": True,
}
"""Methods of a path → whether they make the file."""
_PATH = re.compile(r"[^\s*?{}\[\]<>|]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """References and paths, each in the order of the code; paths as the notebook writes them. What
    it makes is not among what it takes.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(slots=True)
class _Found:
    names: dict[str, str] = field(default_factory=dict)
    takes: dict[str, None] = field(default_factory=dict)
    makes: dict[str, None] = field(default_factory=dict)


def touched(notebook: Notebook) -> Touched:
    """What a Python notebook takes and makes; empty for another language."""
    found = _Found()
    trees = (
        [tree for cell in notebook.cells if (tree := parse(cell.source)) is not None]
        if notebook.language == "python"
        else []
    )
    for tree in trees:
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Assign)
                and len(node.targets) == 1
                and isinstance(node.targets[0], ast.Name)
            ):
                text = _text(node.value, found.names)
                if text is not None:
                    found.names.setdefault(node.targets[0].id, text)
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                _read_call(node, found)
    return Touched(
        inputs=tuple(item for item in found.takes if item not in found.makes),
        outputs=tuple(found.makes),
    )


def _read_call(call: ast.Call, found: _Found) -> None:
    name = (
        call.func.attr
        if isinstance(call.func, ast.Attribute)
        else call.func.id
        if isinstance(call.func, ast.Name)
        else ""
    )
    first = call.args[0] if call.args else None
    text = _text(first, found.names) if first is not None else None
    options = {word.arg: word.value for word in call.keywords if word.arg}
    for kind, made in _of_workbench(
        name, text, _receiver(call, found.names), first, options, found.names
    ):
        (found.makes if made else found.takes)[kind] = None
    for value in options.values():
        found.takes.update(
            dict.fromkeys(item for item in _texts(value, found.names) if _is_reference(item))
        )
    if name in _OF_PATH and isinstance(call.func, ast.Attribute):
        _add_file(_text(call.func.value, found.names), found, made=_OF_PATH[name])
    elif name == "open":
        _read_open(call, text, options, found)
    elif _READERS.fullmatch(name):
        _add_file(text, found, made=False)
    elif _WRITERS.fullmatch(name):
        last = _text(call.args[-1], found.names) if call.args else None
        _add_file(
            next((item for item in (text, last) if item is not None and _is_file(item)), None),
            found,
            made=True,
        )


def _read_open(
    call: ast.Call, text: str | None, options: Mapping[str, ast.expr], found: _Found
) -> None:
    """`open(path, mode)` and `path.open(mode)`."""
    of_path = isinstance(call.func, ast.Attribute)
    path = _text(call.func.value, found.names) if isinstance(call.func, ast.Attribute) else text
    modes = call.args if of_path else call.args[1:]
    mode = _text(modes[0] if modes else options.get("mode"), found.names) or "r"
    _add_file(path, found, made=any(sign in mode for sign in "wax"))


def _receiver(call: ast.Call, names: Mapping[str, str]) -> tuple[str, str]:
    """(`dataset`, NAME) of `ml.dataset(NAME).write(…)`: the object of the method, if it is such a
    call itself.
    """
    match call.func:
        case ast.Attribute(
            value=ast.Call(func=ast.Attribute(attr=kind) | ast.Name(id=kind), args=[only, *_])
        ):
            return kind, _text(only, names) or ""
    return "", ""


def _of_workbench(
    name: str,
    text: str | None,
    receiver: tuple[str, str],
    first: ast.expr | None,
    options: Mapping[str, ast.expr],
    names: Mapping[str, str],
) -> Iterator[tuple[str, bool]]:
    """(reference, whether it is made) of a call to the workbench: `ml.dataset(NAME)`,
    `ml.write(frame, into=NAME)`, …
    """
    into = _text(options.get("into"), names) or (receiver[1] if receiver[0] == "dataset" else "")
    if name in ("write", "ingest") and into:
        yield from _reference("dataset", into, made=True)
        yield from (
            (item, False) for item in _texts(first, names) if name == "ingest" and _is_file(item)
        )
    elif name == "register" and (model := _text(options.get("model"), names) or text):
        yield from _reference("model", model, made=True)
    elif name == "features":
        for view in dict.fromkeys(item.partition(":")[0] for item in _texts(first, names)):
            yield from _reference("view", view, made=False)
    elif name == "model" and text:
        yield from _reference(
            "version" if "@" in text else "model", text.partition("/")[0], made=False
        )
    elif name in ("dataset", "deployment", "monitor") and text:
        yield from _reference(name, text, made=False)
    elif name == "deploy" and text:
        yield from _reference("deployment", text, made=True)
    elif name == "watch" and (
        monitor := _text(options.get("name"), names)
        or text
        or (receiver[1] if receiver[0] == "deployment" else "")
    ):
        yield from _reference("monitor", monitor, made=True)


def _reference(kind: str, name: str, *, made: bool) -> Iterator[tuple[str, bool]]:
    """One reference, unless the text cannot be a name."""
    plain, _, at = name.partition("@")
    try:
        yield reference(kind, plain) + (f"@{at}" if at else ""), made
    except BadRequest:
        return


def _add_file(path: str | None, found: _Found, *, made: bool) -> None:
    if path is not None and _is_file(path):
        (found.makes if made else found.takes)[path] = None


def _is_file(text: str) -> bool:
    """Whether a text looks like the path of a file: it has an extension or a folder, and is not an
    address.
    """
    return (
        bool(_PATH.fullmatch(text))
        and "://" not in text
        and bool(re.search(r"[^/.]\.\w{1,12}\Z|\w/\w", text))
        and not _is_reference(text)
    )


def _is_reference(text: str) -> bool:
    return kind_of(text) != "file" and re.fullmatch(r"\w+:\S+", text) is not None


def _texts(node: ast.expr | None, names: Mapping[str, str]) -> list[str]:
    """The texts of a list, or the single text."""
    parts = (
        node.elts
        if isinstance(node, ast.List | ast.Tuple | ast.Set)
        else []
        if node is None
        else [node]
    )
    return [text for part in parts if (text := _text(part, names)) is not None]


def _text(node: ast.expr | None, names: Mapping[str, str]) -> str | None:
    """The text of an expression if it is certain: a literal, a name that is set to one, `Path(a) /
    b`, an f-string of such.
    """
    match node:
        case ast.Constant(value=str(value)):
            return value
        case ast.Name(id=name):
            return names.get(name)
        case ast.Call(
            func=ast.Name(id="Path") | ast.Attribute(attr="Path"), args=[only], keywords=[]
        ):
            return _text(only, names)
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            parts = _text(left, names), _text(right, names)
            return (
                None
                if parts[0] is None or parts[1] is None
                else f"{parts[0].rstrip('/')}/{parts[1]}"
            )
        case ast.JoinedStr(values=values):
            found = [
                _text(value.value if isinstance(value, ast.FormattedValue) else value, names)
                for value in values
            ]
            return None if None in found else "".join(item for item in found if item is not None)
    return None
