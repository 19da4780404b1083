"""Changes to the text of a rule file that keep everything else: comments, order, quotes.

The text of one rule is cut out, changed as a mapping of its own, and put back. The result is parsed
again: if it does not mean exactly what was asked for, nothing is changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from ...core.documents import compose, parse_document
from ...core.errors import MLInfraError, Unprocessable
from ...pipelines import set_value
from .file import KIND

NAME = "The text"


def change_rule(text: str, place: int, values: Mapping[str, Any]) -> str:
    """`text` with other values of the rule at `place`, from 0; None takes a key away.

    Raises Unprocessable if there is no such rule, or only an editor can do that.
    """
    expected = _read(text)
    item = _items(text, place).value[place]
    start, end = item.start_mark.index, _end(item)
    column = 0
    if not item.flow_style:
        column, end = item.start_mark.column, _line_end(text, end)
    part = _dedented(text[start:end], column)
    for key, value in values.items():
        part = set_value(part, [key], value)
    rule = expected["rules"][place]
    for key, value in values.items():
        rule.pop(key, None)
        if value is not None:
            rule[key] = value
    return _checked(text[:start] + _indented(part.rstrip("\n"), column) + text[end:], expected)


def add_rule(text: str, values: Mapping[str, Any]) -> str:
    """`text` with one more rule, at the end."""
    expected = _read(text)
    expected["rules"] = [*(expected.get("rules") or []), dict(values)]
    part = "{}"
    for key, value in values.items():
        part = set_value("" if part == "{}" else part, [key], value)
    part = part.rstrip("\n")
    node = _node_of_rules(text)
    if node is None or not node.value:
        head = f"{text.rstrip()}\n" if text.strip() else ""
        return _checked(f"{head}rules:\n  - {_indented(part, 4)}\n", expected)
    if node.flow_style:
        raise _refused()
    at, column = _line_end(text, _end(node)), node.start_mark.column
    added = f"\n{' ' * column}- {_indented(part, column + 2)}"
    return _checked(text[:at] + added + (text[at:] or "\n"), expected)


def remove_rule(text: str, place: int) -> str:
    """`text` without the rule at `place`. Raises Unprocessable for the only one."""
    expected = _read(text)
    node = _items(text, place)
    if len(expected["rules"]) == 1:
        raise Unprocessable(
            "It is the only rule of its file.",
            "A rule file has at least one rule.",
            "Switch it off, or delete the file.",
        )
    item = node.value[place]
    first = text.rfind("\n", 0, item.start_mark.index) + 1
    if node.flow_style or text[first : item.start_mark.index].strip() != "-":
        raise _refused()
    del expected["rules"][place]
    return _checked(text[:first] + text[_line_end(text, _end(item)) + 1 :], expected)


def _read(text: str) -> dict[str, Any]:
    """A copy of what a text says, which may have a fault in its meaning."""
    data = parse_document(text, NAME, KIND).data if text.strip() else {}
    rules = data.get("rules") if isinstance(data, dict) else ()
    if not isinstance(rules, list | None):
        raise Unprocessable(
            "The text has no list of rules.", "A rule file is a mapping.", "Begin with `rules:`."
        )
    copies = [dict(item) if isinstance(item, dict) else item for item in rules or []]
    return {**data, "rules": copies}


def _node_of_rules(text: str) -> Any:
    root = compose(text, NAME) if text.strip() else None
    pairs = root.value if isinstance(root, yaml.MappingNode) else []
    found = next((value for key, value in pairs if key.value == "rules"), None)
    return found if isinstance(found, yaml.SequenceNode) else None


def _items(text: str, place: int) -> Any:
    node = _node_of_rules(text)
    items = node.value if node is not None else []
    if not 0 <= place < len(items) or not isinstance(items[place], yaml.MappingNode):
        raise Unprocessable(
            f"There is no rule {place + 1}.", f"The text has {len(items)}.", "Read it again."
        )
    return node


def _end(node: Any) -> int:
    """Where the characters of a value end, without the comments after a block."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return max(map(_end, last)) if isinstance(last, tuple) else _end(last)
    return int(node.end_mark.index)


def _line_end(text: str, index: int) -> int:
    if index and text[index - 1] == "\n":
        return index - 1
    found = text.find("\n", index)
    return len(text) if found < 0 else found


def _dedented(part: str, column: int) -> str:
    first, *others = part.split("\n")
    if any(line[:column].strip() for line in others):
        raise _refused()
    return "\n".join([first, *(line[column:] for line in others)])


def _indented(part: str, column: int) -> str:
    return part.replace("\n", "\n" + " " * column)


def _checked(text: str, expected: Mapping[str, Any]) -> str:
    try:
        if _read(text) == expected:
            return text
    except MLInfraError:
        pass
    raise _refused()


def _refused() -> Unprocessable:
    return Unprocessable(
        "That cannot be changed here.",
        "The file is written in a way that needs editing by hand.",
        "Change it in the text.",
    )
