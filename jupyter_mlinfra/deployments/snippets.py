"""Code that opens deployments, shares their traffic and sends them requests."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from ..core.refs import Ref
from ..core.snippets import (
    Snippets,
    arguments,
    joined,
    line,
    lines,
    literal,
    option,
    python,
    snippets,
    text,
)
from .names import name_for

if TYPE_CHECKING:
    from ..workbench import Workbench

_FLAGS = {"least_requests": "--least", "traffic": "--canary"}
"""Of options whose names are not the parameters'."""


class DeployWishes(TypedDict, total=False):
    """What a deploy takes by REST beside version, name and defaults, in the order on screen."""

    traffic: int | None
    shadow: bool
    copies: int | None
    steps: list[int]
    every: float | None
    least_requests: int | None
    goal: str | None
    better: str | None
    answers: str | None
    runtime: str | None
    workers: int | None
    target: str | None
    features: list[str]
    missing: str | None
    reason: str


def deployments(refs: Sequence[Ref]) -> Snippets:
    """Deployments, with their versions and traffic."""
    return joined([deployment(ref.name) for ref in refs])


def deployment(name: str) -> Snippets:
    """One deployment."""
    code = f"deployment = ml.deployment({text(name)})\ndeployment"
    return lines(code, "deployments", "show", name, magic="deploy")


def deploy(
    _: Workbench,
    *,
    version: str,
    name: str | None = None,
    default: Sequence[str] = (),
    **wishes: Unpack[DeployWishes],
) -> Snippets:
    """A deployment of a model version. name: by default the model's. default: `COLUMN=VALUE`.
    wishes: what else a deploy takes by REST; what is None, False or empty is not said.
    """
    said: dict[str, Any] = {
        key: value
        for key, value in wishes.items()
        if value not in (None, "", []) and value is not False
    }
    in_python = dict(said)
    copies = in_python.pop("copies", True)
    if "shadow" in said:
        in_python["shadow"] = copies
    if "every" in said:
        in_python["every"] = seconds(said["every"])
    if default:
        in_python["defaults"] = {
            column: _read(value) for column, _, value in (pair.partition("=") for pair in default)
        }
    words = ", ".join(filter(None, [text(name or name_for(version)), arguments(in_python)]))
    options = [*(option("--name", name) if name else []), *_flags(said)]
    return lines(
        f"ml.model({text(version)}).deploy({words})",
        "deployments",
        "deploy",
        version,
        options=[*options, *(word for pair in default for word in option("--default", pair))],
        magic="deploy",
    )


def seconds(value: float) -> str:
    """A span as the command line reads it, which knows no exponents."""
    return f"{value:.15g}s"


def _flags(said: Mapping[str, Any]) -> list[str]:
    """The options of a deploy, in their order on screen."""
    found: list[str] = []
    for key, value in said.items():
        flag = _FLAGS.get(key, f"--{key}")
        if value is True:
            found.append(flag)
        elif key == "features":
            found += [word for view in value for word in option(flag, str(view))]
        elif key == "steps":
            found += option(flag, ",".join(map(str, value)))
        else:
            found += option(flag, seconds(value) if key == "every" else str(value))
    return found


def _read(value: str) -> Any:
    """A default as the command line reads it."""
    try:
        return json.loads(value)
    except ValueError:
        return value


def batch(_: Workbench, *, version: str, source: str, into: str) -> Snippets:
    """Predictions of a model version for a whole dataset."""
    code = f"job = ml.model({text(version)}).batch({text(source)}, {text(into)})\njob"
    return lines(
        code,
        "deployments",
        "batch",
        version,
        options=["--from", source, "--into", into],
        magic="deploy",
    )


def traffic(_: Workbench, *, name: str, shares: dict[str, int | str]) -> Snippets:
    """Other shares of the requests. shares: percentages by version; a text that is not one stays a
    text.
    """
    arguments = [f"{version}={percent}" for version, percent in shares.items()]
    code = f"ml.deployment({text(name)}).traffic({literal(shares)})"
    return lines(code, "deployments", "traffic", name, *arguments, magic="deploy")


def predict(bench: Workbench, *, name: str, body: Any) -> Snippets:
    """A request to a deployment with this body. Raises NotFound."""
    return bench.deployments.request_code(name, body)


def request(name: str, body: Any, *, url: str, header_file: str, public_url: str = "") -> Snippets:
    """The same by the address. header_file: holds the header that a request needs; empty if none is
    needed. public_url: the address for other machines, where it is a key from the environment.
    """
    body_text = json.dumps(body, ensure_ascii=False)
    command = line("mlinfra deployments predict", name, options=["--rows", "-"])
    token = f" -H {shlex.quote(f'@{header_file}')}" if header_file else ""
    # `printf` is the shell's own: what curl gets as an argument everybody sees in `ps`.
    key = "printf 'Authorization: Bearer %s\\n' \"$MLINFRA_KEY\" | " if public_url else ""
    curl = (
        f"{key}curl -s {shlex.quote(public_url or url)} -H 'Content-Type: application/json'"
        f"{' -H @-' if public_url else token} -d {shlex.quote(body_text)}"
    )
    return snippets(
        python=python(f"ml.deployment({text(name)}).predict({literal(body)})"),
        cli=command and f"printf '%s\\n' {shlex.quote(body_text)} | {command}",
        curl=curl,
    )


def page_code(
    name: str,
    sample: Mapping[str, Any] | None,
    *,
    url: str,
    header_file: str,
    public_url: str = "",
) -> Snippets:
    """The code of a deployment's page: a request with its sample, once it has one."""
    if sample is None:
        return deployment(name)
    code = request(name, sample, url=url, header_file=header_file, public_url=public_url)
    if "names" not in sample.get("data", {}):
        return {**deployment(name), "python": code["python"], "curl": code["curl"]}
    row = dict(zip(sample["data"]["names"], sample["data"]["ndarray"][0], strict=True))
    return {
        **deployment(name),
        "python": python(f"ml.deployment({text(name)}).predict([{literal(row)}])"),
        "curl": code["curl"],
    }
