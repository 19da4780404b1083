"""Code that opens deployments, shares their traffic and sends them requests."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..core.refs import Ref
from ..core.snippets import (
    Snippets,
    joined,
    line,
    lines,
    literal,
    python,
    snippets,
    text,
)
from .names import name_for

if TYPE_CHECKING:
    from ..workbench import Workbench


def deployments(refs: Sequence[Ref]) -> Snippets:
    """Deployments, with their versions and traffic."""
    return joined([deployment(ref.name) for ref in refs])


def deployment(name: str) -> Snippets:
    """One deployment."""
    code = f"deployment = ml.deployment({text(name)})\ndeployment"
    return lines(code, "deployments", "show", name, magic="deploy")


def deploy(_: Workbench, *, version: str) -> Snippets:
    """A first deployment of a model version."""
    code = f"ml.model({text(version)}).deploy({text(name_for(version))})"
    return lines(code, "deployments", "deploy", version, magic="deploy")


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
