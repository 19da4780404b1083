#!/usr/bin/env bash
# Feast's own integration tests of offline stores over ours, and beside it over Feast's.
#   scripts/feast_suite/run.sh BIN SUITE [STORE-SOURCE…]
# SUITE: the folder sdk/python of Feast's repository, or a copy of its tests and pytest.ini. Its tests come with neither Feast's
# wheel nor ours. Results stay in .tools/feast-suite/results: a run that is named replaces its own, and the report is of all.
set -euo pipefail
bin=$(cd "$1" && pwd) suite=$(cd "$2" && pwd)
shift 2
runs=("$@")
[ $# -gt 0 ] || runs=(dask-parquet duckdb-parquet duckdb-delta duckdb-iceberg polars-parquet polars-delta polars-iceberg polars-dataset)
cd "$(dirname "$0")/../.."
root=$PWD tools=$PWD/.tools/feast-suite
[ -d "$suite/tests/integration/offline_store" ] || { echo "error: $suite has no tests/integration/offline_store; give sdk/python of Feast's repository" >&2; exit 2; }

# Two environments: Feast's stores have Delta in a version that ours does not go with. Both need an old pytest, and import clients
# of containers that they do not start.
needs=("pytest<8" pytest-xdist pytest-timeout pytest-env "pytest-asyncio<=0.24" pytest-ordering pytest-mock pytest-lazy-fixture==0.6.3
  "feast[grpcio]==0.67.0" "testcontainers[minio,keycloak,mysql,postgres]" minio python-keycloak assertpy cryptography)
wanted=$(cat pyproject.toml "$0" | sha256sum)
made() { # NAME REQUIREMENT…
  local venv=$tools/$1; shift
  [ "$(cat "$venv/.made" 2>/dev/null)" != "$wanted" ] || return 0
  "$bin/uv" venv --quiet --allow-existing --python "$bin/python" "$venv"
  "$bin/uv" pip install --quiet --python "$venv/bin/python" "$@" "${needs[@]}"
  printf '%s\n' "$wanted" >"$venv/.made"
}
made ours --requirements pyproject.toml --extra delta feast==0.67.0
made theirs "feast[delta,duckdb]==0.67.0" "pyiceberg[sql-sqlite,pyarrow]"

# The tests alone: beside them Python would take the repository's `feast` instead of the release that is installed.
rm -rf "$tools/suite"
mkdir -p "$tools/results" "$tools/suite"
cp -R "$suite/tests" "$suite/pytest.ini" "$tools/suite"
export FULL_REPO_CONFIGS_MODULE=mlinfra_feast_conf FEAST_IS_LOCAL_TEST=True PYTHONPATH=.:$root/scripts/feast_suite:$root
export PYTHONPYCACHEPREFIX=$tools/pycache
integration=tests/integration
# What reaches the online store goes through the offline store, too.
online=$(printf "$integration/online_store/%s.py " test_push_features_to_online_store test_universal_e2e test_universal_online_types)
for run in "${runs[@]}"; do
  echo "== $run"
  # The local repositories have Parquet files whatever the source is.
  local_repos=$integration/local_feast_tests
  [ "${run#*-}" = parquet ] || local_repos=
  venv=theirs
  [ "${run%-*}" != polars ] || venv=ours
  (cd "$tools/suite" && MLINFRA_FEAST_STORE=${run%-*} MLINFRA_FEAST_SOURCE=${run#*-} "$tools/$venv/bin/python" -m pytest \
    -p mlinfra_feast_plugin -p no:cacheprovider -o addopts= -q --tb=short --integration -n "${MLINFRA_FEAST_WORKERS:-2}" \
    -m "not ray_offline_stores_only and not rbac_remote_integration_test" -k "not dynamodb" --junitxml="$tools/results/$run.xml" \
    --ignore=$integration/offline_store/test_dqm_validation.py \
    $integration/offline_store $integration/materialization/test_universal_materialization.py $online $local_repos \
    >"$tools/results/$run.log" 2>&1) || true
  tail -n 1 "$tools/results/$run.log"
done
"$bin/python" scripts/feast_suite/report.py "$tools"/results/*.xml
