"""Who uses a version of a model, and that its end is in the audit log."""

from __future__ import annotations

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.deployments import Deployments
from jupyter_mlinfra.deployments.spec import VersionState


def test_a_version_is_used_where_it_has_traffic_or_stays_ready(project: Project) -> None:
    deployments = Deployments(project, None)  # type: ignore[arg-type]
    store = deployments._store
    for number in (1, 2, 3):
        version = f"v{number}"
        store.begin("live", version, target="local", model="flights", number=number, workers=1)
        if number < 3:
            store.move("live", version, VersionState.STARTING)
            store.move("live", version, VersionState.TESTING)
            with store.change("live") as change:
                change.ready(version, [])
    with store.change("live") as change:
        change.traffic({"v1": 0, "v2": 100, "v3": 0}, verb="traffic", user="ana", reason="")

    def uses(model: str, number: int) -> list[tuple[str, str]]:
        return [(use.what, use.fix) for use in deployments.uses_of(model, number)]

    assert uses("flights", 2) == [
        ("100 % of the traffic of live", "mlinfra deployments traffic live …")
    ]
    assert uses("flights", 1) == [("a place ready in live", "mlinfra deployments remove live v1")]
    assert uses("flights", 3) == []
    assert uses("other", 2) == []


def test_the_end_of_a_version_is_in_the_audit_log(project: Project) -> None:
    deployments = Deployments(project, None)  # type: ignore[arg-type]
    deployments.note_deleted("flights", 3, reason="too slow")
    (entry,) = deployments.audit().items
    assert (entry.verb, entry.text, entry.reason) == (
        "delete version",
        "flights/3 deleted from the registry",
        "too slow",
    )
    assert entry.user == project.user
