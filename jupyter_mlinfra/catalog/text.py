"""Text files as UTF-8 bytes: decompressed, decoded strictly, counted; an error names its line."""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import re
import tempfile
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ..core.errors import BadRequest, TooLarge, Unprocessable
from .formats.packed import Opened, damaged, is_damage, is_packed, packed_size, unpacked
from .misnamed import check_text, wide_encoding, zero_byte

BLOCK = 4 << 20
HEAD = 256 << 10
"""Bytes by which a file is judged before it is read."""

# Real tables compress 3 to 30 times; a file that expands a hundredfold is a bomb or a mistake.
_MAX_EXPANSION = 100
_ALWAYS_ALLOWED = 64 << 20
_JUDGED = 64 << 10  # bytes by which an encoding is judged
_COMMON_SIGNS = "€§°µ²³–—‘’“”„…«»·×\u00a0"
# Letters that are common in the languages of a code page; between two pages with equally many, the
# first wins.
_LATIN_LETTERS = {
    "cp1252": frozenset("ÄÖÜäöüßÀÂÇÉÈÊÑÁÍÓÚÅÆØàâçéèêëîïôûùœñáíóúãõåæø¿¡ºª£" + _COMMON_SIGNS),
    "cp1250": frozenset(
        "ÄÖÜäöüßĄĆĘŁŃÓŚŹŻąćęłńóśźżÁČĎÉĚÍŇŘŠŤÚŮÝŽáčďéěíňřšťúůýžŐőŰűĂÂÎăâîŞşŢţĐđ" + _COMMON_SIGNS
    ),
}
_TYPICAL = 0.9
_OTHER_PAGES = [
    "cp1251",
    "cp1253",
    "cp1254",
    "cp932",
    "gb18030",
    "big5",
    "euc_kr",
    "koi8_r",
    "mac_roman",
    "cp1252",
    "cp1250",
]
# Longer marks first, because that of UTF-32 begins with that of UTF-16. These decoders remove the
# mark themselves.
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


@dataclass(slots=True)
class Text:
    """A file that was read once from start to end and is UTF-8.

    quotes, newlines: how many of these bytes it has. ended: whether the last line ends with a
    newline.
    """

    path: Path
    handle: IO[bytes]
    encoding: str = "utf-8"
    newlines: int = 0
    quotes: int = 0
    ended: bool = True

    @property
    def share(self) -> float:
        """How much of it is before the place where it is read."""
        whole = os.fstat(self.handle.fileno()).st_size
        return self.handle.tell() / whole if whole else 1.0

    def rewound(self) -> IO[bytes]:
        """The bytes from their beginning."""
        self.handle.seek(0)
        return self.handle

    def head(self) -> str:
        """The first `HEAD` bytes, up to the last complete character."""
        return codecs.getincrementaldecoder("utf-8")().decode(self.rewound().read(HEAD))

    def count(self, sign: str) -> int:
        """How often this byte occurs."""
        if sign == '"':
            return self.quotes
        handle = self.rewound()
        return (
            sum(block.count(sign.encode()) for block in iter(lambda: handle.read(BLOCK), b""))
            if sign
            else 0
        )


@contextlib.contextmanager
def open_text(path: Path, *, encoding: str | None, scratch: Path) -> Iterator[Text]:
    """Check a text file from start to end; compressed or non-UTF-8 bytes are copied to an unnamed
    file in `scratch` that no crash can leave behind.

    encoding: None for UTF-8, or UTF-16 or UTF-32 where the file begins with their mark (also when
    UTF-8 was asked for). Raises Unprocessable for an empty or damaged file and for bytes of another
    encoding, with the line.
    """
    packed = is_packed(path)
    with contextlib.ExitStack() as stack:
        source = unpacked(path)
        stack.callback(source.close)
        encoding = _encoding_of(source, encoding)
        decoder = _decoder(encoding)
        in_place = not packed and codecs.lookup(encoding).name in ("utf-8", "ascii")
        copy = None if in_place else stack.enter_context(tempfile.TemporaryFile(dir=scratch))
        text = Text(path, copy or stack.enter_context(path.open("rb")), encoding)
        for block in _blocks(source, path, packed=packed):
            _check(block, decoder, text, copy)
        _check(b"", decoder, text, copy, final=True)
        if _has_old_line_ends(text):
            plain = stack.enter_context(tempfile.TemporaryFile(dir=scratch))
            text = _with_newlines(text, plain)
        yield text


def open_head(path: Path, *, encoding: str | None) -> tuple[Text, bool]:
    """The first `HEAD` bytes of a text file, up to the end of a record, and whether that is all of
    it.

    encoding: None for that of the byte order mark, UTF-8, or what the bytes look like; `encoding`
    of the text says which. Raises Unprocessable for an empty or damaged file and for bytes of
    another encoding.
    """
    with contextlib.closing(unpacked(path)) as source:
        detected = _encoding_of(source, encoding)
        block = next(_blocks(source, path, packed=is_packed(path), size=HEAD))
        complete = len(block) < HEAD or not source.read(1)
    if encoding is None and detected == "utf-8":
        is_wide = bool(wide_encoding(block))
        if is_wide or not _is_utf8(block, final=complete):
            detected = likely_encoding(block)
    text = Text(path, io.BytesIO(), detected)
    _check(block, _decoder(detected), text, text.handle, final=complete)
    if _has_old_line_ends(text):
        text = _with_newlines(text, io.BytesIO())
    if not complete:
        data = text.rewound().read()
        data = data[: _last_record(data)]
        text = Text(
            path,
            io.BytesIO(data),
            detected,
            data.count(b"\n"),
            data.count(b'"'),
            data.endswith(b"\n"),
        )
    return text, complete


def likely_encoding(data: bytes) -> str:
    """The encoding, other than UTF-8, that bytes probably have.

    Detectors need long texts to distinguish cp1252 from cp1250, and a table has few words. So pages
    of Latin letters are judged by the letters they would produce; the others are left to the
    detector.
    """
    import charset_normalizer

    data = data[:_JUDGED]
    if wide := wide_encoding(data):
        return wide
    shares = {
        page: _typical_share(data.decode(page, errors="replace"), letters)
        for page, letters in _LATIN_LETTERS.items()
    }
    latin = max(shares, key=lambda page: shares[page])
    words = [
        word
        for word in re.findall(r"[^\W\d_]+", data.decode(latin, errors="replace"))
        if not word.isascii()
    ]
    non_ascii = sum(not letter.isascii() for word in words for letter in word)
    # Greek and Cyrillic words have no ASCII letters.
    if shares[latin] >= _TYPICAL and 2 * non_ascii <= sum(map(len, words)):
        return latin
    best = charset_normalizer.from_bytes(
        data, cp_isolation=_OTHER_PAGES, preemptive_behaviour=False
    ).best()
    return best.encoding if best is not None else latin


def _typical_share(text: str, letters: Container[str]) -> float:
    """The share of letters beyond ASCII that are among `letters`."""
    non_ascii = [letter for letter in text if not letter.isascii()]
    return sum(letter in letters for letter in non_ascii) / max(1, len(non_ascii))


def _encoding_of(source: Opened, requested: str | None) -> str:
    """The requested encoding, but a byte order mark counts more than UTF-8."""
    if requested is not None:
        _decoder(requested)
        if codecs.lookup(requested).name != "utf-8":
            return requested
    return _encoding_by_mark(source) or requested or "utf-8"


def _is_utf8(block: bytes, *, final: bool) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(block, final)
    except UnicodeDecodeError:
        return False
    return True


def _last_record(data: bytes) -> int:
    """Where the last complete record ends: after a line behind which no quote is open.

    After the last line, if that would remove most of the bytes: then the odd quote is just a
    character in a word.
    """
    end = last = data.rfind(b"\n") + 1
    open_quotes = data.count(b'"', 0, end) % 2
    while end and open_quotes:
        line_start = data.rfind(b"\n", 0, end - 1) + 1
        open_quotes = (open_quotes + data.count(b'"', line_start, end)) % 2
        end = line_start
    return (end if 2 * end > last else last) or len(data)


def _decoder(encoding: str) -> codecs.IncrementalDecoder:
    try:
        decoder = codecs.lookup(encoding).incrementaldecoder("strict")
        if isinstance(decoder.decode(b""), str):
            return decoder
    except (LookupError, TypeError, ValueError):  # ValueError: NUL, or half a character
        pass
    raise BadRequest(
        f"{encoding!r} is not a text encoding that Python knows.",
        fix="Examples: utf-8, cp1252, latin-1, utf-16.",
    )


def _encoding_by_mark(source: Opened) -> str | None:
    """The encoding that a file's first bytes name, other than UTF-8."""
    try:
        head = source.peek(4)[:4]
    except Exception as error:
        if is_damage(error):
            return None  # reading it reports so
        raise
    return next((encoding for mark, encoding in _MARKS.items() if head.startswith(mark)), None)


def _blocks(
    source: io.BufferedIOBase, path: Path, *, packed: bool, size: int = BLOCK
) -> Iterator[bytes]:
    limit = max(_ALWAYS_ALLOWED, _MAX_EXPANSION * packed_size(path))
    total = 0
    while True:
        try:
            block = source.read(size)
        except Exception as error:
            if is_damage(error):
                raise damaged(path, error) from error
            raise
        total += len(block)
        if packed and total > limit:
            raise TooLarge(
                f"{path.name} unfolds to over {_MAX_EXPANSION} times its size.",
                "It may be made to fill the disk.",
                "Unpack it yourself if you trust it.",
            )
        if not block:
            break
        if total == len(block):
            check_text(path.name, block)
        yield block
    if not total:
        raise Unprocessable(
            f"{path.name} is empty.",
            "It has 0 bytes.",
            "Fetch the file again; nothing was committed.",
        )


def _check(
    block: bytes,
    decoder: codecs.IncrementalDecoder,
    text: Text,
    copy: IO[bytes] | None,
    *,
    final: bool = False,
) -> None:
    pending = len(decoder.getstate()[0]) if copy is None else 0
    try:
        decoded = decoder.decode(block, final)
    except UnicodeDecodeError as error:
        raise _wrong_encoding(error, block, pending, text) from error
    data = block if copy is None else decoded.encode()
    if b"\0" in data:
        line = text.newlines + data[: data.index(b"\0")].count(b"\n") + 1
        if wide := wide_encoding(block):
            raise Unprocessable(
                f"{text.path.name} is not text in {text.encoding}.",
                f"Line {line} holds a zero byte. It looks like {wide}.",
                f"{_encoding_fix(wide)} Nothing was committed.",
            )
        raise zero_byte(text.path.name, text.encoding, line, data[data.index(b"\0") :])
    if copy is not None:
        copy.write(data)
    text.newlines += data.count(b"\n")
    text.quotes += data.count(b'"')
    text.ended = data.endswith(b"\n") if data else text.ended


def _has_old_line_ends(text: Text) -> bool:
    """Whether lines end as on old Macs, with only a carriage return."""
    return not text.newlines and bool(text.count("\r"))


def _with_newlines(text: Text, plain: IO[bytes]) -> Text:
    """The same text with a newline at the end of each line, written to `plain`."""
    handle = text.rewound()
    result = Text(text.path, plain, text.encoding, quotes=text.quotes)
    for block in iter(lambda: handle.read(BLOCK), b""):
        data = block.replace(b"\r", b"\n")
        plain.write(data)
        result.newlines += data.count(b"\n")
        result.ended = data.endswith(b"\n")
    return result


def _wrong_encoding(
    error: UnicodeDecodeError, block: bytes, pending: int, text: Text
) -> Unprocessable:
    before = block[: max(0, error.start - pending)]
    line = text.newlines + before.count(b"\n") + 1
    byte = error.object[error.start : error.start + 1].hex().upper()
    following = error.object[max(0, error.start - _JUDGED // 2) :]
    is_utf8 = text.encoding != "utf-8" and _is_utf8(block, final=False)
    likely = "utf-8" if is_utf8 else wide_encoding(block) or likely_encoding(following)
    guess = f" It looks like {likely}." if likely != text.encoding else ""
    fix = f"{_encoding_fix(likely)} Nothing was committed."
    if text.encoding == "utf-8" and not before.isascii():
        guess = " What stands before it does, so the file may be put together of several."
        fix = f"Mend that line, or: {fix}"
    return Unprocessable(
        f"{text.path.name} is not {text.encoding}.",
        f"Byte 0x{byte} in line {line} does not belong to it.{guess}",
        fix,
    )


def _encoding_fix(encoding: str) -> str:
    return (
        f"Say which encoding it has, for example --encoding {encoding} (in Python"
        f" encoding='{encoding}')."
    )
