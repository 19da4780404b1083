#!/usr/bin/env bash
# The servers that tests start for themselves, PostgreSQL and Redis: those that are there, else Debian's as root.
set -euo pipefail
missing=()
command -v redis-server >/dev/null || missing+=(redis-server)
if ! command -v postgres >/dev/null && ! compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null; then missing+=(postgresql); fi
if [ ${#missing[@]} = 0 ]; then exit 0; fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing ${missing[*]} with apt-get" >&2
  # Only their programs are wanted: no service is started, and no cluster is made.
  export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
  apt-get -o DPkg::Lock::Timeout=300 -qq update >/dev/null || true  # without a network the lists that are there may do
  if apt-get -o DPkg::Lock::Timeout=300 -qq install -y --no-install-recommends "${missing[@]}" >/dev/null; then exit 0; fi
fi
printf 'error: No %s for the tests.\n  why: None was found, and apt-get (as root, on Debian) has installed none.\n  fix: apt-get install %s\n' "${missing[*]}" "${missing[*]}" >&2
exit 1
