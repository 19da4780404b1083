"""Whether the numbers of an input are of the datatype that it declares, in the words of the Open
Inference Protocol.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .refusal import RequestRefused, show

DTYPES = {
    "BOOL": "bool",
    **{f"UINT{bits}": f"uint{bits}" for bits in (8, 16, 32, 64)},
    **{f"INT{bits}": f"int{bits}" for bits in (8, 16, 32, 64)},
    "FP16": "float16",
    "FP32": "float32",
    "FP64": "float64",
}


_LIMITS = {
    name: (int(np.iinfo(dtype).min), int(np.iinfo(dtype).max))
    for name, dtype in DTYPES.items()
    if "INT" in name
} | {"BOOL": (0, 1)}


def check_datatype(name: str, datatype: str, values: Sequence[Any]) -> None:
    """Raise RequestRefused for a number that contradicts the datatype, which Triton refuses too and
    MLServer cuts off. What is no number is left to the signature, and so are the sizes of floats.
    name: of the input.
    """
    if datatype.startswith("FP") or _all_fit(datatype, values):
        return
    low, high = _LIMITS.get(datatype, (1, 0))  # BYTES are no numbers at all
    is_bool = datatype == "BOOL"
    for value in values:
        if not isinstance(value, int | float):
            continue
        fits = low <= value <= high and value == int(value)
        if not fits or (isinstance(value, bool) and not is_bool):
            raise RequestRefused(
                f"The data of input {name[:80]} contradict its datatype.",
                f"{show(value)} is not of type {datatype}.",
                "Declare the datatype that they have; FP64 stands for any number.",
            )


def _all_fit(datatype: str, values: Sequence[Any]) -> bool:
    """Whether each number is of the datatype, without a look at each: an image has 150,000. False:
    perhaps not.
    """
    types = set(map(type, values))
    if types.isdisjoint((int, float, bool)):
        return True
    if datatype not in _LIMITS or not types <= {int, float, bool if datatype == "BOOL" else int}:
        return False
    if float in types and not all(map(float.is_integer, map(float, values))):
        return False  # as NaN is not, which has no place among the lowest and the highest
    low, high = _LIMITS[datatype]
    return bool(low <= min(values) and max(values) <= high)
