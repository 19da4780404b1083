"""Text files as bytes in UTF-8: unpacked, decoded strictly, counted; what is wrong is named with its line."""

from __future__ import annotations

import codecs
import contextlib
import gzip
import io
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ..core.errors import BadRequest, TooLarge, Unprocessable

BLOCK = 4 << 20
# Real tables pack 3 to 30 times; a file that unfolds a hundredfold is a bomb or a mistake.
_MOST_UNFOLDED = 100
_ALWAYS_ALLOWED = 64 << 20
# The longer mark first: that of UTF-32 begins with that of UTF-16. Decoders of these names take the mark itself away.
_MARKS = {codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


@dataclass(slots=True)
class Text:
    """A file that was read once from end to end and is UTF-8.

    quotes, newlines: how many of these bytes it has. ended: whether the last line ends with a newline.
    """

    path: Path
    handle: IO[bytes]
    newlines: int = 0
    quotes: int = 0
    ended: bool = True

    def rewound(self) -> IO[bytes]:
        """The bytes from their beginning."""
        self.handle.seek(0)
        return self.handle


@contextlib.contextmanager
def open_text(path: Path, *, encoding: str, scratch: Path) -> Iterator[Text]:
    """Check a text file from end to end; packed or foreign bytes are copied to a nameless file in `scratch` that no crash can leave behind.

    A file that begins with the mark of UTF-16 or UTF-32 is read as that when UTF-8 was asked for.
    Raises Unprocessable for an empty or damaged file and for bytes of another encoding, with the line.
    """
    decoder = _decoder(encoding)
    packed = path.suffix.lower() == ".gz"
    with contextlib.ExitStack() as stack:
        source = stack.enter_context(gzip.GzipFile(path)) if packed else stack.enter_context(path.open("rb"))
        if codecs.lookup(encoding).name == "utf-8" and (marked := _marked(source)):
            encoding, decoder = marked, _decoder(marked)
        in_place = not packed and codecs.lookup(encoding).name in ("utf-8", "ascii")
        copy = None if in_place else stack.enter_context(tempfile.TemporaryFile(dir=scratch))
        text = Text(path, copy or stack.enter_context(path.open("rb")))
        for block in _blocks(source, path, packed=packed):
            _check(block, decoder, text, copy, encoding)
        _check(b"", decoder, text, copy, encoding, final=True)
        yield text


def _decoder(encoding: str) -> codecs.IncrementalDecoder:
    try:
        decoder = codecs.lookup(encoding).incrementaldecoder("strict")
        if isinstance(decoder.decode(b""), str):
            return decoder
    except (LookupError, TypeError, UnicodeError):
        pass
    raise BadRequest(f"{encoding!r} is not a text encoding that Python knows.", fix="Examples: utf-8, cp1252, latin-1, utf-16.")


def _marked(source: gzip.GzipFile | io.BufferedReader) -> str | None:
    """The encoding that a file's first bytes name, beside UTF-8."""
    try:
        head = source.peek(4)[:4]
    except (EOFError, gzip.BadGzipFile, zlib.error):
        return None  # damaged; reading it says so
    return next((encoding for mark, encoding in _MARKS.items() if head.startswith(mark)), None)


def _blocks(source: io.BufferedIOBase, path: Path, *, packed: bool) -> Iterator[bytes]:
    most = max(_ALWAYS_ALLOWED, _MOST_UNFOLDED * path.stat().st_size)
    total = 0
    while True:
        try:
            block = source.read(BLOCK)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise Unprocessable(f"{path.name} is damaged.", f"It cannot be unpacked: {error}.", "Fetch the file again; nothing was committed.") from error
        total += len(block)
        if packed and total > most:
            raise TooLarge(
                f"{path.name} unfolds to over {_MOST_UNFOLDED} times its size.", "It may be made to fill the disk.", "Unpack it yourself if you trust it."
            )
        if not block:
            break
        yield block
    if not total:
        raise Unprocessable(f"{path.name} is empty.", "It has 0 bytes.", "Fetch the file again; nothing was committed.")


def _check(block: bytes, decoder: codecs.IncrementalDecoder, text: Text, copy: IO[bytes] | None, encoding: str, *, final: bool = False) -> None:
    kept = len(decoder.getstate()[0]) if copy is None else 0
    try:
        decoded = decoder.decode(block, final)
    except UnicodeDecodeError as error:
        raise _foreign(error, block, kept, text, encoding) from error
    data = block if copy is None else decoded.encode()
    if b"\0" in data:
        line = text.newlines + data[: data.index(b"\0")].count(b"\n") + 1
        what = f"{text.path.name} is not text in {encoding}."
        raise Unprocessable(what, f"Line {line} holds a zero byte.", f"{_say('utf-16-le')} Or give a text file.")
    if copy is not None:
        copy.write(data)
    text.newlines += data.count(b"\n")
    text.quotes += data.count(b'"')
    text.ended = data.endswith(b"\n") if data else text.ended


def _foreign(error: UnicodeDecodeError, block: bytes, kept: int, text: Text, encoding: str) -> Unprocessable:
    before = block[: max(0, error.start - kept)]
    line = text.newlines + before.count(b"\n") + 1
    byte = error.object[error.start : error.start + 1].hex().upper()
    fix = f"{_say('cp1252')} Nothing was committed."
    return Unprocessable(f"{text.path.name} is not {encoding}.", f"Byte 0x{byte} in line {line} does not belong to it.", fix)


def _say(encoding: str) -> str:
    return f"Say which encoding it has, for example --encoding {encoding} (in Python encoding='{encoding}')."
