"""The YAML of a pipeline file, in which every value knows its line."""

from __future__ import annotations

from functools import partial

from ..core.documents import NOT_YAML, Document, FileKind, KeyPath, compose
from ..core.documents import parse_document as _parse
from ..core.documents import read_document as _read

__all__ = ["NOT_YAML", "Document", "KeyPath", "compose", "parse_document", "read_document"]

_KIND = FileKind(
    noun="pipeline file",
    empty=("It has no steps.", "Write at least `steps:` with one notebook."),
    listing="mlinfra pipelines list",
    too_large="Split it into several pipelines.",
)

parse_document = partial(_parse, kind=_KIND)
read_document = partial(_read, kind=_KIND)
