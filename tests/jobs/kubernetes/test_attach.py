"""A shell beside a job of Kubernetes: the words that are given to kubectl, which is not here."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_mlinfra.core.errors import Unavailable


def test_kubectl_is_sent_to_the_pod_of_the_job(
    site: Any, tools: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = site.shell("while [ ! -e go ]; do sleep 0.05; done")
    pod = site.running(job)
    monkeypatch.setenv("PATH", str(site.root))
    with pytest.raises(Unavailable, match="kubectl"):
        site.jobs.attach(job.id)
    (site.root / "kubectl").write_text("#!/bin/sh\n")
    (site.root / "kubectl").chmod(0o755)
    found = list(site.jobs.attach(job.id).command)
    at = found.index("exec")
    assert found[0] == str(site.root / "kubectl")
    assert found[at : at + 4] == ["exec", "-it", pod, "--"]
    assert "--namespace=default" in found[:at]
    assert found[-1] == str(site.root)
    (site.root / "go").touch()
