"""What the file of an XGBoost model says of itself, without XGBoost."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path


def booster_names(file: Path) -> tuple[str, str]:
    """Names of booster and objective in the model file; empty if it does not say."""
    data = file.read_bytes()
    if file.suffix == ".json":
        try:
            learner = json.loads(data)["learner"]
            return str(learner["gradient_booster"]["name"]), str(learner["objective"]["name"])
        except (ValueError, KeyError, TypeError):
            return "", ""  # broken: the start reports how
    # UBJSON: L and S stand before a length of eight bytes; the keys of an object are sorted.
    linear = _key(b"name") + b"SL" + _length(b"gblinear")
    key_start = data.rfind(_key(b"objective") + b"{" + _key(b"name") + b"SL")
    if key_start < 0:
        return "gblinear" if linear in data else "", ""
    value_start = key_start + len(_key(b"objective") + b"{" + _key(b"name") + b"SL")
    size = int.from_bytes(data[value_start : value_start + 8], "big")
    objective = data[value_start + 8 : value_start + 8 + min(size, 64)].decode(errors="replace")
    return "gblinear" if linear in data else "", objective


def first_categories(file: Path) -> tuple[list[str], list[str]]:
    """Names of the inputs, if the model file has them, and the first category of each input; empty
    for one that has no texts. Nothing if the file does not say.
    """
    data = file.read_bytes()
    try:
        if file.suffix != ".json":
            return list(_names(data)), list(_first_texts(data))
        learner = json.loads(data)["learner"]
        encoded = learner["gradient_booster"]["model"]["cats"]["enc"]
        return learner["feature_names"], [
            _first(bytes(code & 0xFF for code in item["values"]), item.get("offsets") or ())
            for item in encoded
        ]
    except (ValueError, KeyError, TypeError, IndexError):
        return [], []


def _names(data: bytes) -> Iterator[str]:
    begin = _key(b"feature_names") + b"[#L"
    at = data.rindex(begin) + len(begin)
    count, at = int.from_bytes(data[at : at + 8], "big"), at + 8
    for _ in range(count):
        size = int.from_bytes(data[at + 2 : at + 10], "big")  # after S and L
        yield data[at + 10 : at + 10 + size].decode()
        at += 10 + size


def _first_texts(data: bytes) -> Iterator[str]:
    """The first category of each input. Raises ValueError where it is no text."""
    begin = _key(b"cats") + b"{" + _key(b"enc") + b"[#L"
    at = data.rindex(begin) + len(begin)
    count, at = int.from_bytes(data[at : at + 8], "big"), at + 8
    for _ in range(count):
        offsets, at = _array(data, at + 1, _key(b"offsets") + b"[$l#L", 4)
        values, at = _array(data, at, _key(b"values") + b"[$i#L", 1)
        yield _first(values, [end for (end,) in struct.iter_unpack(">i", offsets)])
        at += 1


def _array(data: bytes, at: int, head: bytes, width: int) -> tuple[bytes, int]:
    """The bytes of an array of one type, and where it ends. Raises ValueError for another."""
    if not data.startswith(head, at):
        raise ValueError(f"no array of this type at {at}")
    at += len(head)
    begin, end = at + 8, at + 8 + width * int.from_bytes(data[at : at + 8], "big")
    return data[begin:end], end


def _first(texts: bytes, offsets: Sequence[int]) -> str:
    return texts[offsets[0] : offsets[1]].decode() if len(offsets) > 1 else ""


def _length(text: bytes) -> bytes:
    return len(text).to_bytes(8, "big") + text


def _key(text: bytes) -> bytes:
    return b"L" + _length(text)
