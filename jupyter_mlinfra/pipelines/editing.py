"""Changes to the text of a pipeline file that keep everything else: comments, order, quotes, blank
lines.

The place of a value is found by parsing, and only its characters are replaced. The result is parsed
again: if it is not exactly what was requested, nothing is changed.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from ..core.errors import MLInfraError, Unprocessable
from .binding import OF_STEP
from .document import NOT_YAML, compose, parse_document

_PLAIN = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./@:%+~-]*")
_NOT_TEXT = re.compile(
    r"(?i)[-+.\d_]*|true|false|yes|no|on|off|y|n|null|~|[-+]?\.(inf|nan)|0[xob][0-9a-f_]+|[-+]?\d[\d.e+_:-]*"
)

Path = Sequence[str]
"""Keys from the top: ("steps", "train", "in")."""


def scalar(value: Any) -> str:
    """A value in YAML on one line; text without quotes where YAML reads it as text."""
    if isinstance(value, str):
        return (
            value
            if _PLAIN.fullmatch(value)
            and not _NOT_TEXT.fullmatch(value)
            and not value.endswith(":")
            else quoted(value)
        )
    if isinstance(value, Mapping):
        return (
            "{"
            + ", ".join(f"{scalar(str(key))}: {scalar(item)}" for key, item in value.items())
            + "}"
        )
    if isinstance(value, Sequence):
        return "[" + ", ".join(map(scalar, value)) + "]"
    return json.dumps(value)


def quoted(text: str) -> str:
    """A text between double quotes; characters that YAML cannot hold are escaped, as in JSON."""
    return NOT_YAML.sub(
        lambda found: json.dumps(found[0])[1:-1], json.dumps(text, ensure_ascii=False)
    )


def set_value(text: str, path: Path, value: Any) -> str:
    """`text` with `value` at `path`; None removes the key.

    Raises Unprocessable if the text is not YAML, or the place cannot be changed like this.
    """
    data = _read(text)
    expected = _own(data) or {}
    _apply(expected, path, value)
    return _checked(_set(text, _node(text), path, value), expected)


def parameters_text(parameters: Mapping[str, Any]) -> str:
    """Parameters in YAML, one `name: value` per line."""
    return "\n".join(f"{scalar(str(name))}: {scalar(value)}" for name, value in parameters.items())


def read_parameters(written: str) -> dict[str, Any]:
    """The parameters that a user wrote in YAML, or in JSON, which is YAML too. Raises Unprocessable
    for anything but a mapping.
    """
    found = _read(written, "The parameters")
    if isinstance(found, dict):
        return found
    kind = (
        "one text"
        if isinstance(found, str)
        else "a list"
        if isinstance(found, list)
        else "one value"
    )
    raise Unprocessable(
        "These are not parameters.",
        f"They read as {kind}.",
        "Write each name on its own line, with a space after the colon: k: 5",
    )


def set_parameters(text: str, path: Path, parameters: Mapping[str, Any]) -> str:
    """`text` with these parameters at `path`. Unchanged ones keep their place, quotes and comments.

    Raises Unprocessable as `set_value` does.
    """
    present: Any = _read(text)
    for key in path:
        present = present.get(key) if isinstance(present, dict) else None
    if (
        not isinstance(present, dict)
        or not set(present) & set(parameters)
        or any(value is None for value in parameters.values())
    ):
        return set_value(text, path, dict(parameters) or None)
    for name in present:
        if name not in parameters:
            text = set_value(text, [*path, str(name)], None)
    for name, value in parameters.items():
        if name not in present or (type(present[name]), present[name]) != (type(value), value):
            text = set_value(text, [*path, str(name)], value)
    return text


def free_name(text: str, path: Path) -> str:
    """The last key of `path`, or the first of `KEY-2`, `KEY-3`… that is free there. Raises
    Unprocessable if the text is not YAML.
    """
    data, (*around, key) = _read(text), path
    return next(
        name
        for name in itertools.chain([key], (f"{key}-{number}" for number in itertools.count(2)))
        if not _holds(data, [*around, name])
    )


def rename_step(text: str, old: str, new: str) -> str:
    """Rename the step, also where others take `step:OLD`. Raises Unprocessable as
    `set_value` does.
    """
    data = _read(text)
    steps = data.get("steps") if isinstance(data, dict) else None
    if not isinstance(steps, dict) or old not in steps or new in steps:
        raise _refused(
            f"Step {old} cannot be called {new}.",
            "There is no such step, or another has that name.",
        )
    expected = {
        **data,
        "steps": {
            new if name == old else name: _renamed(step, old, new) for name, step in steps.items()
        },
    }
    tree = _pair(_node(text), "steps")
    spans = []
    for key, step in tree[1].value if tree is not None else ():
        if key.value == old:
            spans.append((key.start_mark.index, key.end_mark.index, scalar(new)))
        inputs = _pair(step, "in") if isinstance(step, yaml.MappingNode) else None
        nodes = (
            []
            if inputs is None
            else inputs[1].value
            if isinstance(inputs[1], yaml.SequenceNode)
            else [inputs[1]]
        )
        spans += [
            (node.start_mark.index, node.end_mark.index, scalar(f"{OF_STEP}{new}"))
            for node in nodes
            if node.value == f"{OF_STEP}{old}"
        ]
    for start, end, replacement in sorted(spans, reverse=True):
        text = text[:start] + replacement + text[end:]
    return _checked(text, expected)


def _renamed(step: Any, old: str, new: str) -> Any:
    inputs = step.get("in") if isinstance(step, dict) else None
    if isinstance(inputs, str):
        inputs = f"{OF_STEP}{new}" if inputs == f"{OF_STEP}{old}" else inputs
    elif isinstance(inputs, list):
        inputs = [f"{OF_STEP}{new}" if item == f"{OF_STEP}{old}" else item for item in inputs]
    return step if inputs is None else {**step, "in": inputs}


def _read(text: str, name: str = "The text") -> Any:
    return parse_document(text, name).data if re.search(r"^\s*[^\s#]", text, re.MULTILINE) else {}


def _node(text: str) -> Any:
    return compose(text, "The text")


def _own(data: Any) -> Any:
    """A copy in which an alias has become a value of its own."""
    if isinstance(data, dict):
        return {key: _own(value) for key, value in data.items()}
    return [_own(value) for value in data] if isinstance(data, list) else data


def _holds(data: Any, path: Path) -> bool:
    for key in path:
        if not isinstance(data, dict) or key not in data:
            return False
        data = data[key]
    return True


def _apply(data: Any, path: Path, value: Any) -> None:
    for key in path[:-1]:
        if not isinstance(data, dict):
            raise _refused(
                f"{'.'.join(path)} cannot be set.",
                f"{key} is inside something that is not a mapping.",
            )
        if data.get(key) is None:
            data[key] = {}
        data = data[key]
    if not isinstance(data, dict):
        raise _refused(f"{'.'.join(path)} cannot be set.", "What is around it is not a mapping.")
    if value is None:
        data.pop(path[-1], None)
    else:
        data[path[-1]] = value


def _set(text: str, node: Any, path: Path, value: Any) -> str:
    """Go down to the mapping with the last key, or to the first missing key, and change the text
    there.
    """
    depth = 0
    while True:
        if not isinstance(node, yaml.MappingNode):  # an empty text
            return (
                text.rstrip("\n")
                + ("\n" if text.strip() else "")
                + _block(path[0], _nested(path[1:], value), 0)
                + "\n"
            )
        key, pair = path[depth], _pair(node, path[depth])
        empty = (
            pair is not None
            and isinstance(pair[1], yaml.ScalarNode)
            and pair[1].start_mark.index == pair[1].end_mark.index
        )
        if pair is None:
            return (
                text
                if value is None
                else _insert(text, node, key, _nested(path[depth + 1 :], value))
            )
        if depth == len(path) - 1 or empty:
            if value is None:
                return _remove(text, node, pair)
            return _replace(text, node, pair, _nested(path[depth + 1 :], value))
        node, depth = pair[1], depth + 1


def _nested(path: Path, value: Any) -> Any:
    for key in reversed(path):
        value = {key: value}
    return value


def _pair(node: Any, key: str) -> tuple[Any, Any] | None:
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return next(
        (
            (name, value)
            for name, value in pairs
            if isinstance(name, yaml.ScalarNode) and name.value == key
        ),
        None,
    )


def _end(node: Any) -> int:
    """Where the characters of a value end; a block ends with its last value, not with the comments
    after it.
    """
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last) or _end(last[0])
    return int(node.end_mark.index)


def _line_end(text: str, index: int) -> int:
    """The end of the line that contains `index`, including its comment; at the start of a line, the
    end of the line before.
    """
    if index and text[index - 1] == "\n":
        return index - 1
    found = text.find("\n", index)
    return len(text) if found < 0 else found


def _block(key: str, value: Any, indent: int) -> str:
    """`key: value`; steps and their contents, one per line."""
    pad = " " * indent
    if (
        isinstance(value, Mapping)
        and value
        and (indent == 0 or (indent < 4 and "notebook" in value))
    ):
        return f"{pad}{scalar(key)}:\n" + "\n".join(
            _block(str(name), item, indent + 2) for name, item in value.items()
        )
    return f"{pad}{scalar(key)}: {scalar(value)}"


def _insert(text: str, node: Any, key: str, value: Any) -> str:
    if node.flow_style:
        at = node.end_mark.index - 1
        return (
            text[:at].rstrip()
            + (", " if node.value else "")
            + f"{scalar(key)}: {scalar(value)}"
            + text[at:]
        )
    at = _line_end(text, max(_end(node.value[-1][1]), node.value[-1][0].end_mark.index))
    return text[:at] + "\n" + _block(key, value, node.start_mark.column) + (text[at:] or "\n")


def _replace(text: str, node: Any, pair: tuple[Any, Any], value: Any) -> str:
    key, old = pair
    start, end = old.start_mark.index, _end(old)
    if start < key.end_mark.index:
        raise _refused(
            f"{key.value} cannot be changed here.",
            "It is an alias of a value elsewhere in the file.",
        )
    if (
        isinstance(old, yaml.SequenceNode)
        and old.value
        and isinstance(value, Sequence)
        and not isinstance(value, str)
    ):
        kept_positions = _kept_positions([item.value for item in old.value], value)
        if kept_positions and (len(kept_positions) == len(old.value) or not old.flow_style):
            return _remove_items(
                _append(text, old, value[len(kept_positions) :]),
                [item for place, item in enumerate(old.value) if place not in kept_positions],
            )
    colon = text.index(":", key.end_mark.index)
    if isinstance(value, Mapping) and not node.flow_style:
        block = _block(str(key.value), value, key.start_mark.column)
        return text[: key.start_mark.index] + block.lstrip(" ") + text[max(end, colon + 1) :]
    tail = text[max(end, colon + 1) :]
    if isinstance(old, yaml.ScalarNode) and old.style in ("|", ">"):
        tail = "\n" + tail
    return text[: colon + 1] + " " + scalar(value) + tail


def _kept_positions(present: Sequence[Any], items: Sequence[Any]) -> list[int]:
    """Positions of the items that stay; what follows them in `items` is new."""
    positions: list[int] = []
    for item in items:
        first = positions[-1] + 1 if positions else 0
        match = next(
            (position for position in range(first, len(present)) if present[position] == str(item)),
            None,
        )
        if match is None:
            break
        positions.append(match)
    return positions


def _remove_items(text: str, items: Sequence[Any]) -> str:
    """Remove items of a block list with their lines; everything between, before and after them
    stays.
    """
    for item in reversed(items):
        start = item.start_mark.index
        first, at = text.rfind("\n", 0, start) + 1, _line_end(text, _end(item))
        if not re.fullmatch(r"\s*-\s+", text[first:start]):
            raise _refused(
                "That item cannot be removed here.",
                "It shares its line, or is elsewhere in the file.",
            )
        text = text[:first] + text[at + 1 :]
    return text


def _append(text: str, old: Any, items: Sequence[Any]) -> str:
    if not items:
        return text
    if old.flow_style:
        at = _end(old.value[-1])
        return text[:at] + "".join(f", {scalar(item)}" for item in items) + text[at:]
    at = _line_end(text, _end(old.value[-1]))
    return (
        text[:at]
        + "".join(f"\n{' ' * old.start_mark.column}- {scalar(item)}" for item in items)
        + text[at:]
    )


def _remove(text: str, node: Any, pair: tuple[Any, Any]) -> str:
    key, value = pair
    start, end = key.start_mark.index, max(_end(value), text.index(":", key.end_mark.index) + 1)
    if not node.flow_style:
        at = _line_end(text, end)
        first = text.rfind("\n", 0, start) + 1
        return (
            text[:first] + text[at + 1 :]
            if not text[first:start].strip()
            else text[:start] + text[at:]
        )
    if found := re.match(r"\s*,\s*", text[end:]):
        return text[:start] + text[end + found.end() :]
    return re.sub(r",\s*\Z", "", text[:start]) + text[end:]


def _checked(text: str, expected: Any) -> str:
    """The text, after a check that it means what it should."""
    try:
        actual = _read(text)
    except MLInfraError:
        actual = None
    if actual != expected and (actual or {}) != _without_empty(expected):
        raise _refused(
            "That cannot be changed here.",
            "The file is written in a way that needs editing by hand.",
        )
    return text


def _without_empty(value: Any) -> Any:
    """A block mapping that has lost its last key becomes nothing."""
    if not isinstance(value, dict):
        return value
    return {key: None if item == {} else _without_empty(item) for key, item in value.items()}


def _refused(problem: str, why: str) -> Unprocessable:
    return Unprocessable(problem, why, "Change it in Text.")
