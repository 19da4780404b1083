#!/usr/bin/env bash
# The tests; with `slow` as second word, those that are marked slow. Fails at the end if any part failed, and says which.
# Two rows of parts run beside each other, for most tests wait: for processes that start, stop or are killed, or for a page.
set -uo pipefail
bin=$(cd "$1" && pwd)
if [ "${2:-}" = slow ]; then marked=slow; else marked="not slow"; fi
cd "$(dirname "$0")/.."
export PATH="$bin:$PATH"
unset PYTHONDONTWRITEBYTECODE
work=$(mktemp -d)
mkdir "$work/failed" "$work/tests"
part() { # NAME COMMAND…
  local name=$1 start=$SECONDS; shift
  printf '\n\033[1m== %s\033[0m\n' "$name"
  "$@" || touch "$work/failed/$name"
  printf -- '-- %s: %d min %02d s\n' "$name" $(((SECONDS - start) / 60)) $(((SECONDS - start) % 60))
}
tests() { # NAME ARGUMENT…
  local name=$1; shift
  part "$name" python scripts/pytest_part.py "$work/tests" first "$name" --durations=20 --durations-min=5 "$@"
}

# The demo is made once, and looked at by all that come after.
demo=$work/notebooks
row=
clean() {
  if [ -n "$row" ]; then kill -- "-$row" 2>/dev/null; wait "$row"; fi
  if [ -d "$demo/.mlinfra" ]; then (cd "$demo" && mlinfra down >/dev/null); fi
  rm -rf "$work"
}
trap clean EXIT
whole=(tests/integration/test_demo.py)
apart=(tests/training/lightning tests/deployments/pytorch tests/integration/test_binder.py) # targets of their own
looks=(tests/integration/test_training_set.py tests/browser)

the_browser_s_row() {
  if [ "$marked" != slow ]; then
    part "typescript" scripts/frontend.sh "$bin" jlpm test
    part "the size of the front end" scripts/frontend.sh "$bin" jlpm size
  fi
  MLINFRA_KEEP_DEMO="$demo" tests "the demo, from nothing" "${whole[@]}"
  if [ -d "$demo/.mlinfra" ]; then export MLINFRA_TEST_DEMO="$demo"; fi
  tests "Chromium" -n 2 --dist loadfile --no-loadscope-reorder -m "$marked" "${looks[@]}"
}

part "imports point one way" lint-imports --no-cache
set -m  # a group of its own, which ends with this one
the_browser_s_row >"$work/row.log" 2>&1 </dev/null &
row=$!
set +m
tests "python" -n 4 --dist loadfile --no-loadscope-reorder -m "$marked" tests "${apart[@]/#/--ignore=}" "${whole[@]/#/--ignore=}" "${looks[@]/#/--ignore=}"
wait "$row" || touch "$work/failed/the row beside the Python tests"
row=
cat "$work/row.log"
if compgen -G "$work/tests/*/pending.json" >/dev/null; then part "what failed, once more" python scripts/pytest_part.py "$work/tests" again; fi

printf '\nAll parts: %d min %02d s\n' $((SECONDS / 60)) $((SECONDS % 60))
if [ -s "$work/tests/unsteady" ]; then
  printf '\033[1munsteady: passed only the second time; see its failure above, and fix it\033[0m\n'
  sed $'s/.*/  \033[1m&\033[0m/' "$work/tests/unsteady"
fi
mapfile -t failed < <(ls "$work/failed")
if [ ${#failed[@]} -gt 0 ]; then printf 'FAILED:'; printf ' %s;' "${failed[@]}"; echo; exit 1; fi
echo "All parts passed."
