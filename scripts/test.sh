#!/usr/bin/env bash
# Every test. Fails at the end if any part failed, and says which.
set -uo pipefail
bin=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
export PATH="$bin:$PATH"
unset PYTHONDONTWRITEBYTECODE
failed=()
part() { local name=$1; shift; printf '\n\033[1m== %s\033[0m\n' "$name"; "$@" || failed+=("$name"); }

part "imports point one way" lint-imports --no-cache
part "python" python -m pytest -n 2 --dist loadfile --durations=40 --durations-min=3 tests --ignore=tests/browser --ignore=tests/integration --ignore=tests/training/lightning
part "typescript" scripts/frontend.sh "$bin" jlpm test
part "the size of the front end" scripts/frontend.sh "$bin" jlpm size
part "the demo from nothing, and Chromium" python -m pytest --durations=40 --durations-min=3 tests/integration tests/browser --ignore=tests/integration/test_binder.py
part "the Binder steps in a fresh environment" python -m pytest tests/integration/test_binder.py
if [ ${#failed[@]} -gt 0 ]; then printf '\nFAILED: %s\n' "${failed[*]}"; exit 1; fi
echo; echo "All parts passed."
