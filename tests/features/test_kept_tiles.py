"""Tiles on disk: made once for a state of the source, added to when it grows."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.features.join import JoinView, join_as_of
from jupyter_mlinfra.features.sources import SourceSpec, scan
from jupyter_mlinfra.features.windows import kept
from jupyter_mlinfra.features.windows.kept import KeptTiles
from jupyter_mlinfra.features.windows.plan import window_spec

from .test_windows import SCHEMA, SHAPES, T0, all_windows, made

SOURCE = SourceSpec(kind="dataset", name="shop.events", time="t", created="c")
HOUR = timedelta(hours=1)
WINDOWS = [item for shape in SHAPES[:3] for item in all_windows(*shape)]


def answers(root: Path, entities: pl.LazyFrame, **changes: Any) -> list[pl.DataFrame]:
    """With late events known at once, and when they were created."""
    found = []
    for late in (False, True):
        names = {item.feature: item.feature for item in WINDOWS}
        settings: dict[str, Any] = {
            "name": "v",
            "frame": scan(SOURCE, root),
            "keys": {"a": "a", "b": "b"},
            "features": names,
            "time": "t",
            "created": "c",
            "created_counts": late,
            "windows": WINDOWS,
        }
        found.append(join_as_of(entities, [JoinView(**settings | changes)], at="at").collect())
    return found


def test_tiles_are_read_instead_of_the_source_and_grow_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mlinfra.toml").write_text('[project]\nname = "tiles"\n')
    project = Project.open(tmp_path)
    catalog = Catalog(project)
    parts = [pl.DataFrame(made(seed, 300, 0)[0], schema=SCHEMA) for seed in (1, 2, 3)]
    asked = pl.LazyFrame(
        made(4, 0, 80)[1], schema={name: SCHEMA[name] for name in ("a", "b")} | {"at": SCHEMA["t"]}
    )
    tiles = KeptTiles(SOURCE, tmp_path)

    def compare() -> None:
        for found, wanted in zip(
            answers(tmp_path, asked, tiles=tiles), answers(tmp_path, asked), strict=True
        ):
            assert_frame_equal(found, wanted, rel_tol=1e-9)

    def unread(*_: Any, **__: Any) -> pl.LazyFrame:
        raise AssertionError("The source is read.")

    catalog.write(parts[0], into="shop.events")
    compare()
    monkeypatch.setattr(kept, "scan", unread)
    compare()  # the second time nobody reads the source for tiles
    catalog.write(parts[1], into="shop.events")
    compare()  # only the new rows are read
    catalog.write(parts[2], into="shop.events", mode="replace")
    with pytest.raises(AssertionError, match="source is read"):
        answers(tmp_path, asked, tiles=tiles)
    monkeypatch.undo()
    compare()
    (home,) = [path for path in project.folder("features", "tiles").iterdir() if path.is_dir()]
    assert 1 <= len(list(home.iterdir())) <= 2  # old states go
    project.database.close()


def test_tiles_of_one_mapping_are_not_those_of_another(tmp_path: Path) -> None:
    """A dataset of which two views rename different columns to the same name."""
    (tmp_path / "mlinfra.toml").write_text('[project]\nname = "tiles"\n')
    project = Project.open(tmp_path)
    paid = {"k": [1, 1], "t": [T0, T0], "gross": [100.0, 200.0], "net": [1.0, 2.0]}
    Catalog(project).write(pl.DataFrame(paid), into="shop.paid")
    asked = pl.LazyFrame({"k": [1], "at": [T0 + HOUR]})
    sums, old, homes = [], list[Path](), project.folder("features", "tiles")
    for column in ("gross", "net"):
        source = SourceSpec(kind="dataset", name="shop.paid", time="t", mapping={column: "amount"})
        view = JoinView(
            name="v",
            frame=scan(source, tmp_path),
            keys={"k": "k"},
            features={"f": "f"},
            time="t",
            windows=[window_spec("amount", "sum", window=HOUR, slide=HOUR, name="f")],
            tiles=KeptTiles(source, tmp_path),
        )
        sums.append(join_as_of(asked, [view], at="at").collect()["f"].item())
        (home,) = [path for path in homes.iterdir() if path.is_dir() and path not in old]
        os.utime(home, (0, 0))  # long not used: it goes when others are made
        old.append(home)
    assert sums == [300.0, 3.0]
    assert [home.exists() for home in old] == [False, True]
    project.database.close()
