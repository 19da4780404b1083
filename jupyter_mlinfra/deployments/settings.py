"""Settings of the deployments."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from ..core.settings import Section

MOST_WORKERS = 64
"""Serving processes of a version."""


class DeploymentSettings(Section):
    """`[deployments]`"""

    TABLE: ClassVar[str] = "deployments"

    target: str = "local"
    """Entry point of group `mlinfra.deployment_targets` that serves."""

    port: int = Field(default=0, ge=0, le=65535)
    """Port of the local gateway on 127.0.0.1; 0 = a free one, chosen once and kept."""

    require_token: bool = False
    """Whether the gateway answers only who sends the project's token, or a key of the deployment:
    for a machine on which others work too. With `listen` it always does.
    """

    listen: str = ""
    """Address and port at which other machines reach the gateway, such as `0.0.0.0:8443`; every
    request there needs a key of its deployment. Empty = this machine alone.
    """

    tls_certificate: str = ""
    """PEM file of the certificate chain for `listen`; it is read again when it changes. Empty: keys
    and rows travel unencrypted.
    """

    tls_key: str = ""
    """PEM file of its key, which only its owner, or a group, may read."""

    rate_limit: float = Field(default=0.0, ge=0, le=1_000_000)
    """Requests a second that the callers of a deployment may send; further ones get 429. Each of
    the two gateway processes counts by itself, for each address. 0 = any number.
    """

    rate_limits: dict[str, Annotated[float, Field(ge=0, le=1_000_000)]] = Field(
        default_factory=dict
    )
    """The same for single deployments, by name."""

    max_connections: int = Field(default=1024, ge=1, le=100_000)
    """Connections of other machines that each of the two gateway processes keeps at once."""

    workers: int = Field(default=2, ge=1, le=MOST_WORKERS)
    """Serving processes a version."""

    worker_memory_mib: int = Field(default=0, ge=0)
    """Memory of a serving process above which it is replaced, without losing a request; 0 = no
    limit.
    """

    queue: int = Field(default=256, ge=1, le=4096)
    """Requests of a version that may be in progress or wait at each of the two gateway processes;
    further ones get 503 at once.
    """

    sticky_header: str = Field(default="x-mlinfra-key", pattern="^[a-z0-9-]*$")
    """Requests with an equal value of this header go to the same version while the weights stay, as
    an A/B test needs; empty = none.
    """

    patience_seconds: float = Field(default=1.0, gt=0, le=15)
    """A request that takes longer is also offered to a second serving process, which takes it if
    the first one is stuck. For slow models it is four times their measured p95.
    """

    runtime: str = "seldon-core"
    """Serving runtime of new versions: `seldon-core`, `mlserver`, `open-inference`, or an entry
    point of group `mlinfra.serving_runtimes`.
    """

    tests: list[str] = Field(default_factory=list)
    """Tests of the project's own before traffic: `module:function`, found from the project's
    folder. Each is called with a `Trial` and returns what it measured and whether that is good.
    """

    test_seconds: float = Field(default=60.0, gt=0, le=3600)
    """How long a test of the project's own may take; it is ended then, and has failed."""

    memory_requests: int = Field(default=10_000, ge=1000, le=1_000_000)
    """One-row requests over which the test *memory* sees whether the memory grows; those beyond the
    1,000 or more of the test *latency* are sent at most for `memory_seconds`.
    """

    memory_seconds: float = Field(default=30.0, gt=0, le=3600)

    memory_growth_mib: float = Field(default=128.0, gt=0)
    """Growth of its processes together over 10,000 requests above which a version fails the test
    *memory*.
    """

    replay_rows: int = Field(default=10_000, ge=1, le=10_000_000)
    """Logged rows that a replay sends at most, evenly taken from its window."""

    replay_seconds: float = Field(default=600.0, gt=0, le=86_400)
    """How long a replay may take; what was answered by then is compared."""

    replay_test_hours: float = Field(default=24.0, ge=0, le=8760)
    """The window of the log that the test *replay* sends to a new version, at most 500 rows in 10
    s; 0 = no such test.
    """

    replay_agreement: float = Field(default=0.0, ge=0, le=1)
    """Share of the replayed rows on which a new version must agree with the answers that were
    given; 0 = any.
    """

    replay_shift: float = Field(default=0.0, ge=0)
    """How far the mean of the replayed scores may be from that of the given ones, in standard
    deviations of those; 0 = any distance.
    """

    plan_check_seconds: float = Field(default=15.0, ge=1, le=3600)
    """How often the versions of a plan (`deploy --steps`) are looked at between its steps."""

    plan_errors: float = Field(default=0.01, gt=0, lt=1)
    """Share of the requests that may fail (5xx) in a step of a plan."""

    plan_p95_ms: float = Field(default=0.0, ge=0)
    """Latency that 95 % of the requests must keep in a step of a plan; 0 = the project card's
    `latency_p99_ms`, else 100.
    """

    plan_alpha: float = Field(default=0.05, gt=0, lt=1)
    """Probability of a wrong verdict on the outcomes, over all steps of a plan and all looks."""

    trusted_models: list[str] = Field(default_factory=list)
    """Models that may run code when they are loaded although this project did not register them:
    pickles, or a pyfunc with modules of its own. They are loaded in serving processes alone.
    """

    environments: str = ""
    """Folder of serving environments, shared between projects. Default: the user's cache folder."""

    max_body_mib: float = Field(default=8.0, gt=0)
    """Largest request body that the gateway lets through, and what a compressed one may hold; that
    counts for serving processes that start later.
    """

    retain_versions: int = Field(default=2, ge=0)
    """Versions without traffic that stay warm for an instant rollback."""

    payload_days: float = Field(default=90.0, gt=0)
    """Days that the payload log is kept."""

    masked_inputs: tuple[str, ...] = ()
    """Inputs whose values pages do not show, as patterns: `["ssn", "name_*"]`. The payload log has
    them.
    """

    contexts: tuple[str, ...] = ()
    """Contexts of the kubeconfig to which `deployments apply` rolls out, in this order; empty = the
    current one.
    """

    kubeconfig: str = ""
    """File that says how clusters are reached; empty = the usual one."""

    payload_gib: float = Field(default=10.0, gt=0)
    """Largest payload log of a deployment; beyond it the oldest files go."""
