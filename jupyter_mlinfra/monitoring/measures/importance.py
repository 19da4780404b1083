"""The importance of each input of a model of XGBoost or LightGBM: its share of the gain of all
splits.

Read from the model's own file (JSON, UBJSON or the text of LightGBM); no code of the model runs.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_NUMBERS = {"i": "b", "U": "B", "I": "h", "l": "i", "L": "q", "d": "f", "D": "d"}
_CONSTANTS = {"Z": None, "N": None, "T": True, "F": False}
_DEEPEST = 100


def of_model(folder: Path) -> Mapping[str, float] | None:
    """Shares of the total gain by input, which sum to 1, of the folder of an MLflow model; None if
    it is no model of XGBoost or LightGBM with trees, or its file cannot be read.
    """
    for name in ("model.ubj", "model.json", "model.xgb", "model.lgb"):
        if (file := folder / name).is_file():
            try:
                return of_lightgbm(file.read_text()) if name == "model.lgb" else of_file(file)
            except (OSError, ValueError, KeyError, TypeError, IndexError, struct.error):
                return None
    return None


def of_lightgbm(text: str) -> Mapping[str, float]:
    """The shares, from the text that LightGBM saves. It writes a space in a name as `_`. Raises
    KeyError for another format.
    """
    fields = [line.partition("=") for line in text.partition("end of trees")[0].splitlines()]
    names = next((value for name, _, value in fields if name == "feature_names"), None)
    if names is None:
        raise KeyError("feature_names")
    places = [value.split() for name, _, value in fields if name == "split_feature"]
    gains = [value.split() for name, _, value in fields if name == "split_gain"]
    found = dict.fromkeys(names.split(), 0.0)
    inputs = list(found)
    for tree_places, tree_gains in zip(places, gains, strict=True):
        for place, gain in zip(tree_places, tree_gains, strict=True):
            found[inputs[int(place)]] += float(gain)
    total = sum(found.values())
    return {name: gain / total if total else 0.0 for name, gain in found.items()}


def of_file(file: Path) -> Mapping[str, float]:
    """The shares, from one file of XGBoost. Raises ValueError for another format, KeyError for a
    model without trees.
    """
    content = file.read_bytes()
    model = json.loads(content) if file.suffix == ".json" else _parse(content)
    learner = model["learner"]
    names, gains = learner.get("feature_names") or [], dict[int, float]()
    trees = learner["gradient_booster"]["model"]["trees"]
    for tree in trees:
        for place, gain, left in zip(
            tree["split_indices"], tree["loss_changes"], tree["left_children"], strict=True
        ):
            if left != -1:
                gains[place] = gains.get(place, 0.0) + gain
    total = sum(gains.values())
    count = max(len(names), max(gains, default=-1) + 1)
    return {
        names[place] if place < len(names) else f"f{place}": (
            gains.get(place, 0.0) / total if total else 0.0
        )
        for place in range(count)
    }


def _parse(content: bytes) -> Any:
    """The value in a UBJSON document (ubjson.org, draft 12), as XGBoost writes it."""
    return _Reader(content).value(0)


class _Reader:
    def __init__(self, content: bytes) -> None:
        self._content, self._at = content, 0

    def value(self, depth: int, kind: str = "") -> Any:
        if depth > _DEEPEST:
            raise ValueError("nested too deeply")
        kind = kind or self._sign()
        if kind in _NUMBERS:
            return self._numbers(_NUMBERS[kind], 1)[0]
        if kind in _CONSTANTS:
            return _CONSTANTS[kind]
        if kind == "S":
            return self._text()
        if kind == "C":
            return self._sign()
        if kind == "[":
            return self._array(depth)
        if kind == "{":
            return self._object(depth)
        raise ValueError(f"no UBJSON: {kind!r}")

    def _array(self, depth: int) -> list[Any]:
        kind, count = self._header()
        if count is not None and kind in _NUMBERS:
            return list(self._numbers(_NUMBERS[kind], count))
        if count is not None:
            return [self.value(depth + 1, kind) for _ in range(count)]
        found = []
        while (sign := self._sign()) != "]":
            found.append(self.value(depth + 1, sign))
        return found

    def _object(self, depth: int) -> dict[str, Any]:
        kind, count = self._header()
        found: dict[str, Any] = {}
        while count is None or len(found) < count:
            if count is None and self._peek() == "}":
                self._at += 1
                break
            name = self._text()
            found[name] = self.value(depth + 1, kind)
        return found

    def _header(self) -> tuple[str, int | None]:
        kind = ""
        if self._peek() == "$":
            self._at += 1
            kind = self._sign()
        if self._peek() != "#":
            return kind, None
        self._at += 1
        return kind, self._length()

    def _text(self) -> str:
        length = self._length()
        self._at += length
        return self._content[self._at - length : self._at].decode()

    def _length(self) -> int:
        kind = self._sign()
        if kind not in "iUIlL":
            raise ValueError(f"no length: {kind!r}")
        length = int(self._numbers(_NUMBERS[kind], 1)[0])
        if not 0 <= length <= len(self._content):
            raise ValueError("a length that is too large")
        return length

    def _numbers(self, form: str, count: int) -> tuple[Any, ...]:
        size = struct.calcsize(form) * count
        self._at += size
        return struct.unpack(f">{count}{form}", self._content[self._at - size : self._at])

    def _sign(self) -> str:
        self._at += 1
        if self._at > len(self._content):
            raise ValueError("the file ends too early")
        return chr(self._content[self._at - 1])

    def _peek(self) -> str:
        return chr(self._content[self._at]) if self._at < len(self._content) else ""
