"""A job backend and a domain of other packages have settings of their own: no module of ours knows
of them (`tests/support/lorry`, `tests/support/books`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from books.settings import BookSettings

from jupyter_mlinfra.core import domains
from jupyter_mlinfra.core.errors import BadRequest
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.jobs.backends import load_backend
from jupyter_mlinfra.jobs.remote.client import digest_of
from jupyter_mlinfra.jobs.settings import JobSettings


@pytest.fixture
def opened(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], Project]]:
    """Opens a project with these settings; the entry points of a package are installed."""
    info = tmp_path / "packages" / "lorry-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lorry\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[mlinfra.job_backends]\nlorry = lorry:Lorry\nvan = lorry:NoLorry\ncart = no_cart:Cart\n"
        "[mlinfra.domains]\nbooks = books.domain:DOMAIN\n"
    )
    monkeypatch.syspath_prepend(str(info.parent))
    _forget()

    def opened(text: str) -> Project:
        (project.root / "mlinfra.toml").write_text(text)
        return Project(project.root)

    yield opened
    _forget()


def _forget() -> None:
    domains.section_of.cache_clear()
    domains.domains.cache_clear()


def settings_of(project: Project) -> tuple[str, int]:
    backend: Any = load_backend("lorry", project)
    return backend.configured.depot, backend.configured.axles


def test_a_backend_reads_its_own_table_and_the_environment_over_it(
    opened: Callable[[str], Project], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settings_of(opened("")) == ("north", 2)
    text = '[jobs]\ncpus = 3\n[jobs.lorry]\ndepot = "south"\naxles = 4\n'
    assert settings_of(opened(text)) == ("south", 4)
    assert opened(text).settings.of(JobSettings).cpus == 3
    monkeypatch.setenv("MLINFRA_JOBS_LORRY", '{"axles": 6}')
    assert settings_of(opened(text)) == ("south", 6)


def test_a_domain_reads_its_own_section_and_the_environment_over_it(
    opened: Callable[[str], Project], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert opened("").settings.of(BookSettings).shelves == 3
    assert opened("[books]\nshelves = 5\n").settings.of(BookSettings).shelves == 5
    monkeypatch.setenv("MLINFRA_BOOKS_SHELVES", "7")
    assert opened("[books]\nshelves = 5\n").settings.of(BookSettings).shelves == 7
    assert opened("").settings.of(BookSettings).shelves == 7
    with pytest.raises(BadRequest, match=r"books\.shelf") as caught:
        opened("[books]\nshelf = 5\n")
    assert "the nearest is books.shelves" in caught.value.why


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("axle = 3", "the nearest is jobs.lorry.axles"),
        ("axles = 1", "greater than or equal to 2"),
    ],
)
def test_what_it_cannot_use_is_refused_when_the_project_is_opened(
    opened: Callable[[str], Project], line: str, words: str
) -> None:
    with pytest.raises(BadRequest, match=r"jobs\.lorry\.axle") as caught:
        opened(f"[jobs.lorry]\n{line}\n")
    assert words in caught.value.why


@pytest.mark.parametrize("name", ["cart", "van"])
def test_a_package_that_fails_keeps_no_project_closed_and_the_log_says_why(
    opened: Callable[[str], Project], name: str, caplog: pytest.LogCaptureFixture
) -> None:
    project = opened(f"[jobs]\ncpus = 3\n[jobs.{name}]\nwheels = 2\n")
    assert project.settings.of(JobSettings).cpus == 3
    assert f"The settings of jobs.{name} are not checked" in caplog.text


def test_a_follower_is_replaced_when_the_settings_of_its_backend_have_changed(
    opened: Callable[[str], Project],
) -> None:
    one, other, third = (
        digest_of(opened(text))
        for text in ("", "[jobs.lorry]\naxles = 4\n", "[jobs]\ngrace_seconds = 1\n")
    )
    assert len({one, other, third}) == 3
