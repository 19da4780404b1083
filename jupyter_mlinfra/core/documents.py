"""A YAML document in which every value knows its line, so that errors can point at it."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .errors import NotFound, TooLarge, Unprocessable

MAX_BYTES = 1_000_000
MAX_DEPTH = 50
MAX_DIGITS = 1000
"""Python writes no number of more than 4,300 decimal digits, and `0x…` may mean one."""
MAX_WRITTEN = 50_000
"""Keys and values that a file may have: PyYAML reads some 30,000 a second."""
MAX_VALUES = 100_000
"""An alias can stand for ten others, and so on: a file of 1 kB may mean 10^9 values."""

NOT_YAML: re.Pattern[str] = yaml.reader.Reader.NON_PRINTABLE
"""A character that no YAML file may contain: control characters, halves of characters
(surrogates).
"""

_HALF = re.compile("[\ud800-\udfff]")

_NOT_SEARCHED = {"node_modules", "__pycache__", "site-packages"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FileKind:
    """How messages speak of a kind of file.

    noun: what one is called. empty: what an empty one lacks, and what to write. listing: the
    command that shows the files there are. too_large: what to do with one that is too large.
    """

    noun: str
    empty: tuple[str, str]
    listing: str
    too_large: str


KeyPath = tuple[str | int, ...]
"""The position of a value: keys and list positions from the top, such as ("steps", "train", "in",
0).
"""


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file. data: plain Python values. lines: where each key or list item begins, from
    1.
    """

    name: str
    data: Any
    lines: Mapping[KeyPath, int]

    def line(self, path: KeyPath) -> int:
        """Line of the value at `path`, or of the nearest value around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def error(self, path: KeyPath, what: str, why: str = "", fix: str = "") -> Unprocessable:
        """An error that names this file and the line of `path`."""
        return Unprocessable(f"{self.name}, line {self.line(path)}: {what}", why, fix)


class _TooManyError(Exception):
    """More keys and values than are read."""


class _Loader(yaml.SafeLoader):
    """SafeLoader with the plain values of YAML 1.2's core schema, and `<<`.

    PyYAML follows YAML 1.1: there `1e-3` is text, but 12:30 (750), no (false) and 0123 (83) are
    not. Here a date is text too.
    """

    yaml_implicit_resolvers = {}  # noqa: RUF012 - PyYAML's own way

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._written = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """The next value. Raises _TooManyError before the rest of a large file is read."""
        self._written += 1
        if self._written > MAX_WRITTEN:
            raise _TooManyError
        node: yaml.Node | None = super().compose_node(parent, index)
        return node


_PLAIN: tuple[tuple[str, str, str], ...] = (
    ("null", r"|~|null|Null|NULL", "~nN"),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+.0123456789",
    ),
    ("merge", r"<<", "<"),
)
"""Type, its form as a plain value, its first character; the first that matches."""
for _name, _pattern, _first in _PLAIN:
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_name}",
        re.compile(rf"(?:{_pattern})\Z"),
        [*_first, *([""] if _name == "null" else [])],
    )


def _integer(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    text = str(loader.construct_scalar(node))
    if len(text) > MAX_DIGITS:
        raise yaml.constructor.ConstructorError(
            None, None, f"a whole number has at most {MAX_DIGITS} digits", node.start_mark
        )
    base = {"0o": 8, "0x": 16}.get(text[:2], 10)
    return int(text, base)


_Loader.add_constructor("tag:yaml.org,2002:int", _integer)


def find_files(root: Path, home: Path, suffix: str) -> Iterator[Path]:
    """Every file below a project whose name ends so, in one order, without hidden folders,
    environments and the project's state.
    """
    for path, names, files in os.walk(root):
        folder = Path(path)
        names[:] = sorted(name for name in names if not _is_skipped(folder / name, home))
        for name in sorted(files):
            if name.endswith(suffix) and not name.startswith("."):
                yield folder / name


def _is_skipped(folder: Path, home: Path) -> bool:
    return (
        folder.name.startswith(".")
        or folder.name in _NOT_SEARCHED
        or folder == home
        or (folder / "pyvenv.cfg").exists()
    )


def read_document(path: Path, name: str, kind: FileKind) -> Document:
    """Parse one file; `name` is what errors call it.

    Raises NotFound if there is none, TooLarge above 1 MB, Unprocessable (with the line) if it is
    not YAML.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise NotFound(
                f"{name} is not a file.", fix=f"{kind.listing} shows the files there are."
            )
        if status.st_size > MAX_BYTES:
            raise TooLarge(
                f"{name} is too large.",
                f"A {kind.noun} has at most {MAX_BYTES:,} bytes.",
                kind.too_large,
            )
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unprocessable(
            f"{name} is not text in UTF-8.",
            f"Byte {error.start} cannot be read.",
            "Save it as UTF-8.",
        ) from error
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFound(
            f"{name} does not exist.", fix=f"{kind.listing} shows the files there are."
        ) from error
    except OSError as error:
        raise Unprocessable(
            f"{name} cannot be read.",
            f"{error.strerror or error}.",
            "Give this user the right to read it.",
        ) from error
    return parse_document(text, name, kind)


def parse_document(text: str, name: str, kind: FileKind) -> Document:
    """Parse the text of one file. Raises Unprocessable with the line, TooLarge for too many
    values.
    """
    node = compose(text, name)
    if node is None:
        raise Unprocessable(f"{name} is empty.", *kind.empty)
    loader = _Loader("")
    try:
        lines: dict[KeyPath, int] = {(): node.start_mark.line + 1}
        _count(node, {}, name)
        _walk(node, (), lines, name)
        data = loader.construct_document(node)
    except yaml.YAMLError as error:
        raise _explain(error, name) from error
    except RecursionError as error:
        raise _too_deep(name) from error
    except (
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
    ) as error:  # `!!int x`, `!!bool x`, `!!timestamp x`: each fails in its own way
        raise Unprocessable(
            f"{name} is not valid YAML.",
            f"A tagged value is not what its tag says: {error}.",
            "Correct that value.",
        ) from error
    finally:
        loader.dispose()
    return Document(name, data, lines)


def compose(text: str, name: str) -> yaml.Node | None:
    """The nodes of a text, None for an empty one. Raises Unprocessable with the line if it is not
    YAML, TooLarge if it has too many.
    """
    if found := NOT_YAML.search(text):  # PyYAML raises for it before it has a line to name
        line = text.count("\n", 0, found.start()) + 1
        why = f"It holds the character U+{ord(found[0]):04X}, which a YAML file cannot hold."
        raise Unprocessable(
            f"{name}, line {line}: this is not valid YAML.",
            why,
            'Take it out, or write it as an escape between double quotes: "\\x1b".',
        )
    try:
        return yaml.compose(text, Loader=_Loader)
    except _TooManyError:
        raise TooLarge(
            f"{name} has too many values.",
            f"A file has at most {MAX_WRITTEN:,} keys and values.",
            "Write fewer, or split the file.",
        ) from None
    except yaml.YAMLError as error:
        raise _explain(error, name) from error
    except RecursionError as error:
        raise _too_deep(name) from error


def _explain(error: yaml.YAMLError, name: str) -> Unprocessable:
    mark = getattr(error, "problem_mark", None)
    where = f"{name}, line {mark.line + 1}, column {mark.column + 1}" if mark else name
    problem = str(getattr(error, "problem", None) or error)
    tabs = (
        "Indent with spaces, not tabs."
        if "\\t" in problem
        else "Correct that line; values with `: ` or a leading `{{` need quotes."
    )
    return Unprocessable(
        f"{where}: this is not valid YAML.", f"{problem[:1].upper()}{problem[1:]}.", tabs
    )


def _too_deep(place: str) -> Unprocessable:
    return Unprocessable(
        f"{place}: values are nested too deep.",
        f"At most {MAX_DEPTH} may be nested.",
        "Nest them less.",
    )


def _walk(node: yaml.Node, path: KeyPath, lines: dict[KeyPath, int], name: str) -> None:
    if len(path) > MAX_DEPTH:
        raise _too_deep(f"{name}, line {node.start_mark.line + 1}")
    if isinstance(node, yaml.MappingNode):
        line_of: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            text = str(key.value)
            _check_text(text, line, name)
            if text in line_of and text != "<<":
                raise Unprocessable(
                    f"{name}, line {line}: {text} is given twice.",
                    f"It is also on line {line_of[text]}.",
                    "Keep one of them.",
                )
            line_of[text] = line
            lines[*path, text] = line
            _walk(value, (*path, text), lines, name)
    elif isinstance(node, yaml.SequenceNode):
        for position, item in enumerate(node.value):
            lines[*path, position] = item.start_mark.line + 1
            _walk(item, (*path, position), lines, name)
    else:
        _check_text(str(node.value), node.start_mark.line + 1, name)


def _check_text(text: str, line: int, name: str) -> None:
    """An escape, such as `"\\ud800"`, can write what no YAML file may contain in full."""
    if found := _HALF.search(text):
        raise Unprocessable(
            f"{name}, line {line}: this is not text.",
            f"It holds U+{ord(found[0]):04X}, half a character (a surrogate).",
            'Write the whole character, such as "😀" or "\\U0001F600".',
        )


def _count(node: yaml.Node, counts: dict[int, int | None], name: str) -> int:
    """How many values `node` stands for when its aliases are followed; None in `counts` marks those
    in progress.
    """
    count = counts.get(id(node), 0)
    line = node.start_mark.line + 1
    if count is None:
        raise Unprocessable(
            f"{name}, line {line}: this value contains itself.",
            "An alias refers to what is around it.",
            "Write the value out.",
        )
    if count:
        return count
    counts[id(node)] = None
    children: list[yaml.Node] = []
    if isinstance(node, yaml.MappingNode):
        children = [part for pair in node.value for part in pair]
    elif isinstance(node, yaml.SequenceNode):
        children = node.value
    total = 1 + sum(_count(child, counts, name) for child in children)
    if total > MAX_VALUES:
        raise TooLarge(
            f"{name}, line {line}: this stands for over {MAX_VALUES:,} values.",
            "Aliases multiply them.",
            "Write fewer aliases.",
        )
    counts[id(node)] = total
    return total
