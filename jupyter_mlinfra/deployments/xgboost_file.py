"""What the file of an XGBoost model says of itself, without XGBoost."""

from __future__ import annotations

import json
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


def _length(text: bytes) -> bytes:
    return len(text).to_bytes(8, "big") + text


def _key(text: bytes) -> bytes:
    return b"L" + _length(text)
