#!/usr/bin/env bash
# Prometheus' own checker of rules, for the tests that ask it: Debian's package `promtool`.
set -euo pipefail
if command -v promtool >/dev/null; then exit 0; fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing promtool with apt-get" >&2
  apt-get -o DPkg::Lock::Timeout=300 -qq update >/dev/null || true  # without a network the lists that are there may do
  if DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -qq install -y --no-install-recommends promtool >/dev/null; then exit 0; fi
fi
printf 'error: No promtool for the tests of exported rules.\n  why: None is in PATH, and apt-get (as root, on Debian) has installed none.\n  fix: apt-get install promtool, or take it from a release of Prometheus (2.42 or newer).\n' >&2
exit 1
