"""Pictures for the documentation, light and dark; written only when `MLINFRA_SCREENSHOTS` is set in
the environment: to `all`, or to the names of some, `models,monitor`.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from PIL import Image

from tests.browser.conftest import Opener, jupyterlab
from tests.browser.scenes import PICTURES, queue
from tests.conftest import Demo

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
NAMES = [
    name
    for name in PICTURES
    if os.environ["MLINFRA_SCREENSHOTS"] == "all"
    or name in os.environ["MLINFRA_SCREENSHOTS"].split(",")
]
MOST = 300_000  # bytes of a picture


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_pictures_of_the_five_panels_with_a_page_each(
    fresh: Opener, demo: Demo, tmp_path: Path, theme: str
) -> None:
    with jupyterlab(demo.root, tmp_path, theme=theme) as server:
        for name in NAMES:
            scene = PICTURES[name]
            view = fresh(server)
            view.go()
            scene(view)
            view.page.mouse.move(1000, 880)
            view.page.wait_for_timeout(1_500)
            save(view.page.screenshot(), FOLDER / f"{name}-{theme.lower()}.png")
            for state in ("queued", "running") if scene is queue else ():
                for one in server.ask(f"mlinfra/api/jobs/jobs?state={state}")["items"]:
                    server.ask(f"mlinfra/api/jobs/jobs/{one['id']}/cancel", "POST", {})
            view.page.close()


def save(png: bytes, path: Path) -> None:
    """As small as it goes without a change of colour."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.open(io.BytesIO(png)).convert("RGB").save(path, optimize=True)
    assert path.stat().st_size < MOST
