#!/usr/bin/env bash
# A Chromium for the browser tests: one that is there, else Debian's as root, else Playwright's own download.
set -euo pipefail
venv=$1
if command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null; then exit 0; fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing Chromium with apt-get" >&2
  apt-get -o DPkg::Lock::Timeout=300 -qq update >/dev/null || true  # without a network the lists that are there may do
  if DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -qq install -y --no-install-recommends chromium fonts-dejavu-core >/dev/null; then exit 0; fi
fi
echo "Installing Chromium with Playwright" >&2
if "$venv/bin/python" -m playwright install chromium >/dev/null; then exit 0; fi
printf 'error: No Chromium for the browser tests.\n  why: None is in PATH, apt-get (as root, on Debian) has installed none, and Playwright could not download one.\n  fix: install Chromium (apt-get install chromium) and run make test again.\n' >&2
exit 1
