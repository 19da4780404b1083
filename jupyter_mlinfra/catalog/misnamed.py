"""Files that are no text, in spite of their names, and what else is no table: web pages, JSON."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from ..core.errors import Unprocessable
from .reading import Doubt, say

_BEGINNINGS = {
    b"\x1f\x8b": ("packed with gzip", ".gz"),
    b"PK\x03\x04": ("a zip archive or a workbook", ".zip or .xlsx"),
    b"\x28\xb5\x2f\xfd": ("packed with zstd", ".zst"),
    b"\x04\x22\x4d\x18": ("packed with lz4", ".lz4"),
    b"PAR1\x15": ("a Parquet file", ".parquet"),
    b"ARROW1\0\0": ("an Arrow file", ".arrow"),
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": ("a workbook of old Excel", ".xls"),
    b"SQLite format 3\0": ("a database of SQLite", ".db"),
}
_BZIP = re.compile(rb"BZh[1-9]1AY&SY")
_PAGE = re.compile(r"\s*<(?:!doctype\s+html|html|\?xml)\b", re.IGNORECASE)
_JSON = re.compile(r'\s*(?:\[\s*\{|\{)\s*"[^"\n]*"\s*:')


def check_text(name: str, beginning: bytes) -> None:
    """Raise Unprocessable for the first bytes of a file of another kind."""
    found = next((told for sign, told in _BEGINNINGS.items() if beginning.startswith(sign)), None)
    if _BZIP.match(beginning):
        found = ("packed with bzip2", ".bz2")
    if found is None:
        return
    kind, ending = found
    fix = f"Give it a name that ends with {ending}; nothing was committed."
    if kind.startswith("packed"):
        fix = f"Give it the name {name}{ending}; nothing was committed."
    elif ending == ".db":
        fix = f"Name a table of it: sqlite:///{name}#TABLE"
    raise Unprocessable(f"{name} is not text.", f"It is {kind}.", fix)


def check_workbook(path: Path) -> None:
    """Raise Unprocessable for a file that is no workbook, but empty, or text."""
    with path.open("rb") as file:
        beginning = file.read(4096)
    if not beginning:
        raise Unprocessable(
            f"{path.name} is empty.",
            "It has 0 bytes.",
            "Fetch the file again; nothing was committed.",
        )
    text = codecs.getincrementaldecoder("utf-8")("replace").decode(beginning)
    if "\0" in text or "\ufffd" in text:
        return
    if _PAGE.match(text.removeprefix("\ufeff")):
        kind, fix = "a web page or XML", "Open it in Excel or LibreOffice, and save it as .xlsx;"
    else:
        kind, fix = "text", "Give it a name that ends with .csv;"
    raise Unprocessable(
        f"{path.name} is no workbook.", f"It is {kind}.", f"{fix} nothing was committed."
    )


def no_table(name: str, head: str) -> Doubt | None:
    """A doubt about what is read as CSV, and looks like something else."""
    kind, fix = "", ""
    if _PAGE.match(head):
        kind, fix = "a web page or XML", "Fetch the file again; it may be an error or a login."
    elif _JSON.match(head):
        kind, fix = "JSON", "Give it a name that ends with .json."
    if not kind:
        return None
    settled = f"If it is a table all the same, say {say('header', value=True)}."
    return Doubt("header", f"{name} looks like {kind}.", f"{fix} {settled}", stops=True)


def is_utf8_too(name: str, head: str, encoding: str) -> list[Doubt]:
    """A note on a text that was read in another encoding, as it was asked to, and is UTF-8: what is
    none hardly ever looks like it.
    """
    if codecs.lookup(encoding).name.startswith("utf"):
        return []
    try:
        better = codecs.getincrementaldecoder("utf-8")().decode(head.encode(encoding))
        words = [word for word in re.findall(r"\w+", better) if not word.isascii()]
        worse = words[0].encode().decode(encoding) if words else ""
    except UnicodeError:
        return []
    if not words:
        return []
    what = f"{name} looks like UTF-8: in {encoding} {words[0][:40]!r} becomes {worse[:60]!r}."
    return [Doubt("encoding", what, "Leave the encoding out, or say --encoding utf-8.")]


def wide_encoding(data: bytes) -> str:
    """UTF-16 without its mark, of which every other byte is mostly zero; empty if it is none."""
    data = data[: 1 << 16]
    zeros = [data[place::2].count(0) for place in (0, 1)]
    if not max(zeros) or max(zeros) * 8 < len(data) or min(zeros) * 8 > max(zeros):
        return ""
    return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"


def zero_byte(name: str, encoding: str, line: int, rest: bytes) -> Unprocessable:
    """The error for a text with a zero byte. rest: from that byte on, as far as it was read."""
    what = f"{name} is not text in {encoding}."
    if not rest.strip(b"\0"):
        why = (
            f"From line {line} on it holds zero bytes alone, as a file that was not written whole."
        )
        return Unprocessable(what, why, "Fetch the file again; nothing was committed.")
    fix = f"Nothing was committed. To remove it: tr -d '\\000' < {name} > clean-{name}"
    return Unprocessable(what, f"Line {line} holds a zero byte.", fix)
