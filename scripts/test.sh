#!/usr/bin/env bash
# Every test. Fails at the end if any part failed, and says which.
set -uo pipefail
bin=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
export PATH="$bin:$PATH"
unset PYTHONDONTWRITEBYTECODE
failed=()
part() {
  local name=$1 begun=$SECONDS; shift
  printf '\n\033[1m== %s\033[0m\n' "$name"
  "$@" || failed+=("$name")
  printf -- '-- %s: %d min %02d s\n' "$name" $(((SECONDS - begun) / 60)) $(((SECONDS - begun) % 60))
}
tests() { python -m pytest --durations=20 --durations-min=5 "$@"; }

# The demo is made once, and looked at by all that come after.
demo=$(mktemp -d)/notebooks
clean() { if [ -d "$demo/.mlinfra" ]; then (cd "$demo" && mlinfra down >/dev/null); fi; rm -rf "$(dirname "$demo")"; }
trap clean EXIT
whole=(tests/integration/test_demo.py tests/integration/test_binder.py)
looks=(tests/integration/test_training_set.py tests/browser)

part "imports point one way" lint-imports --no-cache
# Three at a time on two cores: many tests wait for processes that start, stop or are killed.
part "python" tests -n 3 --dist loadfile tests --ignore=tests/training/lightning "${whole[@]/#/--ignore=}" "${looks[@]/#/--ignore=}"
part "typescript" scripts/frontend.sh "$bin" jlpm test
part "the size of the front end" scripts/frontend.sh "$bin" jlpm size
MLINFRA_KEEP_DEMO="$demo" part "the demo and the Binder steps, each from nothing" tests -n 2 --dist loadfile "${whole[@]}"
if [ -d "$demo/.mlinfra" ]; then export MLINFRA_TEST_DEMO="$demo"; fi
part "Chromium" tests "${looks[@]}"
if [ ${#failed[@]} -gt 0 ]; then printf '\nFAILED: %s\n' "${failed[*]}"; exit 1; fi
echo; echo "All parts passed."
