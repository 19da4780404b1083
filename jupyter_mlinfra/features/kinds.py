"""The kinds of feature views."""

from typing import Literal

ViewKind = Literal["batch", "stream", "on_demand", "label"]
KINDS: tuple[ViewKind, ...] = ("batch", "stream", "on_demand", "label")
