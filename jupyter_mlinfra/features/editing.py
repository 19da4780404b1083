"""Tags of a view, changed in the file that defines it. The file is read as text, never run: what is
changed are the characters of the tags alone, and the result is compared with what was there.
"""

from __future__ import annotations

import ast
import codecs
import contextlib
import io
import re
import tokenize
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import Unprocessable
from ..core.files import HOME
from ..core.snippets import literal, text

_VIEWS = (
    "FeatureView",
    "BatchFeatureView",
    "StreamFeatureView",
    "OnDemandFeatureView",
    "LabelView",
)
_IGNORED = (".git", ".venv", "**/.ipynb_checkpoints", "**/.pytest_cache", "**/__pycache__")
"""What Feast does not read, whatever .feastignore says."""
_LINE = re.compile(r"(?<=\n)|(?<=\r)(?!\n)")
_DECORATORS = ("on_demand_feature_view", "batch_feature_view", "stream_feature_view")


@dataclass(frozen=True, slots=True)
class Edit:
    """A definition file with other tags of one view. line: where the view is defined. encoding:
    with the mark of UTF-8 at the beginning, if the file has it.
    """

    file: Path
    line: int
    before: str
    after: str
    tags: Mapping[str, str]
    encoding: str


@dataclass(frozen=True, slots=True)
class _Place:
    """A call that defines a view."""

    file: Path
    body: str
    encoding: str
    call: ast.Call


def retagged(repo: Path, view: str, add: Mapping[str, str], remove: Sequence[str]) -> Edit:
    """The file that defines a view, with these tags added or replaced, and those removed; nothing
    is written. Raises Unprocessable with the line to write by hand, where the definition is not one
    call with its name and tags in plain words.
    """
    found = [place for file in _files(repo) for place in _places(file, view)]
    if len(found) != 1:
        where = ", ".join(f"{_near(it.file, repo)}, line {it.call.lineno}" for it in found)
        why = (
            f"It is defined more than once: {where}."
            if found
            else f"No file in {repo.name} has a call of {', '.join(_VIEWS[:2])} or the like with"
            f" name={text(view)} in plain words."
        )
        raise _refused(view, why, add, remove)
    (place,) = found
    before = _tags(place, view, add, remove)
    after = {key: value for key, value in before.items() if key not in remove} | dict(add)
    node = next((word.value for word in place.call.keywords if word.arg == "tags"), None)
    if after == before:
        changed = place.body
    elif isinstance(node, ast.Dict):
        changed = _replaced(place.body, node, after)
    else:
        changed = _inserted(place, after)
    if not _is_sound(place, view, changed, after):
        raise _refused(view, "The new text would not be as expected.", add, remove)
    return Edit(place.file, place.call.lineno, place.body, changed, after, place.encoding)


def _files(repo: Path) -> list[Path]:
    """The definition files, as Feast finds them and `loading.files_of` gives them; without Feast,
    which takes seconds to load. Source: `feast.repo_operations.get_repo_files`.
    """
    ignored = {file.resolve() for file in _ignored(repo)}
    state = (repo / HOME).resolve()
    found = {
        file.resolve(): file
        for file in sorted(repo.rglob("*.py"))
        if file.is_file() and file.name != "__init__.py"
    }
    return [
        file
        for real, file in found.items()
        if real not in ignored and not real.is_relative_to(state)
    ]


def _ignored(repo: Path) -> Iterator[Path]:
    patterns = list(_IGNORED)
    with contextlib.suppress(OSError):
        lines = (repo / ".feastignore").read_text(errors="replace").splitlines()
        patterns += [line.partition("#")[0].strip() for line in lines]
    for pattern in filter(None, patterns):
        # Of a pattern that there cannot be `apply` says so.
        with contextlib.suppress(ValueError, NotImplementedError):
            for path in repo.glob(pattern):
                yield from [path] if path.is_file() else path.rglob("*.py")


def _near(file: Path, repo: Path) -> str:
    return str(file.relative_to(repo.parent))


def _places(file: Path, view: str) -> Iterator[_Place]:
    try:
        data = file.read_bytes()
        encoding = "utf-8-sig" if data.startswith(codecs.BOM_UTF8) else "utf-8"
        body = data.decode(encoding)
        tree = ast.parse(body)
    except (OSError, ValueError, SyntaxError):  # `apply` says what is wrong with it
        return
    for call in _calls(tree, view):
        yield _Place(file, body, encoding, call)


def _calls(tree: ast.Module, view: str) -> Iterator[ast.Call]:
    """The calls that define a view of this name."""
    called = {
        alias.asname or alias.name: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _callee(node, called) in _VIEWS:
            if _name(node) == view:
                yield node
        elif isinstance(node, ast.FunctionDef):
            for item in node.decorator_list:
                is_view = isinstance(item, ast.Call) and _callee(item, called) in _DECORATORS
                if isinstance(item, ast.Call) and is_view and _name(item, node.name) == view:
                    yield item


def _callee(call: ast.Call, called: Mapping[str, str]) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return called.get(call.func.id, call.func.id) if isinstance(call.func, ast.Name) else ""


def _name(call: ast.Call, otherwise: str = "") -> str:
    given = [word.value for word in call.keywords if word.arg == "name"]
    if not given:
        return otherwise
    return str(given[0].value) if isinstance(given[0], ast.Constant) else ""


def _tags(
    place: _Place, view: str, add: Mapping[str, str], remove: Sequence[str]
) -> dict[str, str]:
    """The tags in the text. Raises Unprocessable if they are not plain."""
    words = place.call.keywords
    node = next((word.value for word in words if word.arg == "tags"), None)
    line = f"{place.file.name}, line {place.call.lineno}"
    if node is None and any(word.arg is None for word in words):
        raise _refused(view, f"{line} takes arguments by **.", add, remove)
    if node is None and not words:
        raise _refused(view, f"{line} names no argument.", add, remove)
    if node is None:
        return {}
    if isinstance(node, ast.Dict) and not _has_comment(place.body, node):
        pairs = list(zip(node.keys, node.values, strict=True))
        known = {
            key.value: value.value
            for key, value in pairs
            if isinstance(key, ast.Constant) and isinstance(value, ast.Constant)
        }
        plain = len(known) == len(pairs)
        if plain and all(isinstance(item, str) for pair in known.items() for item in pair):
            return {str(key): str(value) for key, value in known.items()}
    raise _refused(view, f"The tags in {line} are not plain words without comments.", add, remove)


def _has_comment(body: str, node: ast.Dict) -> bool:
    words = ast.get_source_segment(body, node) or "#"
    tokens = tokenize.generate_tokens(io.StringIO(words).readline)
    return any(token.type == tokenize.COMMENT for token in tokens)


def _refused(view: str, why: str, add: Mapping[str, str], remove: Sequence[str]) -> Unprocessable:
    steps = [
        *([f"write {', '.join(f'{text(k)}: {text(v)}' for k, v in add.items())}"] if add else []),
        *([f"take {', '.join(map(text, remove))} out"] if remove else []),
    ]
    return Unprocessable(
        f"The tags of {view} are not changed by a program.",
        why,
        f"In the tags={{…}} of its definition {' and '.join(steps)}, then mlinfra features apply.",
    )


def _offset(body: str, line: int, column: int) -> int:
    """Place in the text of a line (from 1) and a column in bytes, as `ast` counts them."""
    lines = _LINE.split(body)
    before = "".join(lines[: line - 1])
    return len(before) + len(lines[line - 1].encode()[:column].decode())


def _replaced(body: str, node: ast.Dict, tags: Mapping[str, str]) -> str:
    """The text with other tags in place of those of `node`: each on its line, if they were."""
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    start = _offset(body, node.lineno, node.col_offset)
    end = _offset(body, node.end_lineno, node.end_col_offset)
    many = node.lineno != node.end_lineno
    newline = "\r\n" if "\r\n" in body else "\n"
    if not many or not node.keys:
        return body[:start] + literal(dict(tags)) + body[end:]
    first = node.keys[0]
    assert first is not None
    inner = " " * first.col_offset
    outer = body[body.rfind("\n", 0, end) + 1 : end - 1]
    lines = [f"{inner}{text(key)}: {text(value)},{newline}" for key, value in tags.items()]
    inside = "".join(lines) + (outer if not outer.strip() else "")
    return f"{body[:start]}{{{newline}{inside}}}{body[end:]}"


def _inserted(place: _Place, tags: Mapping[str, str]) -> str:
    """The text with tags that were not there, behind the name, or before all other arguments."""
    words, body = place.call.keywords, place.body
    at = next((spot + 1 for spot, word in enumerate(words) if word.arg == "name"), 0)
    word = words[at] if at < len(words) else words[at - 1]
    start = _offset(body, word.lineno, word.col_offset)
    line = body.rfind("\n", 0, start) + 1
    own_line = not body[line:start].strip()
    newline = "\r\n" if "\r\n" in body else "\n"
    between = f",{newline}{body[line:start]}" if own_line else ", "
    return f"{body[:start]}tags={literal(dict(tags))}{between}{body[start:]}"


def _is_sound(place: _Place, view: str, changed: str, tags: Mapping[str, str]) -> bool:
    """Whether the text has these tags, and is else what it was."""
    try:
        old, new = ast.parse(place.body), ast.parse(changed)
    except (SyntaxError, ValueError):
        return False
    for tree in (old, new):
        for call in _calls(tree, view):
            given = [word.value for word in call.keywords if word.arg == "tags"]
            if tree is new and (len(given) != 1 or ast.literal_eval(given[0]) != dict(tags)):
                return bool(not given and not tags)
            call.keywords = [word for word in call.keywords if word.arg != "tags"]
    return ast.dump(old) == ast.dump(new)
