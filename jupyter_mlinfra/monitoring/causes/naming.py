"""Where code names a column. It is read, never run: what is computed while it runs is not found."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...notebooks.parameters import source_of, tags_of
from ...notebooks.syntax import parse
from .spec import Naming

MOST_PARSED = 500_000
"""Characters of code whose syntax is read; in longer code names are found by pattern."""

_INJECTED = "injected-parameters"
_NAMED_BY_KEYWORD = {"with_columns", "assign", "select", "agg", "mutate", "struct", "DataFrame"}
_NAMED_BY_TEXT = {"alias", "withColumn", "with_column", "insert", "setdefault"}
_FRAMES = {"DataFrame", "LazyFrame", "from_dict", "table", "with_columns", "assign"}
_WRITERS = {"write", "ingest"}
_LINE_END = re.compile(r"\r\n?|\n")
_SQL = re.compile(r"\bselect\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Piece:
    """A cell, or a statement of a module. key: what identifies it in another version (id of a cell,
    name of a function), empty without one. number: of a cell, from 1; None in a module. line: of
    its first line in the file, 1 in a cell.
    """

    key: str
    number: int | None
    line: int
    source: str


@dataclass(frozen=True, slots=True)
class Found:
    """A piece that has to do with a column. line: where, from 1 in the piece."""

    piece: Piece
    how: Naming
    line: int


def cells_of(content: Mapping[str, Any]) -> list[Piece]:
    """The code cells of a notebook. Numbers count text cells too, and not the cell that papermill
    puts in for given parameters, which has the number of the next one.
    """
    found: list[Piece] = []
    number = 0
    for cell in content["cells"]:
        injected = _INJECTED in tags_of(cell)
        number += not injected
        if cell.get("cell_type") == "code" and (source := source_of(cell)).strip():
            key = cell.get("id")
            key = key if isinstance(key, str) else ""
            found.append(Piece(key, number + injected, 1, source))
    return found


def lines_of(source: str) -> list[str]:
    """Lines as Python counts them: form feeds and the separators of Unicode end none."""
    lines = _LINE_END.split(source)
    return lines if lines[-1] else lines[:-1]


def statements_of(source: str) -> list[Piece]:
    """The statements at the top of a module; none if it cannot be parsed."""
    tree = parse(source) if len(source) <= MOST_PARSED else None
    lines = lines_of(source)
    found: list[Piece] = []
    for node in tree.body if tree else ():
        decorators = getattr(node, "decorator_list", [])
        first = min([node.lineno, *(item.lineno for item in decorators)])
        text = "\n".join(lines[first - 1 : node.end_lineno])
        found.append(Piece(_key(node), None, first, text))
    return found


def _key(node: ast.stmt) -> str:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return name
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return name
    return ""


def naming(pieces: Sequence[Piece], column: str, *, python: bool = True) -> list[Found]:
    """Pieces that have to do with the column: those that assign it first, of each kind the last
    first.
    """
    found = [item for piece in pieces if (item := _named(piece, column, python=python))]
    found.reverse()
    found.sort(key=lambda item: item.how != "assigns")
    return found


def writing(pieces: Sequence[Piece], dataset: str) -> Found | None:
    """The last piece that calls `write` or `ingest` and names the dataset."""
    for piece in reversed(pieces):
        tree = parse(piece.source) if len(piece.source) <= MOST_PARSED else None
        nodes = list(ast.walk(tree)) if tree else []
        lines = [
            node.lineno
            for node in nodes
            if isinstance(node, ast.Constant) and node.value in (dataset, f"dataset:{dataset}")
        ]
        if lines and any(
            isinstance(node, ast.Call) and _called(node) in _WRITERS for node in nodes
        ):
            return Found(piece, "writes", min(lines))
    return None


def imported(pieces: Sequence[Piece]) -> list[str]:
    """Modules that the code imports, as `a.b`, in the order of the code."""
    found: dict[str, None] = {}
    for piece in pieces:
        if "import" not in piece.source:  # spares most pieces the parser
            continue
        tree = parse(piece.source) if len(piece.source) <= MOST_PARSED else None
        for node in ast.walk(tree) if tree else ():
            if isinstance(node, ast.Import):
                found.update(dict.fromkeys(item.name for item in node.names))
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found[node.module] = None
                found.update(dict.fromkeys(f"{node.module}.{item.name}" for item in node.names))
    return list(found)


def reached(cells: Sequence[Piece], statements: Sequence[Piece]) -> list[Piece]:
    """Statements of modules that the cells use by their names, directly or through others."""
    used, found = set[str](), list[Piece]()
    left = [piece for piece in statements if piece.key]
    for cell in cells:
        used |= _identifiers(cell.source)
    while here := [piece for piece in left if piece.key in used]:
        found += here
        left = [piece for piece in left if piece.key not in used]
        for piece in here:
            used |= _identifiers(piece.source)
    return found


def _identifiers(source: str) -> set[str]:
    """The names that code uses: of variables, of attributes, and in imports."""
    tree = parse(source) if len(source) <= MOST_PARSED else None
    found = set[str]()
    for node in ast.walk(tree) if tree else ():
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
                found.add(name)
    return found


def _named(piece: Piece, column: str, *, python: bool) -> Found | None:
    if column not in piece.source:  # spares most pieces the parser
        return None
    tree = parse(piece.source) if python and len(piece.source) <= MOST_PARSED else None
    places = _in_tree(tree, column) if tree else _in_text(piece.source, column)
    lines: dict[Naming, int] = {}
    for how, line in places:
        lines[how] = min(line, lines.get(how, line))
    for how in ("assigns", "names"):
        if how in lines:
            return Found(piece, how, lines[how])
    return None


def _in_text(source: str, column: str) -> Iterator[tuple[Naming, int]]:
    """Of code that is not Python: the name as a whole word."""
    word, given = _patterns(column)
    for number, line in enumerate(lines_of(source), 1):
        if given.search(line):
            yield "assigns", number
        elif word.search(line):
            yield "names", number


def _in_tree(tree: ast.Module, column: str) -> Iterator[tuple[Naming, int]]:
    methods = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        match node:
            case ast.Subscript(slice=ast.Constant(value=value), ctx=ast.Store()):
                if value == column:
                    yield "assigns", node.lineno
            case ast.Attribute(attr=name) if name == column and id(node) not in methods:
                yield "assigns" if isinstance(node.ctx, ast.Store) else "names", node.lineno
            case ast.Call():
                yield from _in_call(node, column)
            case ast.Constant(value=str(text)):
                yield from _in_constant(text, column, node.lineno)


def _in_call(call: ast.Call, column: str) -> Iterator[tuple[Naming, int]]:
    name = _called(call)
    for word in call.keywords:
        if word.arg == column:
            yield "assigns" if name in _NAMED_BY_KEYWORD else "names", word.lineno
    for value in call.args:
        if name in _NAMED_BY_TEXT and isinstance(value, ast.Constant) and value.value == column:
            yield "assigns", value.lineno
        if isinstance(value, ast.Dict):
            given = value.values if name == "rename" else value.keys if name in _FRAMES else []
            for item in given:
                if isinstance(item, ast.Constant) and item.value == column:
                    yield "assigns", item.lineno


def _in_constant(text: str, column: str, line: int) -> Iterator[tuple[Naming, int]]:
    """The name alone, `view:name` of a feature, or a word of an SQL query."""
    if text == column or text.endswith(f":{column}"):
        yield "names", line
    elif _SQL.search(text):
        word, given = _patterns(column)
        if given.search(text):
            yield "assigns", line
        elif word.search(text):
            yield "names", line


def _patterns(column: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """The column as a whole word, and as the new name of an expression in SQL."""
    whole = rf"(?<!\w){re.escape(column)}(?!\w)"
    return re.compile(whole), re.compile(rf"\bas\s+[\"`\[]?{whole}", re.IGNORECASE)


def _called(call: ast.Call) -> str:
    match call.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""
