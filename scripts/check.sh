#!/usr/bin/env bash
# Form and types of Python and TypeScript. Fails at the end if any part failed, and says which.
set -uo pipefail
bin=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
export PATH="$bin:$PATH"
failed=()
part() { local name=$1; shift; printf '\n\033[1m== %s\033[0m\n' "$name"; "$@" || failed+=("$name"); }

part "ruff" ruff check .
part "ruff format" ruff format --check .
part "mypy" mypy
part "imports point one way" lint-imports --no-cache
part "eslint, prettier" scripts/frontend.sh "$bin" jlpm lint
part "tsc" scripts/frontend.sh "$bin" jlpm tsc --noEmit
if [ ${#failed[@]} -gt 0 ]; then printf '\nFAILED: %s\n' "${failed[*]}"; exit 1; fi
