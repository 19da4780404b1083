"""Calls a function of `inside` in a kernel, by one expression that contains the text of that file.
It leaves no name, history or execution count in the kernel.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...core.errors import Unavailable

_INSIDE = Path(__file__).with_name("inside.py")


def expression(function: str, argument: Any) -> str:
    """The expression for the `user_expressions` of a request. argument: of the function, plain."""
    call = f"{_INSIDE.read_text()}\nanswer = {function}(json_loads({json.dumps(argument)!r}))"
    return (
        f"(lambda scope: (exec({call!r}, scope),"
        " __import__('json').dumps(scope['answer']))[1])({'json_loads': __import__('json').loads,"
        " '__name__': ''})"
    )


def answer_of(content: Mapping[str, Any]) -> dict[str, Any]:
    """What the function returned. content: of the reply to a request whose only expression is
    called `answer`. Raises Unavailable when it failed.
    """
    answer = content if content["status"] != "ok" else content["user_expressions"]["answer"]
    if answer.get("status") != "ok":
        raise Unavailable(
            "The warm kernel does not answer.",
            f"{answer.get('ename')}: {answer.get('evalue')}.",
            "The notebook has a cold start.",
        )
    found: dict[str, Any] = json.loads(ast.literal_eval(answer["data"]["text/plain"]))
    return found
