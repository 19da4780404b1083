"""What the routes of the feature store do besides what they answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.server.noted import Noted, answer_of


@pytest.mark.parametrize("online", [True, False])
async def test_the_page_of_a_view_that_is_online_warms_the_first_look_up(
    ask: Callable[..., Any], noted: Noted, online: bool
) -> None:
    detail = answer_of("features/views/{name}", "get")
    noted.answer = replace(detail, view=replace(detail.view, online=online))
    assert (await ask("features/views/weather")).code == 200
    assert [verb for _, verb, _ in noted.calls] == (["show", "warm"] if online else ["show"])
