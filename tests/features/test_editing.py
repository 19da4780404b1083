"""Tags that a program writes into a definition file: only they change, or nothing does."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_mlinfra.core.errors import Unprocessable
from jupyter_mlinfra.features.editing import _files, retagged
from jupyter_mlinfra.features.loading import files_of

MANY = '''\
"""Views. Größe: ü."""
from feast import Entity, FeatureView as FV
import feast

other = FV(name="other", tags={"a": "1"})
clicks = FV(  # of the web
    name="clicks",
    entities=[],  # none
    ttl=(1),
    tags={
        "team": "growth",
        'gold': "",
    },
)
ü = 1; plain = feast.FeatureView(name="plain", entities=[])
alone = feast.StreamFeatureView(
    name="alone",
)


@feast.on_demand_feature_view(
    sources=[clicks],
    schema=[],
)
def doubled(rows):
    return rows
'''


def _edited(
    repo: Path, view: str, add: dict[str, str], remove: tuple[str, ...] = (), body: str = MANY
) -> tuple[list[str], list[str], dict[str, str]]:
    """Lines that went, lines that came, and the tags."""
    (repo / "views.py").write_bytes(body.encode())
    found = retagged(repo, view, add, remove)
    assert found.before == body
    old, new = body.splitlines(), found.after.splitlines()
    gone = [line for line in old if line not in new]
    return gone, [line for line in new if line not in old], dict(found.tags)


def test_entries_are_added_changed_and_removed_each_on_its_line(tmp_path: Path) -> None:
    gone, came, tags = _edited(tmp_path, "clicks", {"deprecated": 'use "x"\n'})
    assert gone == ["        'gold': \"\","]
    assert came == ['        "gold": "",', '        "deprecated": "use \\"x\\"\\n",']
    assert tags == {"team": "growth", "gold": "", "deprecated": 'use "x"\n'}
    gone, came, tags = _edited(tmp_path, "clicks", {"team": "ads"}, ("gold",))
    assert (gone, came) == (
        ['        "team": "growth",', "        'gold': \"\","],
        ['        "team": "ads",'],
    )
    assert _edited(tmp_path, "other", {}, ("a",))[1:] == (['other = FV(name="other", tags={})'], {})


def test_tags_are_written_where_there_were_none(tmp_path: Path) -> None:
    one = {"new": ""}
    assert _edited(tmp_path, "plain", one)[1] == [
        'ü = 1; plain = feast.FeatureView(name="plain", tags={"new": ""}, entities=[])'
    ]
    assert _edited(tmp_path, "alone", one)[:2] == ([], ['    tags={"new": ""},'])
    assert _edited(tmp_path, "doubled", one)[:2] == ([], ['    tags={"new": ""},'])


def test_line_ends_stay_and_what_is_there_already_changes_nothing(tmp_path: Path) -> None:
    windows = MANY.replace("\n", "\r\n")
    (tmp_path / "views.py").write_bytes(windows.encode())
    found = retagged(tmp_path, "clicks", {"new": "1"}, ())
    assert found.after.count("\r\n") == found.after.count("\n") == windows.count("\n") + 1
    same = retagged(tmp_path, "clicks", {"team": "growth"}, ("nothing",))
    assert same.after == same.before


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ('x = FeatureView(name=NAME, tags={"a": "1"})', "in plain words"),
        ('x = FeatureView(name="v", tags=COMMON)', "not plain words"),
        ('x = FeatureView(name="v", tags={**COMMON, "a": "1"})', "not plain words"),
        ('x = FeatureView(name="v", tags={"a": NAME})', "not plain words"),
        ('x = FeatureView(name="v", tags={\n  "a": "1",  # why\n})', "without comments"),
        ('x = FeatureView(name="v", **common)', r"by \*\*"),
        ("@on_demand_feature_view()\ndef v(rows): ...", "names no argument"),
        ('x = FeatureView(name="v")\ny = FeatureView(name="v")', "more than once"),
        ('x = FeatureView(name="v"', "in plain words"),
        ('x = make_view(name="v")', "in plain words"),
    ],
)
def test_what_is_not_plain_is_refused_with_the_words_to_write(
    tmp_path: Path, body: str, why: str
) -> None:
    (tmp_path / "views.py").write_text(body)
    with pytest.raises(Unprocessable, match=why) as caught:
        retagged(tmp_path, "v", {"deprecated": "use w"}, ("gold",))
    assert 'write "deprecated": "use w"' in caught.value.fix
    assert 'take "gold" out' in caught.value.fix
    assert (tmp_path / "views.py").read_text() == body


def test_files_are_those_that_feast_reads(tmp_path: Path) -> None:
    skipped = (
        *("old.py", "venv/lib/v.py", "sub/__init__.py", ".venv/v.py", ".git/v.py"),
        *("sub/__pycache__/v.py", "sub/.ipynb_checkpoints/v.py", ".mlinfra/v.py"),
    )
    for name in (*skipped, "views.py", "sub/more.py", ".hidden/v.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text('x = FeatureView(name="v")')
    (tmp_path / ".feastignore").write_text("old.py # a copy\n\n# more\nvenv\n")
    (tmp_path / "folder.py").mkdir()
    (tmp_path / ".#views.py").symlink_to("user@host.1:2")
    (tmp_path / "same.py").symlink_to(tmp_path / "views.py")
    found = sorted(file.resolve() for file in _files(tmp_path))
    assert found == files_of(tmp_path)
    assert [str(file.relative_to(tmp_path)) for file in found] == [
        *(".hidden/v.py", "sub/more.py", "views.py")
    ]
    (tmp_path / ".feastignore").write_text("/no/pattern\nold.py\nvenv\nsub\n.hidden\nsame.py")
    with pytest.raises(Unprocessable, match="No file"):
        retagged(tmp_path, "v", {"a": ""}, ())
