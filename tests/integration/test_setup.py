"""scripts/setup.sh and scripts/chromium.sh on machines that have little: which Python is taken, who
waits, what is said when nothing works.

Programs that note how they are called stand in for Python, uv and apt-get; the scripts are the
project's own.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
SYSTEM = (
    "bash",
    "cat",
    "chmod",
    "cp",
    "cut",
    "dirname",
    "env",
    "find",
    "flock",
    "grep",
    "ln",
    "mkdir",
    "rm",
    "sed",
    "sha256sum",
    "sleep",
    "sort",
    "tail",
    "touch",
    "tr",
)
PLACES = ("/usr/bin/python$", "/usr/local/bin/python$", "/opt/homebrew/bin/python$")
UV = """
case "$1" in
  help) cat "$STAGE/help" ;;
  venv) [ ! -e "$STAGE/no-venv" ] || exit 2
    mkdir -p "${@: -1}/bin"; cp "$STAGE/python" "${@: -1}/bin/python" ;;
  pip) [ ! -e "$STAGE/no-packages" ] || { echo 'error: no such package' >&2; exit 2; }
    trust="UV_SYSTEM_CERTS=${UV_SYSTEM_CERTS:-} UV_NATIVE_TLS=${UV_NATIVE_TLS:-}"
    echo "$trust NODE_USE_SYSTEM_CA=${NODE_USE_SYSTEM_CA:-}" >>"$CALLS"
    own="${UV_SYSTEM_CERTS:-}${UV_NATIVE_TLS:-}"
    if [ -e "$STAGE/proxy" ] && { [ -e "$STAGE/unknown" ] || [ -z "$own" ]; }; then
      echo 'error: Failed to fetch' >&2
      echo '  cause: invalid peer certificate: UnknownIssuer' >&2; exit 2; fi
    echo 'Downloading torch (800.0MiB)' >&2
    while [ -e "$STAGE/hold" ]; do sleep 0.02; done
    mkdir -p jupyter_mlinfra/labextension ;;
esac
"""
PYTHON = """
case "$*" in
  "-m venv .tools") mkdir -p .tools/bin; cp "$STAGE/pip" .tools/bin/pip ;;
  "-m playwright install chromium") [ -e "$STAGE/playwright-works" ] ;;
esac
"""


def answers(version: str) -> str:
    """A Python that says its version."""
    return f"case $* in *print*) echo {version} ;; *) {PYTHON.strip()} ;; esac"


class Machine:
    """A checkout of the project, and a PATH with nothing in it but a shell's tools."""

    def __init__(self, root: Path) -> None:
        self.root, self.checkout, self.calls = root, root / "checkout", root / "calls"
        self.environment = {
            "HOME": str(root / "home"),
            "STAGE": str(root),
            "CALLS": str(self.calls),
        }
        self.path = [root / "bin", root / "tools"]
        for name in (
            "home",
            "bin",
            "tools",
            "checkout/scripts",
            *(f"checkout/labextension/{name}" for name in ("src", "style", "schema")),
        ):
            (root / name).mkdir(parents=True)
        for name in SYSTEM:
            (root / "tools" / name).symlink_to(shutil.which(name) or pytest.skip(f"needs {name}"))
        for name in (
            "pyproject.toml",
            "install.json",
            "labextension/package.json",
            "labextension/yarn.lock",
            "labextension/src/index.ts",
        ):
            (self.checkout / name).write_text(name)
        for name in ("setup.sh", "chromium.sh"):
            text = (SCRIPTS / name).read_text()
            for place in PLACES if name == "setup.sh" else ():
                assert f" {place}" in text
                # A machine of our own: this one may have a Python there.
                text = text.replace(f" {place}", f" {root}{place}")
            self.program(self.checkout / "scripts" / name, text)
        self.program(root / "pip", 'cp "$STAGE/uv" .tools/bin/uv')
        self.program(root / "python", PYTHON)
        self.program(root / "uv", UV)
        (root / "help").write_text("Options:\n  --system-certs\n")

    def program(self, path: Path, body: str) -> Path:
        """A program that notes how it is called, then does `body`; one with a first line of its own
        is written as it is.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        note = f'#!{shutil.which("bash")}\necho "{path.name} $*" >>"$CALLS"\n'
        path.write_text(body if body.startswith("#!") else note + body)
        path.chmod(0o755)
        return path

    def start(
        self, script: str, *words: str, stderr: int = subprocess.PIPE
    ) -> subprocess.Popen[str]:
        environment = self.environment | {"PATH": os.pathsep.join(map(str, self.path))}
        bash = shutil.which("bash") or ""
        return subprocess.Popen(
            [bash, f"scripts/{script}", *words],
            cwd=self.checkout,
            env=environment,
            stderr=stderr,
            text=True,
        )

    def run(self, script: str, *words: str) -> tuple[int, str]:
        """Exit code and what was said."""
        with self.start(script, *words) as running:
            said = running.communicate(timeout=60)[1]
        return running.returncode, said

    def called(self, words: str) -> list[str]:
        """Calls that begin with these words."""
        lines = self.calls.read_text().splitlines() if self.calls.exists() else []
        return [line for line in lines if line.startswith(words)]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture
def with_uv(machine: Machine) -> Iterator[Machine]:
    shutil.copy(machine.root / "uv", machine.root / "bin" / "uv")
    return machine


def is_error(said: str) -> bool:
    """Whether it ends in what, why and fix."""
    return [line.strip().partition(" ")[0] for line in said.splitlines()[-3:]] == [
        "error:",
        "why:",
        "fix:",
    ]


def test_python_is_looked_for_in_path_then_pyenv_then_the_system_and_3_12_before_newer_ones(
    with_uv: Machine,
) -> None:
    root = with_uv.root
    with_uv.environment["PYENV_ROOT"] = str(root / "given")
    with_uv.path.append(root / "elsewhere" / "shims")  # a pyenv that only PATH knows of
    order = [
        place
        for version in ("3.12", "3.13")
        for place in (
            root / "bin" / f"python{version}",
            root / "given" / "versions" / f"{version}.4" / "bin" / "python",
            root / "home" / ".pyenv" / "versions" / f"{version}.4" / "bin" / "python",
            root / "elsewhere" / "versions" / f"{version}.4" / "bin" / "python",
            root / "usr" / "bin" / f"python{version}",
            root / "usr" / "local" / "bin" / f"python{version}",
            root / "opt" / "homebrew" / "bin" / f"python{version}",
        )
    ]
    for place in order:
        with_uv.program(place, PYTHON)
    for place in order:
        code, said = with_uv.run("setup.sh", ".venv", "demo")
        assert code == 0, said
        assert (
            with_uv.called("uv venv")[-1]
            == f"uv venv --quiet --allow-existing --python {place} .venv"
        )
        place.unlink()
        shutil.rmtree(with_uv.checkout / ".venv")
    assert with_uv.run("setup.sh", ".venv", "demo")[0] == 0
    # Uv fetches its own.
    assert with_uv.called("uv venv")[-1] == "uv venv --quiet --allow-existing --python 3.12 .venv"


def test_a_python_that_is_too_old_or_a_shim_of_none_is_passed_over(with_uv: Machine) -> None:
    with_uv.program(
        with_uv.root / "bin" / "python3.12",
        "echo 'pyenv: python3.12: command not found' >&2; exit 127",
    )
    with_uv.program(with_uv.root / "home/.pyenv/versions/3.12.0/bin/python", "exit 1")
    good = with_uv.program(with_uv.root / "usr/bin/python3.13", PYTHON)
    assert with_uv.run("setup.sh", ".venv", "demo")[0] == 0
    assert f"--python {good} " in with_uv.called("uv venv")[-1]


def test_a_python_that_the_tests_do_not_run_on_is_not_chosen_and_it_is_said(
    with_uv: Machine,
) -> None:
    newer = with_uv.program(with_uv.root / "usr/bin/python3.14", answers("3.14"))
    code, said = with_uv.run("setup.sh", ".venv", "demo")
    assert code == 0
    assert (
        f"{newer} is not chosen: the tests run on Python 3.12 and 3.13 only. PYTHON=3.14 chooses it"
        " anyway." in said
    )
    assert "--python 3.12 " in with_uv.called("uv venv")[-1], "uv fetches one"
    shutil.rmtree(with_uv.checkout / ".venv")
    with_uv.environment["PYTHON"] = "3.14"
    assert with_uv.run("setup.sh", ".venv", "demo")[0] == 0
    assert f"--python {newer} " in with_uv.called("uv venv")[-1]


def test_a_python_can_be_chosen_by_version_or_path_and_another_environment_is_made_for_it(
    with_uv: Machine,
) -> None:
    with_uv.program(with_uv.root / "usr/bin/python3.12", PYTHON)
    chosen = with_uv.program(with_uv.root / "usr/bin/python3.13", PYTHON)
    assert with_uv.run("setup.sh", ".venv", "demo")[0] == 0
    made = with_uv.checkout / ".venv/bin/python"
    for word in ("3.13", str(chosen)):
        with_uv.program(made, answers("3.12"))
        with_uv.program(chosen, answers("3.13"))
        with_uv.environment["PYTHON"] = word
        code, said = with_uv.run("setup.sh", ".venv", "demo")
        assert code == 0
        assert "Removing .venv: its Python is 3.12" in said
        assert f"--python {chosen} " in with_uv.called("uv venv")[-1]
        with_uv.program(made, answers("3.13"))
        before = len(with_uv.called("uv"))
        assert with_uv.run("setup.sh", ".venv", "demo") == (0, "")
        assert len(with_uv.called("uv")) == before, "it is there already"


@pytest.mark.parametrize("word", ["nonsense", "/nowhere/python", "./scripts"])
def test_a_python_that_cannot_be_used_is_refused(with_uv: Machine, word: str) -> None:
    with_uv.environment["PYTHON"] = word
    code, said = with_uv.run("setup.sh", ".venv", "demo")
    assert (code, is_error(said)) == (1, True)
    assert f"PYTHON={word} cannot be used." in said


def test_each_step_is_named_with_its_seconds(machine: Machine) -> None:
    machine.program(machine.root / "bin" / "python3.12", PYTHON)
    code, said = machine.run("setup.sh", ".venv", "demo")
    assert code == 0
    lines = re.sub(r"\x1b\[\d*m", "", said).splitlines()
    begins = [line.partition(" ")[0] for line in lines[::2]]
    assert begins == ["Installing", "Creating", "Installing"]
    assert all(re.fullmatch(r"  done in \d+ s", line) for line in lines[1::2])


def test_on_a_terminal_a_long_step_shows_its_seconds_and_what_uv_does(with_uv: Machine) -> None:
    (with_uv.root / "hold").touch()
    screen, terminal = os.openpty()
    with with_uv.start("setup.sh", ".venv", "demo", stderr=terminal) as running:
        os.close(terminal)
        shown = b""
        while b" s  Downloading torch" not in shown:
            shown += os.read(screen, 1000)
        (with_uv.root / "hold").unlink()
        assert running.wait(60) == 0
    os.close(screen)


def test_a_second_set_up_waits_for_the_first_and_finds_the_work_done(with_uv: Machine) -> None:
    hold = with_uv.root / "hold"
    hold.touch()
    with with_uv.start("setup.sh", ".venv", "demo") as first:
        until(lambda: with_uv.called("uv pip"))
        with with_uv.start("setup.sh", ".venv", "demo") as second:
            assert second.stderr
            assert "Another set-up is under way" in second.stderr.readline()
            assert second.poll() is None
            hold.unlink()
            assert (first.wait(60), second.wait(60)) == (0, 0)
            assert second.stderr.read() == ""
    assert len(with_uv.called("uv pip")) == len(with_uv.called("uv venv")) == 1
    link = with_uv.checkout / ".venv/share/jupyter/labextensions/@jupyter-mlinfra/labextension"
    assert (link / "install.json").read_text() == "install.json"


def test_a_change_of_the_sources_is_installed_and_an_environment_for_tests_serves_the_demo_too(
    with_uv: Machine,
) -> None:
    with_uv.program(with_uv.root / "bin" / "chromium", "")
    assert with_uv.run("setup.sh", ".venv", "test")[0] == 0
    assert with_uv.run("setup.sh", ".venv", "demo") == (0, "")
    (with_uv.checkout / "labextension/src/index.ts").write_text("changed")
    assert with_uv.run("setup.sh", ".venv", "demo")[0] == 0
    assert len(with_uv.called("uv venv")) == 1
    assert [call.rpartition(" ")[2] for call in with_uv.called("uv pip")] == [".[test]", ".[demo]"]


def test_without_uv_one_is_installed_with_the_python_there_is(machine: Machine) -> None:
    machine.program(machine.root / "bin" / "python3", PYTHON)
    assert machine.run("setup.sh", ".venv", "demo")[0] == 0
    assert machine.called("python3 -m venv .tools")
    assert machine.called("pip install --quiet --disable-pip-version-check uv")
    assert machine.called("uv venv")


def test_a_machine_without_anything_is_told_what_to_install(machine: Machine) -> None:
    code, said = machine.run("setup.sh", ".venv", "demo")
    assert code == 1
    assert is_error(said), said
    assert "Install Python 3.12" in said


@pytest.mark.parametrize(
    ("missing", "told"),
    [
        ("no-venv", "uv could not fetch one"),
        ("no-packages", "could not be installed"),
        ("no-uv", "uv could not be installed"),
    ],
)
def test_a_step_that_fails_says_what_to_do_and_is_done_again_by_the_next_call(
    missing: str, told: str, machine: Machine
) -> None:
    machine.program(machine.root / "bin" / "python3", PYTHON)
    (machine.root / missing).touch()
    machine.program(
        machine.root / "pip", '[ ! -e "$STAGE/no-uv" ] || exit 1; cp "$STAGE/uv" .tools/bin/uv'
    )
    code, said = machine.run("setup.sh", ".venv", "demo")
    assert code == 1
    assert is_error(said), said
    assert told in said
    (machine.root / missing).unlink()
    assert machine.run("setup.sh", ".venv", "demo")[0] == 0


@pytest.mark.parametrize(
    ("options", "variable"),
    [("--system-certs", "UV_SYSTEM_CERTS"), ("--native-tls", "UV_NATIVE_TLS")],
)
def test_behind_a_proxy_with_a_certificate_of_its_own_those_of_the_system_are_asked(
    options: str, variable: str, with_uv: Machine
) -> None:
    assert with_uv.run("setup.sh", ".venv", "demo")[0] == 0
    assert with_uv.called("UV_") == ["UV_SYSTEM_CERTS= UV_NATIVE_TLS= NODE_USE_SYSTEM_CA="], (
        "only where those of uv do not do"
    )
    shutil.rmtree(with_uv.checkout / ".venv")
    with_uv.calls.unlink()
    (with_uv.root / "proxy").touch()
    (with_uv.root / "help").write_text(options)
    code, said = with_uv.run("setup.sh", ".venv", "demo")
    assert code == 0, said
    assert "those of the system" in said
    first, second = with_uv.called("UV_")
    assert "true" not in first
    assert f"{variable}=true" in second
    assert second.endswith("NODE_USE_SYSTEM_CA=1")


def test_a_certificate_that_the_system_does_not_trust_either_names_the_variables_to_set(
    with_uv: Machine,
) -> None:
    for name in ("proxy", "unknown"):
        (with_uv.root / name).touch()
    code, said = with_uv.run("setup.sh", ".venv", "demo")
    assert code == 1
    assert is_error(said), said
    assert "UnknownIssuer" in said
    assert "SSL_CERT_FILE" in said
    assert "NODE_EXTRA_CA_CERTS" in said
    assert not [
        call for call in with_uv.called("uv") if "insecure" in call or "trusted-host" in call
    ]


@pytest.fixture
def browserless(machine: Machine) -> Machine:
    """No Chromium; an apt-get that fails at all it is told; an environment whose Playwright finds
    no network.
    """
    machine.program(machine.root / "bin" / "apt-get", "exit 100")
    machine.program(machine.root / "bin" / "id", "echo ${WHO:-0}")
    machine.program(machine.checkout / ".venv/bin/python", PYTHON)
    return machine


def test_when_no_way_leads_to_a_chromium_it_says_so(browserless: Machine) -> None:
    code, said = browserless.run("chromium.sh", ".venv")
    assert code == 1
    assert is_error(said), said
    assert "Playwright could not" in said
    # The lists that are there might have done.
    assert [call for call in browserless.called("apt-get") if "install" in call]
    assert browserless.called("python -m playwright")


def test_playwright_is_the_way_where_apt_get_fails_or_may_not_be_used(browserless: Machine) -> None:
    (browserless.root / "playwright-works").touch()
    assert browserless.run("chromium.sh", ".venv")[0] == 0
    browserless.calls.unlink()
    browserless.environment["WHO"] = "1000"
    assert browserless.run("chromium.sh", ".venv")[0] == 0
    assert not browserless.called("apt-get")


def test_a_chromium_that_is_there_is_taken(browserless: Machine) -> None:
    browserless.program(browserless.root / "bin" / "google-chrome", "")
    assert browserless.run("chromium.sh", ".venv") == (0, "")
    assert not browserless.called("")


def until(happened, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)
