"""References: the one grammar for search, drag and drop, CLI, magics, deep links, lineage and logs.
`labextension/src/refs.ts` is its other half.

`kind:name[@at]`. In a name, every character but ASCII letters, digits and `_-.~!*'()` is
percent-encoded as UTF-8, so that a name never contains what joins two names (`/` of a step, `:` of
a feature, `.` of a column) or the `@`. Dots in a column's name are encoded as well: after the last
dot comes the column, before it the dataset. Reading is lenient: a character that was not encoded
stands for itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

from .domains import kind_names, kind_of
from .errors import BadRequest

_REF = re.compile(r"(?P<kind>[a-z]+):(?P<name>[^\s@]+)(?:@(?P<at>\S+))?\Z")
_ENCODED = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_AS_IT_IS = "!~*'()"  # with letters, digits and `_-.`: what encodeURIComponent leaves alone


@dataclass(frozen=True, slots=True)
class Ref:
    """A parsed reference. parts: the decoded names, one for most kinds; ("sales.orders", "amount")
    for a column.
    """

    kind: str
    parts: tuple[str, ...]
    at: str | None = None

    @classmethod
    def parse(cls, text: str) -> Ref:
        """Raises BadRequest when `text` is not a reference."""
        found = _REF.match(text)
        if not found or (kind := kind_of(found["kind"])) is None:
            raise BadRequest(
                f"{text!r} is not a reference.",
                "A reference is KIND:NAME[@VERSION].",
                "In a name a blank is written %20, and a dot within a column's name %2E."
                if re.match(r"[a-z]+:.*\s", text)
                else f"Kinds: {', '.join(kind_names())}.",
            )
        name, at, join = found["name"], found["at"], kind.join
        parts = name.rsplit(".", 1) if join == "." else name.split(join) if join else [name]
        return cls(kind.name, tuple(map(decoded, parts)), decoded(at) if at else None)

    @property
    def name(self) -> str:
        """The names as one text, for display or as a question to their domain."""
        return self._join.join(self.parts)

    def __str__(self) -> str:
        parts = [_encoded(part) for part in self.parts]
        if self._join == ".":
            parts[-1] = parts[-1].replace(".", "%2E")
        return f"{self.kind}:{self._join.join(parts)}" + (
            f"@{_encoded(self.at)}" if self.at else ""
        )

    @property
    def _join(self) -> str:
        kind = kind_of(self.kind)
        return kind.join if kind is not None else ""


def reference(kind: str, *names: str, at: str | None = None) -> str:
    """The reference of an object with these names: `reference("column", "sales.orders",
    "amount")`.
    """
    return str(Ref(kind, names, at))


def named(text: str, kind: str) -> str:
    """The name in a reference of that kind; any other text is taken as the name itself."""
    return decoded(text.removeprefix(f"{kind}:")) if text.startswith(f"{kind}:") else text


def decoded(text: str) -> str:
    """Without percent-encoding; bytes that are not UTF-8 were not encoded by us and stay."""

    def plain(found: re.Match[str]) -> str:
        try:
            return unquote(found[0], errors="surrogatepass")
        except UnicodeDecodeError:
            return found[0]

    return _ENCODED.sub(plain, text)


def _encoded(text: str) -> str:
    # A file name that is not UTF-8 has halves of characters (surrogates).
    return quote(text, safe=_AS_IT_IS, errors="surrogatepass")
