"""Figures in the text format that Prometheus scrapes.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels = Mapping[str, str]
Kind = Literal["counter", "gauge", "histogram"]


def family(name: str, kind: Kind, about: str, samples: Iterable[str]) -> str:
    """A metric with its samples; nothing if there is none."""
    lines = "\n".join(samples)
    return f"# HELP {name} {about}\n# TYPE {name} {kind}\n{lines}\n" if lines else ""


def sample(name: str, labels: Labels, value: float) -> str:
    """One line."""
    return f"{name}{labelled(labels)} {number(value)}"


def labelled(labels: Labels) -> str:
    """Labels in braces, their values escaped."""
    escaped = (
        (name, value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\""))
        for name, value in labels.items()
    )
    return "{" + ",".join(f'{name}="{value}"' for name, value in escaped) + "}"


def number(value: float) -> str:
    """A value; Prometheus knows those that JSON does not."""
    if isinstance(value, int):
        return str(value)
    return repr(float(value)).replace("inf", "Inf").replace("nan", "NaN")
