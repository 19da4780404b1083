"""Tiles kept on disk, so that training, materialization and checks read a source once.

They are kept for one state of the source. Where a dataset only got further rows, the tiles of these
are added to those that are kept. The folder can be deleted.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.errors import Conflict, NotFound, Unavailable
from ...core.files import file_lock
from ...core.project import Project
from ..joining.names import key_names
from ..sources import SourceSpec, scan, state_of
from .tiles import TileFrames, merged_tiles, tiles_of

if TYPE_CHECKING:
    import polars as pl

    from ..joining.view import JoinView
    from .plan import Plan

_FORMAT = 3
_TILES, _LATE = "tiles", "late"
_UNUSED_DAYS = 30
"""Tiles that nobody asked for so long go: those of definitions that have changed."""


class KeptTiles:
    """The tiles of one view in `.mlinfra/features/tiles/`. source: of its events; repo: what paths
    are relative to.
    """

    def __init__(self, source: SourceSpec, repo: Path) -> None:
        self._source, self._repo = source, repo

    def of(self, view: JoinView, plan: Plan) -> TileFrames | None:
        """The tiles of the source as it is now; None outside a project, where nothing can be
        written, and for a source that does not tell whether it has changed.
        """
        state = state_of(self._source, self._repo)
        if state is None:
            return None
        try:
            home = Project.open(self._repo).folder("features", "tiles", self._name(view, plan))
            with file_lock(home.with_suffix(".lock")):
                home.mkdir(exist_ok=True)
                os.utime(home)
                missing = not (home / state).is_dir()
                if missing and not self._make(view, plan, home, state):
                    return None
            if missing:
                _drop_unused(home.parent)
        except (NotFound, Unavailable):
            return None
        return _read(home / state, plan, late=view.created is not None)

    def _name(self, view: JoinView, plan: Plan) -> str:
        """Different for whatever makes other tiles of the same rows."""
        columns = [*view.keys.values(), view.time, *plan.inputs]
        columns += [view.created] if view.created else []
        types = [(column, str(view.schema[column])) for column in columns]
        source = self._source.without_secrets()
        origin = [source.ref, sorted(source.mapping.items()), sorted(source.options.items())]
        facts = [_FORMAT, *origin, plan.tile, sorted(plan.needs.items()), plan.distinct]
        return hashlib.sha256(repr([facts, len(view.keys), types]).encode()).hexdigest()[:16]

    def _make(self, view: JoinView, plan: Plan, home: Path, state: str) -> bool:
        """Write the tiles; False if the source has changed meanwhile."""
        old = [folder for folder in home.iterdir() if not folder.name.startswith(".")]
        frames = self._grown(view, plan, {folder.name: folder for folder in old}, state)
        if frames is None:
            snapshot = _snapshot(state) if self._source.kind == "dataset" else None
            rows = scan(self._source, self._repo, snapshot=snapshot)
            frames = tiles_of(rows, view, plan, split=True)
        draft = Path(tempfile.mkdtemp(prefix=".", dir=home))
        try:
            _write(frames, draft)
            unchanged = state_of(self._source, self._repo) == state
            if unchanged:
                os.replace(draft, home / state)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        if unchanged:  # the newest of the old ones may still be read
            for folder in sorted(old, key=lambda item: item.stat().st_mtime)[:-1]:
                shutil.rmtree(folder, ignore_errors=True)
        return unchanged

    def _grown(
        self, view: JoinView, plan: Plan, old: Mapping[str, Path], state: str
    ) -> TileFrames | None:
        """Kept tiles with those of the rows that the dataset got since; None if there are none."""
        import polars as pl

        if self._source.kind != "dataset" or not old or self._source.snapshot:
            return None
        from ..sources.datasets import catalog_of

        catalog = catalog_of(self._source, self._repo)
        name = f"{self._source.name}@{_snapshot(state)}"
        snapshots = {_snapshot(found): found for found in old}
        try:
            since = catalog.grown_from(name, list(snapshots))
            more = catalog.appended(name, since) if since else None
        except Conflict:  # rows were replaced, or columns changed
            return None
        if more is None or since is None:
            return None
        more = more.rename(dict(self._source.mapping), strict=False)
        late = view.created is not None
        kept, new = (
            _read(old[snapshots[since]], plan, late=late),
            tiles_of(more, view, plan, split=True),
        )
        both = pl.concat([kept.tiles, new.tiles])
        return TileFrames(
            tiles=merged_tiles(both, key_names(view.keys), plan),
            values={
                number: pl.concat([frame, new.values[number]]).unique()
                for number, frame in kept.values.items()
            },
            late=None
            if kept.late is None or new.late is None
            else pl.concat([kept.late, new.late]),
        )


def _drop_unused(tiles: Path) -> None:
    oldest = time.time() - _UNUSED_DAYS * 86_400
    for home in tiles.iterdir():
        if home.is_dir() and home.stat().st_mtime < oldest:
            with file_lock(home.with_suffix(".lock")):
                if home.is_dir() and home.stat().st_mtime < oldest:
                    shutil.rmtree(home, ignore_errors=True)


def _snapshot(state: str) -> str:
    """The snapshot in a dataset's state, which may also name columns (`ID.COLUMNS`)."""
    return state.partition(".")[0]


def _write(frames: TileFrames, folder: Path) -> None:
    parts = {_TILES: frames.tiles} | {f"values{n}": frame for n, frame in frames.values.items()}
    if frames.late is not None:
        parts[_LATE] = frames.late
    for name, frame in parts.items():
        frame.sink_parquet(folder / f"{name}.parquet")


def _read(folder: Path, plan: Plan, *, late: bool) -> TileFrames:
    import polars as pl

    def part(name: str) -> pl.LazyFrame:
        return pl.scan_parquet(folder / f"{name}.parquet")

    return TileFrames(
        tiles=part(_TILES),
        values={number: part(f"values{number}") for number in plan.distinct},
        late=part(_LATE) if late else None,
    )
