"""Kinds of files that are not read, and how their rows come in all the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import PurePath

_HADOOP = "Write the rows again as gzip, zstd or bzip2 (Spark: option('compression', 'gzip'))."


def _written(frame: str) -> str:
    return f"Write its rows in Python: ml.write({frame}, into='NAMESPACE.TABLE')"


_FIXES: Mapping[str, str] = {
    ".orc": f"{_written("pl.from_arrow(pyarrow.orc.read_table('FILE'))")}, or write Parquet with"
    " the program that made it (Spark: write.parquet).",
    ".avro": f"{_written("pl.read_avro('FILE')")}.",
    ".lance": f"{_written("pl.from_arrow(lance.dataset('FOLDER.lance').to_table())")}.",
    ".vortex": f"{_written("pl.from_arrow(vortex.open('FILE').to_arrow().read_all())")}.",
    ".snappy": _HADOOP,
    ".deflate": _HADOOP,
    ".lzo": _HADOOP,
}


def fix_for(names: Iterable[str]) -> str:
    """What to do with the first of these files of which that is known; empty if there is none."""
    return next((_FIXES[end] for end in map(_ending, names) if end in _FIXES), "")


def _ending(name: str) -> str:
    return PurePath(name).suffix.lower()
