"""Who may do what: every route and verb, signed out, denied, and with the action and resource that
an administrator would grant.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from typing import Any, cast

import pytest
from jupyter_server.auth import Authorizer

from jupyter_mlinfra.core.errors import MLInfraError
from jupyter_mlinfra.deployments import LiveComparison
from jupyter_mlinfra.deployments.store import DeploymentStore
from jupyter_mlinfra.faces.handler import Handler
from jupyter_mlinfra.monitoring.store import MonitorStore
from tests.server.noted import Noted, made_up

EXPECTED = {
    "GET catalog/datasets": "read catalog",
    "GET catalog/datasets/{name}": "read catalog",
    "GET catalog/datasets/{name}/rows": "read catalog",
    "GET catalog/datasets/{name}/profile": "read catalog",
    "POST catalog/datasets/{name}/grid": "read catalog",
    "POST catalog/datasets/{name}/shape": "read catalog",
    "GET catalog/datasets/{name}/snapshots": "read catalog",
    "GET catalog/datasets/{name}/diff": "read catalog",
    "POST catalog/datasets/{name}/restore": "write catalog",
    "POST catalog/datasets/{name}/refs": "write catalog",
    "GET catalog/datasets/{name}/expiry": "read catalog",
    "POST catalog/datasets/{name}/expire": "write catalog",
    "GET catalog/datasets/{name}/lineage": "read catalog",
    "POST catalog/datasets/{name}/tags": "write catalog",
    "POST catalog/datasets/{name}/description": "write catalog",
    "POST catalog/datasets/{name}/columns/{column}": "write catalog",
    "GET catalog/datasets/{name}/quality": "read catalog",
    "GET catalog/datasets/{name}/quality/results": "read catalog",
    "POST catalog/datasets/{name}/quality/run": "write catalog",
    "POST catalog/datasets/{name}/rules": "write catalog",
    "POST catalog/datasets/{name}/contract/export": "write catalog",
    "POST catalog/datasets/{name}/contract/import": "write catalog",
    "GET catalog/datasets/{name}/verify": "read catalog",
    "POST catalog/datasets/{name}/verify": "write catalog",
    "POST catalog/datasets/{name}/mend": "write catalog",
    "POST catalog/datasets/{name}/mend/export": "write catalog",
    "GET catalog/clean": "read catalog",
    "POST catalog/clean": "write catalog",
    "POST catalog/trash/{id}/purge": "write catalog",
    "GET catalog/namespaces": "read catalog",
    "GET catalog/audit": "read catalog",
    "GET catalog/datasets/{name}/care": "read catalog",
    "POST catalog/datasets/{name}/move": "write catalog",
    "GET catalog/datasets/{name}/compact": "read catalog",
    "POST catalog/datasets/{name}/compact": "write catalog",
    "GET catalog/datasets/{name}/clean": "read catalog",
    "POST catalog/datasets/{name}/clean": "write catalog",
    "POST catalog/datasets/{name}/delete": "write catalog",
    "GET catalog/trash": "read catalog",
    "POST catalog/trash/{id}/restore": "write catalog",
    "POST catalog/sql": "read catalog",
    "POST catalog/inspect": "write catalog",
    "POST catalog/ingest": "write catalog",
    "POST catalog/register": "write catalog",
    "GET features/views": "read features",
    "GET features/views/{name}": "read features",
    "POST features/views/{name}/materialize": "execute features",
    "GET features/features": "read features",
    "POST features/online": "read features",
    "POST features/push": "execute features",
    "POST features/views/{name}/check": "execute features",
    "POST features/views/{name}/explain": "read features",
    "GET features/views/{name}/statistics": "read features",
    "POST features/views/{name}/statistics": "execute features",
    "GET features/views/{name}/compare": "read features",
    "POST features/views/{name}/tags": "execute features",
    "POST features/views/{name}/tags/preview": "write features",
    "GET features/views/{name}/lineage": "read features",
    "GET features/views/{name}/uses": "read features",
    "POST features/snapshot": "write features",
    "POST features/apply": "execute features",
    "POST features/define": "execute features",
    "GET features/services": "read features",
    "GET features/services/{name}": "read features",
    "GET features/saved": "read features",
    "GET features/saved/{name}": "read features",
    "GET features/entities": "read features",
    "GET features/entities/{name}": "read features",
    "GET jobs/jobs": "read jobs",
    "POST jobs/jobs": "execute jobs",
    "GET jobs/jobs/{id}": "read jobs",
    "GET jobs/jobs/{id}/log": "read jobs",
    "POST jobs/jobs/{id}/cancel": "execute jobs",
    "POST jobs/jobs/{id}/requeue": "execute jobs",
    "POST jobs/jobs/{id}/restore": "execute jobs",
    "POST jobs/jobs/{id}/hold": "execute jobs",
    "POST jobs/jobs/{id}/release": "execute jobs",
    "POST jobs/jobs/{id}/priority": "execute jobs",
    "POST jobs/jobs/{id}/clone": "execute jobs",
    "GET jobs/jobs/{id}/attempts": "read jobs",
    "GET jobs/jobs/{id}/resources": "read jobs",
    "GET jobs/jobs/{id}/code": "read jobs",
    "GET jobs/queue": "read jobs",
    "GET jobs/jobs/{id}/parameters": "read jobs",
    "GET jobs/backends": "read jobs",
    "GET jobs/jobs/{id}/diff": "read jobs",
    "GET jobs/jobs/{id}/log/search": "read jobs",
    "POST jobs/jobs/{id}/attach": "execute jobs",
    "POST jobs/estimate": "read jobs",
    "GET jobs/preview": "read jobs",
    "GET jobs/compute": "read jobs",
    "GET jobs/supervisor": "read jobs",
    "GET jobs/parameters": "read jobs",
    "GET jobs/executed": "read jobs",
    "GET pipelines/pipelines": "read pipelines",
    "GET pipelines/pipelines/{name}": "read pipelines",
    "GET pipelines/pipelines/{name}/runs": "read pipelines",
    "POST pipelines/pipelines/{name}/runs": "execute pipelines",
    "POST pipelines/pipelines/{name}/backfill": "execute pipelines",
    "GET pipelines/pipelines/{name}/export": "read pipelines",
    "GET pipelines/pipelines/{name}/steps/{step}/explain": "read pipelines",
    "POST pipelines/pipelines/{name}/steps/{step}/runs": "execute pipelines",
    "POST pipelines/runs/{id}/repair": "execute pipelines",
    "GET pipelines/runs/{id}": "read pipelines",
    "POST pipelines/runs/{id}/cancel": "execute pipelines",
    "POST pipelines/draft": "read pipelines",
    "POST pipelines/edit": "read pipelines",
    "POST pipelines/propose": "read pipelines",
    "GET pipelines/schedules": "read pipelines",
    "POST pipelines/schedules": "execute pipelines",
    "GET pipelines/schedules/{name}": "read pipelines",
    "POST pipelines/schedules/{name}/update": "execute pipelines",
    "POST pipelines/schedules/{name}/pause": "execute pipelines",
    "POST pipelines/schedules/{name}/resume": "execute pipelines",
    "POST pipelines/schedules/{name}/run": "execute pipelines",
    "POST pipelines/schedules/{name}/delete": "execute pipelines",
    "GET pipelines/schedules/{name}/history": "read pipelines",
    "GET pipelines/due-times": "read pipelines",
    "GET experiments/experiments": "read experiments",
    "GET experiments/runs": "read experiments",
    "GET experiments/runs/{id}": "read experiments",
    "GET experiments/runs/{id}/curve": "read experiments",
    "GET experiments/compare": "read experiments",
    "GET experiments/models": "read experiments",
    "GET experiments/models/{name}": "read experiments",
    "POST experiments/models/{name}/versions": "write experiments",
    "GET experiments/versions/{name}/{version}": "read experiments",
    "POST experiments/versions/{name}/{version}/promote": "write experiments",
    "POST experiments/versions/{name}/{version}/delete": "write experiments",
    "GET experiments/versions/{name}/{version}/card": "read experiments",
    "POST deployments/batch": "execute deployments",
    "GET deployments/deployments/{name}/requests": "read deployments",
    "GET deployments/deployments/{name}/request": "read deployments",
    "GET deployments/deployments/{name}/latency": "read deployments",
    "GET deployments/deployments/{name}/verdict": "read deployments",
    "GET deployments/deployments/{name}/compare": "read deployments",
    "GET deployments/deployments": "read deployments",
    "POST deployments/deployments": "execute deployments",
    "GET deployments/deployments/{name}": "read deployments",
    "GET deployments/deployments/{name}/history": "read deployments",
    "GET deployments/deployments/{name}/manifest": "read deployments",
    "GET deployments/audit": "read deployments",
    "GET deployments/deployments/{name}/keys": "read deployments",
    "POST deployments/deployments/{name}/keys": "execute deployments",
    "POST deployments/deployments/{name}/keys/rotate": "execute deployments",
    "POST deployments/deployments/{name}/keys/revoke": "execute deployments",
    "POST deployments/deployments/{name}/traffic": "execute deployments",
    "POST deployments/deployments/{name}/promote": "execute deployments",
    "POST deployments/deployments/{name}/rollback": "execute deployments",
    "POST deployments/deployments/{name}/remove": "execute deployments",
    "POST deployments/deployments/{name}/predict": "execute deployments",
    "POST deployments/deployments/{name}/explain": "execute deployments",
    "GET deployments/deployments/{name}/rows": "read deployments",
    "GET deployments/deployments/{name}/shadow": "read deployments",
    "POST deployments/deployments/{name}/shadow": "execute deployments",
    "POST deployments/deployments/{name}/replay": "execute deployments",
    "POST deployments/deployments/{name}/undo": "execute deployments",
    "GET deployments/deployments/{name}/plan": "read deployments",
    "POST deployments/deployments/{name}/plan/pause": "execute deployments",
    "POST deployments/deployments/{name}/plan/resume": "execute deployments",
    "GET monitoring/monitors": "read monitoring",
    "POST monitoring/monitors": "write monitoring",
    "GET monitoring/monitors/{name}": "read monitoring",
    "POST monitoring/monitors/{name}/evaluate": "execute monitoring",
    "POST monitoring/monitors/{name}/backfill": "execute monitoring",
    "POST monitoring/monitors/{name}/labels": "write monitoring",
    "POST monitoring/monitors/{name}/reference": "execute monitoring",
    "GET monitoring/monitors/{name}/figures": "read monitoring",
    "GET monitoring/monitors/{name}/series": "read monitoring",
    "GET monitoring/monitors/{name}/heat": "read monitoring",
    "GET monitoring/monitors/{name}/cause": "read monitoring",
    "GET monitoring/monitors/{name}/distribution": "read monitoring",
    "GET monitoring/metrics": "read monitoring",
    "GET deployments/metrics": "read deployments",
    "GET monitoring/alerts": "read monitoring",
    "GET monitoring/alerts/{alert}": "read monitoring",
    "GET monitoring/alerts/{alert}/history": "read monitoring",
    "POST monitoring/alerts/{alert}/acknowledge": "write monitoring",
    "POST monitoring/alerts/{alert}/notebook": "write monitoring",
    "POST monitoring/alerts/{alert}/retrain": "execute monitoring",
    "POST monitoring/alerts/{alert}/rollback": "execute monitoring",
    "GET monitoring/silences": "read monitoring",
    "POST monitoring/silences": "write monitoring",
    "POST monitoring/unsilence": "write monitoring",
    "GET monitoring/deliveries": "read monitoring",
    "GET monitoring/rules": "read monitoring",
    "GET monitoring/check-rules": "read monitoring",
    "GET monitoring/backtest": "read monitoring",
    "POST monitoring/backtest": "read monitoring",
    "POST monitoring/rules-draft": "read monitoring",
    "POST monitoring/rules-edit": "read monitoring",
    "GET workbench/search": "read workbench",
    "GET workbench/status": "read workbench",
    "GET workbench/domains": "read workbench",
    "POST workbench/code": "read workbench",
    "POST workbench/names": "read workbench",
    "GET workbench/project": "read workbench",
    "POST workbench/init": "write workbench",
    "POST workbench/first-steps": "write workbench",
    "POST workbench/check": "execute workbench",
    "POST workbench/up": "execute workbench",
    "POST workbench/down": "execute workbench",
    "GET openapi.json": "read workbench",
    "GET no/such/route": "read workbench",
    "POST no/such/route": "read workbench",
}
VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")


class Deny(Authorizer):
    """Lets nobody do anything, and notes what was asked for."""

    asked: list[tuple[str, str]]

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        self.asked.append((action, resource))
        return False


class Refuses(Noted):
    """A workbench that must not be reached."""

    def __getattr__(self, name: str) -> Any:
        raise MLInfraError("the request came through")


def paths() -> list[str]:
    return sorted({key.partition(" ")[2] for key in EXPECTED})


def filled(path: str) -> str:
    return re.sub(r"\{\w+\}", "x", path)


@pytest.fixture
def guarded(jp_serverapp: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that comes through to the workbench fails the test."""
    monkeypatch.setattr(jp_serverapp.web_app.settings["mlinfra"], "workbench", Refuses)


def test_the_table_has_every_route_of_the_live_router(jp_web_app: Any, jp_base_url: str) -> None:
    rules = [
        rule
        for group in jp_web_app.default_router.rules
        for rule in getattr(group.target, "rules", [])
    ]
    ours = [
        rule for rule in rules if isinstance(rule.target, type) and issubclass(rule.target, Handler)
    ]
    assert len(ours) == len({key.partition(" ")[2] for key in EXPECTED})
    found = []
    for rule in ours:
        matching = [
            path
            for path in paths()
            if rule.matcher.regex.match(f"{jp_base_url}mlinfra/api/{filled(path)}")
        ]
        path = "no/such/route" if "no/such/route" in matching else matching[0]
        found += [
            f"{verb.upper()} {path}"
            for verb in ("get", "post")
            if hasattr(getattr(rule.target, verb), "endpoint")
        ]
    assert sorted(found) == sorted(EXPECTED)


async def test_signed_out_every_route_and_verb_is_refused(
    guarded: None, ask: Callable[..., Any]
) -> None:
    for path in paths():
        for verb in VERBS:
            answer = await ask(
                filled(path),
                b"{}" if verb in ("POST", "PUT", "PATCH") else None,
                method=verb,
                headers={},
            )
            known = f"{verb} {path}" in EXPECTED
            assert answer.code in ({401, 403} if known else {403, 405}), (
                f"{verb} {path}: {answer.code}"
            )
            assert "came through" not in str(answer.value)


async def test_a_wrong_token_is_no_token(guarded: None, ask: Callable[..., Any]) -> None:
    for key in EXPECTED:
        verb, _, path = key.partition(" ")
        answer = await ask(
            filled(path), {} if verb == "POST" else None, headers={"Authorization": "token wrong"}
        )
        assert answer.code in (401, 403), key


@pytest.fixture
def denied(jp_serverapp: Any, guarded: None) -> Deny:
    authorizer = Deny(parent=jp_serverapp)
    authorizer.asked = []
    jp_serverapp.web_app.settings["authorizer"] = authorizer
    return authorizer


async def test_signed_in_but_not_allowed_every_route_is_refused_for_its_own_action_and_resource(
    denied: Deny, ask: Callable[..., Any]
) -> None:
    """In two orders: a decorator that keeps what it was first asked for would pass in one of
    them.
    """
    keys = [*EXPECTED]
    for seed in (1, 2):
        random.Random(seed).shuffle(keys)
        for key in keys:
            verb, _, path = key.partition(" ")
            denied.asked.clear()
            answer = await ask(filled(path), {} if verb == "POST" else None)
            action, resource = EXPECTED[key].split()
            assert answer.code == 403, key
            assert answer.value["error"] == "forbidden"
            assert denied.asked == [(action, f"mlinfra:{resource}")], key


class DenyOne(Deny):
    """Lets everybody do anything with all but one resource."""

    resource: str

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        super().is_authorized(handler, user, action, resource)
        return resource != self.resource


@pytest.mark.parametrize(
    ("resource", "why"), [("mlinfra:jobs", "not to read jobs"), ("contents", "to read files")]
)
async def test_who_may_read_monitors_but_no_jobs_or_no_files_does_not_see_the_code_of_notebooks(
    jp_serverapp: Any, guarded: None, ask: Callable[..., Any], resource: str, why: str
) -> None:
    jp_serverapp.web_app.settings["authorizer"] = authorizer = DenyOne(parent=jp_serverapp)
    authorizer.asked, authorizer.resource = [], resource
    answer = await ask("monitoring/monitors/flights/cause?feature=temp")
    assert answer.code == 403
    assert why in answer.value["why"]
    assert authorizer.asked[0] == ("read", "mlinfra:monitoring")
    assert authorizer.asked[-1] == ("read", resource)


@pytest.mark.parametrize(
    ("resource", "code", "asked"),
    [
        ("mlinfra:experiments", 403, []),
        ("mlinfra:jobs", 200, [False]),
        ("contents", 200, [False]),
        ("other", 200, [True]),
    ],
    ids=["experiments", "jobs", "files", "all"],
)
async def test_a_version_is_compared_without_what_one_may_not_read(
    jp_serverapp: Any,
    ask: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    resource: str,
    code: int,
    asked: list[bool],
) -> None:
    found = list[bool]()

    def compare(*_: Any, code: bool) -> LiveComparison:
        found.append(code)
        return cast("LiveComparison", made_up(LiveComparison))

    monkeypatch.setattr("jupyter_mlinfra.deployments.service.Deployments.compare", compare)
    jp_serverapp.web_app.settings["authorizer"] = authorizer = DenyOne(parent=jp_serverapp)
    authorizer.asked, authorizer.resource = [], resource
    answer = await ask("deployments/deployments/flights/compare?version=flights/2")
    assert (answer.code, found) == (code, asked)


async def test_who_may_read_the_catalog_but_no_monitors_sees_no_table_of_monitors(
    jp_serverapp: Any, project: Any, ask: Callable[..., Any]
) -> None:
    MonitorStore(project.database).add("flights", "flights", "ana")
    DeploymentStore(project.database, project.name).begin(
        "flights", "v1", target="local", model="flights", number=1, workers=1
    )
    name = "monitoring.flights_series"
    assert (await ask("catalog/datasets")).value["total"] == 4
    assert (await ask(f"catalog/datasets/{name}")).value["dataset"]["domain"] == "monitoring"
    refused = await ask("catalog/ingest", {"files": ["a.csv"], "into": name})
    assert (refused.code, refused.value["message"]) == (409, f"{name} is a table of monitoring.")
    jp_serverapp.web_app.settings["authorizer"] = authorizer = DenyOne(parent=jp_serverapp)
    authorizer.asked, authorizer.resource = [], "mlinfra:monitoring"
    assert (await ask("catalog/datasets")).value["total"] == 0
    assert (await ask("catalog/namespaces")).value["items"] == []
    for path in (name, f"dataset:{name}", f"{name}/rows", f"{name}/profile"):
        answer = await ask(f"catalog/datasets/{path}")
        assert answer.code == 403, path
        assert "not to read monitoring" in answer.value["why"]
    authorizer.resource = "mlinfra:deployments"
    assert (await ask("catalog/datasets")).value["total"] == 3
    assert (await ask(f"catalog/datasets/{name}")).code == 200
    for path in ("", "/rows", "/profile"):
        answer = await ask(f"catalog/datasets/monitoring.flights_payloads{path}")
        assert answer.code == 403, path
        assert "not to read deployments" in answer.value["why"]


async def test_a_cookie_alone_cannot_write(
    guarded: None,
    ask: Callable[..., Any],
    jp_serverapp: Any,
    http_server_client: Any,
    jp_base_url: str,
) -> None:
    """A page of another site can make a browser send the cookie, but neither the `_xsrf` value nor
    our origin.
    """
    cookies = await _sign_in(jp_serverapp, http_server_client, jp_base_url)
    path = "workbench/up"
    own = {"Cookie": cookies, "Origin": f"http://127.0.0.1:{http_server_client.get_http_port()}"}
    value = re.search(r"_xsrf=([^;]+)", cookies)
    assert value
    assert (await ask(path, {}, headers=own)).code == 403
    foreign = {**own, "Origin": "http://evil.example", "X-XSRFToken": value[1]}
    assert (await ask(path, {}, headers=foreign)).code in (403, 404)
    assert (await ask(path, headers={**foreign, "Referer": "http://evil.example/page"})).code in (
        403,
        404,
    )
    answer = await ask(path, {}, headers={**own, "X-XSRFToken": value[1]})
    assert answer.value["message"] == "the request came through"


async def test_another_host_name_is_refused(
    guarded: None, ask: Callable[..., Any], jp_auth_header: Mapping[str, str]
) -> None:
    """DNS rebinding: the address is ours, the name is the attacker's."""
    assert (await ask("jobs/jobs", headers={**jp_auth_header, "Host": "evil.example"})).code == 403


async def _sign_in(app: Any, client: Any, base: str) -> str:
    token = app.identity_provider.token
    found = await client.fetch(
        f"{base}tree?token={token}", follow_redirects=False, raise_error=False
    )
    cookies = [line.partition(";")[0] for line in found.headers.get_list("Set-Cookie")]
    if not any(cookie.startswith("_xsrf") for cookie in cookies):
        page = await client.fetch(
            f"{base}login",
            headers={"Cookie": "; ".join(cookies)},
            follow_redirects=False,
            raise_error=False,
        )
        cookies += [line.partition(";")[0] for line in page.headers.get_list("Set-Cookie")]
    return "; ".join(cookies)
