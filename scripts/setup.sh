#!/usr/bin/env bash
# Make the environment: a Python, uv, every package, the front end. Says which step runs and how long it took; safe to run
# twice at once.
#   [PYTHON=3.13|/path/to/python] scripts/setup.sh VENV demo|test|test-lightning|test-ray|benchmarks
set -euo pipefail
venv=$1 what=$2 wanted=${PYTHON:-}
tested="3.12 3.13"  # the versions that the tests run on
cd "$(dirname "$0")/.."
say() { printf '\033[1m%s\033[0m\n' "$*" >&2; }
# step TEXT COMMAND…: on a terminal it shows the seconds, and what uv wrote last; at the end, also in CI, how long it took.
log=/dev/null
step() {
  local text=$1 begin=$SECONDS progress= code=0
  shift
  say "$text"
  : >"$log"
  if [ -t 2 ]; then show_progress "$begin" 9>&- & progress=$!; fi
  "$@" || code=$?
  if [ -n "$progress" ]; then kill "$progress"; wait "$progress" 2>/dev/null || true; printf '\r\033[K' >&2; fi
  if [ "$code" = 0 ]; then printf '  done in %s s\n' $((SECONDS - begin)) >&2; fi
  return "$code"
}
# Until the set-up ends, however it does: Ctrl-C does not reach a process in the background.
show_progress() {
  while kill -0 $$ 2>/dev/null && sleep 1; do
    printf '\r\033[K  %s s  %.70s' $((SECONDS - $1)) "$(tail -n 1 "$log")" >&2
  done
}
fail() { printf 'error: %s\n  why: %s\n  fix: %s\n' "$1" "$2" "$3" >&2; exit 1; }

# One set-up at a time: the second waits, then finds the work done.
mkdir -p "$(dirname "$venv")"
exec 9>".setup.lock"
if ! flock -n 9; then say "Another set-up is under way; waiting for it."; flock 9; fi
stamp() { cat pyproject.toml scripts/setup.sh labextension/package.json labextension/yarn.lock $(find labextension/src labextension/style labextension/schema -type f | sort) | sha256sum; }
current=$(stamp)
version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null; }
case "$wanted" in
  "" | [0-9]*.[0-9]*) ;;
  *) [ -x "$(command -v "$wanted")" ] || fail "PYTHON=$wanted cannot be used." "It is neither a version, such as 3.13, nor a program." "Give one of the two."
     wanted_version=$(version_of "$wanted") ;;
esac
wanted_version=${wanted_version:-$wanted}
is_wanted() { [ -z "$wanted" ] || [ "$(version_of "$1")" = "$wanted_version" ]; }
if [ -x "$venv/bin/python" ] && is_wanted "$venv/bin/python" && [ "$(cat "$venv/.$what" 2>/dev/null)" = "$current" ]; then touch "$venv/.$what"; exit 0; fi

python_ok() { "$1" -c 'import sys; sys.exit(not (sys.version_info >= (3, 12) and sys.implementation.name == "cpython"))' >/dev/null 2>&1; }
# Where pyenv keeps its versions, also when its shims are not active: its variable, the home folder, or an entry of PATH below it.
pyenv_roots() {
  printf '%s\n' "${PYENV_ROOT:-}" "$HOME/.pyenv"
  tr : '\n' <<<"$PATH" | sed -nE 's#^(.*)/(versions/[^/]+/bin|shims|bin)/?$#\1#p'
}
# find_python VERSION…: the first of these versions that is there.
find_python() {
  local version candidate root
  for version in "$@"; do
    candidate=$(command -v "python$version" || true)
    if [ -n "$candidate" ] && python_ok "$candidate"; then echo "$candidate"; return; fi
    while read -r root; do
      for candidate in "$root"/versions/"$version".*/bin/python; do
        if [ -x "$candidate" ] && python_ok "$candidate"; then echo "$candidate"; return; fi
      done
    done < <(pyenv_roots)
    for candidate in /usr/bin/python$version /usr/local/bin/python$version /opt/homebrew/bin/python$version; do
      if [ -x "$candidate" ] && python_ok "$candidate"; then echo "$candidate"; return; fi
    done
  done
}
# The Python that PYTHON names, else a tested one. A newer one is not chosen: nobody has run the tests on it.
choose_python() {
  case "$wanted" in
    "") find_python $tested ;;
    [0-9]*) find_python "$wanted" ;;
    *) python_ok "$wanted" && command -v "$wanted" ;;
  esac
}
find_uv() {
  if command -v uv >/dev/null; then command -v uv; return; fi
  if [ ! -x .tools/bin/uv ]; then
    local python; python=$(choose_python || true); python=${python:-$(command -v python3 || true)}
    [ -n "$python" ] || fail "No Python was found." "Neither PATH, pyenv nor the system has a Python 3." "Install Python 3.12 or newer."
    step "Installing uv into .tools" install_uv "$python"
  fi
  echo "$PWD/.tools/bin/uv"
}
install_uv() {
  "$1" -m venv .tools || fail "No tool environment could be made with $1." "Its venv module is missing." "On Debian: apt-get install python3-venv"
  .tools/bin/pip install --quiet --disable-pip-version-check uv ||
    fail "uv could not be installed." "See pip's lines above." "Repair what they name (often the network or the package index) and run the same command again."
}

# A proxy that inspects connections shows a certificate that this machine trusts and that the lists within uv and Node lack.
# Then the lists of the system are used instead: every certificate is still checked.
is_untrusted() { grep -qiE 'UnknownIssuer|invalid peer certificate|self.signed.cert|unable to (get|verify).*certificate' "$log"; }
trusting() {
  "$@" 2>"$log" && return
  if ! is_untrusted || [ -n "${NODE_USE_SYSTEM_CA:-}" ]; then return 1; fi
  say "A certificate is not known to uv or Node; trying again with those of the system"
  case "$("$uv" help 2>&1)" in *--system-certs*) export UV_SYSTEM_CERTS=true ;; *) export UV_NATIVE_TLS=true ;; esac
  export NODE_USE_SYSTEM_CA=1
  "$@" 2>"$log"
}
certificates="Name the file with the certificate of your proxy in SSL_CERT_FILE (for uv) and NODE_EXTRA_CA_CERTS (for Node), and run the same command again."

uv=$(find_uv)
python=$(choose_python || true)
if [ -z "$python" ] && [ -n "$wanted" ]; then
  case "$wanted" in
    [0-9]*) ;;  # uv may fetch it
    *) fail "PYTHON=$wanted cannot be used." "It is not a CPython 3.12 or newer." "Name another one, or a version, such as 3.13." ;;
  esac
fi
if [ -z "$python$wanted" ]; then
  newer=$(find_python 3.14 3.15 3.16)
  [ -z "$newer" ] || say "$newer is not chosen: the tests run on Python ${tested// / and } only. PYTHON=$(version_of "$newer") chooses it anyway."
fi
mkdir -p "$venv"
log="$venv/setup.log"
if [ -x "$venv/bin/python" ] && ! is_wanted "$venv/bin/python"; then
  say "Removing $venv: its Python is $(version_of "$venv/bin/python")"
  rm -rf "$venv"
  mkdir -p "$venv"
fi
if [ ! -x "$venv/bin/python" ]; then
  fetched=${wanted:-3.12}
  if ! step "Creating $venv with ${python:-a Python $fetched that uv fetches}" trusting "$uv" venv --quiet --allow-existing --python "${python:-$fetched}" "$venv"; then
    cat "$log" >&2
    if is_untrusted; then fail "No environment could be made." "uv could not fetch a Python: a certificate is not trusted." "$certificates"; fi
    fail "No environment could be made." "No Python $fetched was found, and uv could not fetch one." "Install Python $fetched (pyenv install $fetched, or your system's package)."
  fi
fi

export UV_LINK_MODE=${UV_LINK_MODE:-hardlink}
# Editable: the notebooks and tests run the code of this folder. The build makes the front end with a Node of its own.
if [ "$(cat "$venv/.frontend" 2>/dev/null)" != "$current" ]; then rm -rf jupyter_mlinfra/labextension; fi
# A build that fails repeats thousands of lines of its tools: what went wrong is shown, the rest is kept.
if ! step "Installing packages ($what) and building the front end; the first time takes minutes" \
  trusting "$uv" pip install --python "$venv/bin/python" --compile-bytecode --editable ".[$what]"; then
  grep -iE 'error|failed|cause:' "$log" | grep -vE 'YN00|Traceback|CalledProcessError' | cut -c1-300 | tail -n 15 >&2 || tail -n 15 "$log" >&2
  if is_untrusted; then fail "The packages could not be installed." "A certificate is not trusted; see the lines above." "$certificates"; fi
  fail "The packages could not be installed." "See the lines above; all of them are in $log." "Repair what they name and run the same command again."
fi
printf '%s\n' "$current" >"$venv/.frontend"
# An editable install carries no built front end: link it, as `jupyter labextension develop` does.
target="$venv/share/jupyter/labextensions/@jupyter-mlinfra/labextension"
rm -rf "$target"
mkdir -p "$(dirname "$target")"
cp install.json jupyter_mlinfra/labextension/
ln -s "$PWD/jupyter_mlinfra/labextension" "$target"
if [ "$what" = test ]; then
  step "Looking for a Chromium" scripts/chromium.sh "$venv"
  # Where it cannot be had (not Debian, or not root), the tests on a real Slurm fail and say what to do.
  step "Looking for Slurm" "$venv/bin/python" scripts/slurm_cluster.py install --accounting || say "Slurm is not installed: its tests will fail"
  step "Looking for PostgreSQL and Redis" scripts/servers.sh || say "The tests of catalogs and online stores on them will fail"
  step "Looking for promtool" scripts/promtool.sh || say "promtool is not installed: the tests of exported rules will fail"
  printf '%s\n' "$current" >"$venv/.demo"
fi
printf '%s\n' "$current" >"$venv/.$what"
