# Two targets do everything on a fresh machine: `make demo` and `make test`. Nothing needs to be installed before but make and a Python.
.DEFAULT_GOAL := help
.PHONY: help demo test slow binder kills soak protocol feast searches lightning ray mlserver manifests lab check build benchmarks oracles clean force
SHELL := /bin/bash
VENV ?= .venv
BIN := $(VENV)/bin
unexport PYTHONDONTWRITEBYTECODE

help: ## these lines
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 20

demo: $(VENV)/.demo ## set up, then the main job on real flights, from raw files to a monitored deployment
	@cd notebooks && ../$(BIN)/python run_demo.py

# Jupyter refuses root unless told otherwise; whoever types this as root means it.
lab: $(VENV)/.demo ## open JupyterLab on the flights project; ARGS="--port=9000 --no-browser" go to jupyter lab
	@cd notebooks && PATH="$(abspath $(BIN)):$$PATH" ../$(BIN)/jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) $(ARGS)

test: $(VENV)/.test ## set up, then the tests: Python, TypeScript, browser; long ones have targets of their own
	@scripts/test.sh $(BIN)

slow: $(VENV)/.test ## the tests that `make test` leaves out because they take long: processes killed at each step, bad models, other runtimes
	@scripts/test.sh $(BIN) slow

binder: $(VENV)/.test ## the steps of Binder from nothing: an environment of its own, the demo in it, a live deployment
	@$(BIN)/python -m pytest tests/integration/test_binder.py

kills: $(VENV)/.test ## kill -9 at 200 random moments of supervisors, submitters and jobs: none lost, none doubled, no GPU given twice
	@MLINFRA_KILLS=200 $(BIN)/python -m pytest tests/jobs/test_random_kills.py

soak: $(VENV)/.test ## ten minutes of requests while versions come and go and processes are killed: nothing is lost
	@MLINFRA_SOAK=$${MLINFRA_SOAK:-600} $(BIN)/python -m pytest -s tests/deployments/soak.py

protocol: $(VENV)/.test ## the gateway against the Open Inference Protocol's own file: make protocol FILE=open_inference_rest.yaml
	@test -n "$(FILE)" || { echo "Name the protocol's OpenAPI file: make protocol FILE=open_inference_rest.yaml"; exit 2; }
	@MLINFRA_PROTOCOL="$(abspath $(FILE))" $(BIN)/python -m pytest tests/deployments/protocol.py

feast: $(VENV)/.demo ## Feast's own tests over our offline store and over Feast's (some 30 min): make feast SUITE=FOLDER, which is sdk/python of its repository
	@test -n "$(SUITE)" || { echo "Name a folder with Feast's tests: make feast SUITE=feast/sdk/python"; exit 2; }
	@scripts/feast_suite/run.sh $(BIN) "$(SUITE)" $(RUNS)

searches: $(VENV)/.test ## the random searches of the tests with ten times as many examples
	@MLINFRA_SEARCHES=10 $(BIN)/python -m pytest -n 2 -m hypothesis --timeout=3600 tests --ignore=tests/training/lightning --ignore=tests/deployments/pytorch --ignore=tests/browser

lightning: $(VENV)/.test-lightning ## set up with PyTorch (5 GB), then the tests of Lightning trainings that are stopped and go on, and of PyTorch models that are served
	@$(BIN)/python -m pytest tests/training/lightning tests/deployments/pytorch

ray: $(VENV)/.test-ray ## set up with Ray (200 MB), then the suite of all job backends on a real Ray head, and Feast's Ray store beside ours
	@$(BIN)/python -m pytest --real-ray tests/jobs/contract tests/jobs/ray tests/features/test_ray.py

mlserver: $(VENV)/.test ## the suites of all serving runtimes with MLServer among them, and the clients of Triton and KServe and its models (300 MB)
	@MLINFRA_TEST_MLSERVER=1 $(BIN)/python -m pytest tests/deployments/test_runtimes.py tests/deployments/test_calls.py tests/deployments/kubernetes/test_models.py

manifests: $(VENV)/.test ## all manifests for Kubernetes against CRDs: make manifests CRDS=FOLDER, of a release or of your cluster
	@test -n "$(CRDS)" || { echo "Name a folder with CustomResourceDefinitions: make manifests CRDS=FOLDER"; exit 2; }
	@$(BIN)/python scripts/manifests.py "$(CRDS)"

check: $(VENV)/.test ## form and types (ruff, mypy, import-linter, eslint, prettier, tsc), then every test
	@scripts/check.sh $(BIN)
	@scripts/test.sh $(BIN)

benchmarks: $(VENV)/.benchmarks ## paired benchmarks against peers; minutes each, never part of the tests
	@failed=; for file in benchmarks/*.py; do echo "== $$file"; $(BIN)/python $$file || failed="$$failed $$file"; done; \
	if [ -n "$$failed" ]; then echo "FAILED:$$failed"; exit 1; fi

oracles: $(VENV)/.benchmarks ## estimates of performance and changes beside those of NannyML and river (2 GB)
	@$(BIN)/python benchmarks/estimates.py

# The second time with the certificates of the system, as set-up does it: those within uv may lack a proxy's.
build: $(VENV)/.demo ## the wheel, in dist/
	@scripts/frontend.sh $(BIN) jlpm build:prod
	@$(BIN)/uv build --quiet --wheel || UV_SYSTEM_CERTS=true $(BIN)/uv build --quiet --wheel
	@ls dist

# The stamps hold what the environment was made from; set-up is skipped while nothing of it changed.
SOURCES := pyproject.toml scripts/setup.sh labextension/package.json labextension/yarn.lock $(shell find labextension/src labextension/style labextension/schema -type f 2>/dev/null)

# `make test PYTHON=3.13` chooses the Python, by its version or its path; set-up looks whether the environment has it.
export PYTHON
ifneq ($(PYTHON),)
SOURCES += force
endif

$(VENV)/.demo: $(SOURCES)
	@scripts/setup.sh $(VENV) demo

$(VENV)/.test: $(SOURCES)
	@scripts/setup.sh $(VENV) test

$(VENV)/.test-lightning: $(SOURCES)
	@scripts/setup.sh $(VENV) test-lightning

$(VENV)/.test-ray: $(SOURCES)
	@scripts/setup.sh $(VENV) test-ray

$(VENV)/.benchmarks: $(SOURCES)
	@scripts/setup.sh $(VENV) benchmarks

clean: ## stop what the demo started; remove environments, builds and the demo's state
	@if [ -x $(BIN)/mlinfra ]; then cd notebooks && ../$(BIN)/mlinfra down || true; fi
	rm -rf $(VENV) .tools build dist notebooks/.mlinfra notebooks/data labextension/{lib,tsconfig.tsbuildinfo,node_modules,.yarn} jupyter_mlinfra/labextension
