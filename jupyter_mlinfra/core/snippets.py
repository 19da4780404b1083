"""Pieces of code that users insert: each text in them is quoted for its language.

A domain writes its snippets with these functions, in a `snippets.py` that its `domain.py` names.
"""

from __future__ import annotations

import keyword
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Snippets = Mapping[str, str]
"""The same call in each interface that has it: `python`, `magic`, `sql`, `cli`, `curl`."""

_READS = "_reads"
_IMPORT = "import jupyter_mlinfra as ml\n\n"
_TAKEN = frozenset({"charts", "ml", "print"})
"""Names that the code itself needs, which a variable must not hide."""
_SQL = frozenset(
    re.findall(
        r"\w+",
        "all and any as asc between by case cast cross desc distinct else end except exists false"
        " fetch for from full group having ilike in inner intersect into is join lateral left like"
        " limit natural not null offset on or order outer over qualify right select set some table"
        " then true union unnest using values when where window with",
    )
)
"""Words that SQL reads as its own unless they are quoted."""
_BREAKS = re.compile("[\0-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]")
"""What ends a line, or cannot be written into one."""


def reading[F: Callable[..., Snippets]](*domains: str) -> Callable[[F], F]:
    """A call whose code shows objects of these domains, which the user must be allowed to read."""

    def mark(function: F) -> F:
        setattr(function, _READS, domains)
        return function

    return mark


def read_by(function: Callable[..., Snippets]) -> Sequence[str]:
    """The domains whose objects a call shows, besides its own."""
    found: Sequence[str] = getattr(function, _READS, ())
    return found


def python(code: str) -> str:
    """Code with the import that it needs, as a cell."""
    return _IMPORT + code


def text(value: str) -> str:
    """A Python string literal."""
    return '"' + "".join(map(_character, value)) + '"'


def literal(value: Any) -> str:
    """A JSON value as Python; anything else as its text."""
    if value is None or isinstance(value, bool | int):
        return repr(value)
    if isinstance(value, float):
        found = repr(value)
        return found if found[-1].isdigit() else f'float("{found}")'
    if isinstance(value, Mapping):
        pairs = (f"{literal(key)}: {literal(item)}" for key, item in value.items())
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(literal, value))}]"
    return text(str(value))


def arguments(values: Mapping[str, Any]) -> str:
    """Keyword arguments of a call, also by names that are none in Python."""
    plain = {name: value for name, value in values.items() if _is_name(name)}
    other = {name: value for name, value in values.items() if name not in plain}
    found = [f"{name}={literal(value)}" for name, value in plain.items()]
    return ", ".join([*found, *([f"**{literal(other)}"] if other else [])])


def variable(name: str) -> str:
    """A variable for an object, from the last part of its name."""
    last = re.split(r"[./:]", name)[-1]
    found = re.sub(r"[^A-Za-z0-9_]", "_", last).lower()
    if not re.match(r"[a-z]", found):
        found = f"x_{found}" if found else "x"
    return found if _is_name(found) and found not in _TAKEN else f"{found}_"


def frame(name: str, made: str) -> str:
    """A lazy frame under a name, and its first rows: a cell that shows nothing does not tell
    whether it is right.
    """
    return f"{name} = {made}\n{name}.head(5).collect()"


def identifier(*parts: str) -> str:
    """A name in SQL."""
    return ".".join(
        part
        if re.fullmatch(r"[a-z_][a-z0-9_]*", part) and part not in _SQL
        else '"' + part.replace('"', '""') + '"'
        for part in parts
    )


def line(head: str, *names: str, options: Sequence[str] = ()) -> str:
    """A line for a shell, or of a magic. head: its fixed words. names: of objects. Empty if a word
    cannot be part of a line.
    """
    if any(_BREAKS.search(word) for word in (*names, *options)):
        return ""
    words = (
        [*options, "--", *names]  # a name that looks like an option
        if any(name.startswith("-") for name in names)
        else [*names, *options]
    )
    return " ".join([head, *map(shlex.quote, words)])


def option(flag: str, value: str) -> list[str]:
    """An option with a value that may look like another option."""
    return [f"{flag}={value}"] if value.startswith("-") else [flag, value]


def snippets(**codes: str) -> Snippets:
    """The snippets of one call, without those that cannot be written."""
    return {door: code for door, code in codes.items() if code}


def lines(
    code: str, group: str, words: str, *names: str, options: Sequence[str] = (), magic: str = ""
) -> dict[str, str]:
    """Python, magic and command line of the same call. code: Python without the import. group: noun
    of the command line. magic: its name, if it is another one. words: the verb.
    """
    return dict(
        snippets(
            python=python(code) if code else "",
            magic=line(f"%{magic or group} {words}", *names, options=options),
            cli=line(f"mlinfra {group} {words}", *names, options=options),
        )
    )


def joined(several: Sequence[Snippets]) -> Snippets:
    """One after the other, in each interface that all of them have. SQL has one question at a
    time.
    """
    if len(several) == 1:
        return several[0]
    common = [
        door
        for door in (several[0] if several else ())
        if door != "sql" and all(door in snippet for snippet in several)
    ]
    found = {
        door: "\n".join(snippet[door].removeprefix(_IMPORT) for snippet in several)
        for door in common
    }
    return found | ({"python": python(found["python"])} if "python" in found else {})


def parameter_options(parameters: Mapping[str, Any]) -> list[str]:
    """Parameters as options: `-p` reads 5 and true as what they look like, `-r` takes texts."""
    found: list[str] = []
    for name, value in parameters.items():
        found += ["-r", f"{name}={value}"] if isinstance(value, str) else ["-p", _pair(name, value)]
    return found


def _pair(name: str, value: Any) -> str:
    import json

    return f"{name}={json.dumps(value, ensure_ascii=False, default=str)}"


def _is_name(word: str) -> bool:
    return word.isidentifier() and not keyword.iskeyword(word) and not keyword.issoftkeyword(word)


def _character(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii")


def items(value: Any) -> Sequence[Any]:
    """A list from a form; empty for anything else, which the call itself will refuse."""
    return value if isinstance(value, list | tuple) else ()


def mapping(value: Any) -> Mapping[str, Any]:
    """The same for a mapping."""
    return value if isinstance(value, Mapping) else {}
