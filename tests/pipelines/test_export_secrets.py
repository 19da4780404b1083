"""Secrets of a pipeline that Argo runs: keys of a Kubernetes Secret, asked for inside the
kernel.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
import yaml
from argo_rules import rule_faults, schema_faults

from jupyter_mlinfra.core.errors import Unprocessable

from .made_up import Bench, bench

__all__ = ["bench"]

CANARY = "canary-77c1f0"
FILE = """
    pipeline: p
    parameters: {db_password: env:DB_PASSWORD, lot: 1}
    steps:
      a: {notebook: a.ipynb, params: {password: "{{ db_password }}",
          smtp_password: keyring:mail/smtp, lot: "{{ lot }}"}}
      b: {notebook: b.ipynb}
    """


@pytest.fixture
def project_with_secrets(bench: Bench) -> Bench:
    cell = (
        "import hashlib, json\njson.dump([hashlib.sha256(it.encode()).hexdigest() for it in"
        " (password, smtp_password)] + [lot], open('given.json', 'w'))"
    )
    bench.workshop.notebook("a", cell, parameters="password = smtp_password = ''\nlot = 0")
    bench.workshop.notebook("b", "1")
    bench.workshop.pipeline(FILE)
    return bench


def containers(bench: Bench, **options: Any) -> dict[str, dict[str, Any]]:
    body = yaml.safe_load(bench.pipelines.export("p", **options).text)
    assert [*schema_faults(body), *rule_faults(body)] == []
    assert [item["name"] for item in body["spec"]["arguments"]["parameters"]] == [
        "lot",
        "image",
    ], "a submit sets no secret"
    return {item["name"]: item["container"] for item in body["spec"]["templates"][1:]}


def test_a_container_has_them_from_the_secret_and_no_other_container_does(
    project_with_secrets: Bench,
):
    found = containers(project_with_secrets)
    assert found["a"]["env"] == [
        {
            "name": "DB_PASSWORD",
            "valueFrom": {"secretKeyRef": {"name": "p-secrets", "key": "DB_PASSWORD"}},
        },
        {
            "name": "MAIL_SMTP",
            "valueFrom": {"secretKeyRef": {"name": "p-secrets", "key": "mail.smtp"}},
        },
    ]
    assert "env" not in found["b"]
    assert (
        containers(project_with_secrets, secret="team")["a"]["env"][0]["valueFrom"]["secretKeyRef"][
            "name"
        ]
        == "team"
    )


def test_the_head_says_which_keys_the_secret_needs(project_with_secrets: Bench):
    text = project_with_secrets.pipelines.export("p").text
    assert (
        "# The Secret p-secrets must have the keys DB_PASSWORD (env:DB_PASSWORD), mail.smtp"
        " (keyring:mail/smtp)." in text
    )


def test_the_notebook_gets_the_values_and_no_file_holds_them(
    project_with_secrets: Bench, monkeypatch: pytest.MonkeyPatch
):
    """The container's own command, with the variables that Kubernetes would set."""
    monkeypatch.setenv("DB_PASSWORD", CANARY)
    assert CANARY not in project_with_secrets.pipelines.export("p").text
    container, root = containers(project_with_secrets)["a"], project_with_secrets.root
    words = [
        word.replace("{{workflow.parameters.lot}}", "7")
        .replace("{{workflow.name}}", "w")
        .replace("{{pod.name}}", "pod")
        for word in container["args"]
    ]
    script = [
        word.replace("python", sys.executable).replace("/tmp/step", f"{root}/step")
        for word in container["command"]
    ]
    environment = {**os.environ, "DB_PASSWORD": CANARY, "MAIL_SMTP": f"{CANARY}-2"}
    subprocess.run(
        [*script, *words], cwd=root, env=environment, check=True, capture_output=True, text=True
    )
    from hashlib import sha256

    assert json.loads((root / "given.json").read_text()) == [
        *(sha256(value.encode()).hexdigest() for value in (CANARY, f"{CANARY}-2")),
        7,
    ]
    executed = (root / ".mlinfra/argo/w/a-pod.ipynb").read_text()
    assert "DB_PASSWORD" in executed
    assert (
        subprocess.run(["grep", "-rlF", CANARY, str(root)], capture_output=True, text=True).stdout
        == ""
    )


REFUSED = {
    "a secret in a mapping": (
        "steps: {a: {notebook: c.ipynb, params: {password: {of: [env:A]}}}}",
        "cannot hand over",
    ),
    "a secret of an item": (
        "steps: {a: {notebook: c.ipynb, foreach: {password: [env:A, env:B]}}}",
        "cannot choose",
    ),
    "a name that is no key": (
        "steps: {a: {notebook: c.ipynb, params: {password: 'env:MY KEY'}}}",
        "cannot be a key",
    ),
    "two under one name": (
        (
            "steps: {a: {notebook: c.ipynb, params: {password: env:A_B}}, b: {notebook: c.ipynb,"
            " params: {password: keyring:a/b}}}"
        ),
        "would be one variable, A_B",
    ),
    "a notebook of another language": (
        "steps: {a: {notebook: r.ipynb, params: {password: env:A}}}",
        "r.ipynb cannot be given secrets",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_given_is_refused(case: str, bench: Bench):
    path = bench.workshop.notebook("c", "1", parameters="password = ''")
    (path.parent / "r.ipynb").write_text(
        path.read_text().replace('"language": "python"', '"language": "R"')
    )
    text, fault = REFUSED[case]
    bench.workshop.pipeline(f"pipeline: p\n{text}")
    with pytest.raises(Unprocessable, match=fault) as caught:
        bench.pipelines.export("p")
    assert caught.value.fix
