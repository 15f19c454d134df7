# `make` prints what there is. Everything lives in .venv, which the first target that
# needs it makes; nothing is installed anywhere else.

# The first Python that is new enough and can make virtual environments. Each is asked,
# and not only looked up: a version manager's shims exist for versions it will not run.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' \
	2>/dev/null && echo $$python && break; done)
UV ?= $(shell command -v uv || echo .venv/bin/uv)

BIN := .venv/bin
# More arguments for pytest: make test ARGS="-k race"
ARGS ?=
# FULL=1: everything, and as large as it is meant to be; else what takes long is left out or small.
FULL ?=
export FULL
LENGTH := $(if $(filter-out 0,$(FULL)),, and not full)
# What does not depend on the database has run on SQLite.
ON_SQLITE := -m "not clients$(LENGTH)"
ON_ITS_DATABASE := -m "not any_database$(LENGTH)"
# What looks for faults at random is left to `make test`.
WITHOUT_SEARCHES := --ignore=tests/fuzz --ignore=tests/attacks/test_schemathesis.py \
	--ignore=packages/ratchet-tokens/tests/token_tests/test_properties.py
# The slowest tests, in the last lines.
DURATIONS := --durations=15 --durations-min=1
# Which cells of the gauntlet: all, pairwise or fast.
CELLS ?= all
# How long `make fuzz` goes on, for all targets together.
FUZZ_SECONDS ?= 60
PROJECTS := $(wildcard pyproject.toml packages/*/pyproject.toml)

# Some containers set it. Then each process compiles the package, and pytest every test, anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
# Two installations into one .venv would meet.
.NOTPARALLEL:
.PHONY: help demo demo-provider demo-service test test-mariadb fuzz lint types format build check-wheel lock clean bench-race bench-rotation

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

demo: .venv/.demo-installed ## run the demo on http://127.0.0.1:8000 (PORT=... for another port)
	@$(BIN)/python demo/serve.py

demo-provider: .venv/.demo-installed ## the demo, and an OpenID Connect provider that signs in to it (PROVIDER_PORT=...)
	@$(BIN)/python demo/serve_with_provider.py

demo-service: .venv/.service-installed ## the demo, and a FastAPI service beside it that takes its tokens (SERVICE_PORT=...)
	@$(BIN)/python demo/serve_both.py

test: .venv/.dev-installed ## the suite in some minutes, on SQLite and PostgreSQL, what takes long in small (ARGS=... for pytest)
	@unset DATABASE_URL; failed=; begun=$$(date +%s); \
	echo "== SQLite"; \
	$(BIN)/pytest $(ON_SQLITE) $(DURATIONS) $(ARGS) || failed="$$failed SQLite"; \
	half=$$(date +%s); \
	echo "== PostgreSQL"; \
	$(BIN)/python -m tests.servers postgresql -- $(BIN)/pytest $(ON_ITS_DATABASE) $(DURATIONS) $(ARGS) || failed="$$failed PostgreSQL"; \
	ended=$$(date +%s); \
	echo "== $$((half - begun)) s on SQLite, $$((ended - half)) s on PostgreSQL$(if $(LENGTH),; make test-all runs everything,)"; \
	test -z "$$failed" || { echo "Failed on:$$failed"; exit 1; }

.PHONY: test-all test-fast coverage
test-all: ## all of it, at full size, on SQLite and PostgreSQL, and the gauntlet's every shape (ARGS=... for pytest)
	@$(MAKE) --no-print-directory test FULL=1
	@$(MAKE) --no-print-directory gauntlet CELLS=fast

test-fast: .venv/.dev-installed ## on SQLite alone, without a server or a browser: under a minute (ARGS=... for pytest)
	@unset DATABASE_URL; begun=$$(date +%s); FULL= CASES=2 $(BIN)/pytest -m "not clients and not full and not starts" $(WITHOUT_SEARCHES) -p tests.nothing_starts $(DURATIONS) $(ARGS); \
	failed=$$?; echo "== $$(($$(date +%s) - begun)) s"; exit $$failed

test-mariadb matrix matrix-cell: export FULL := 1
test-mariadb: .venv/.dev-installed ## all that depends on the database, on MariaDB, which has to be installed (ARGS=... for pytest)
	@echo "== MariaDB"
	@$(BIN)/python -m tests.servers mariadb -- $(BIN)/pytest -m "not any_database" $(DURATIONS) $(ARGS)

coverage: .venv/.dev-installed ## which lines and branches the suite runs, on SQLite and PostgreSQL, into build/coverage.txt
	@unset DATABASE_URL; mkdir -p build; rm -f build/.coverage*; \
	$(BIN)/coverage run -m pytest -m "not clients" $(ARGS) && \
	$(BIN)/python -m tests.servers postgresql -- $(BIN)/coverage run -m pytest -m "not any_database" $(ARGS) && \
	$(BIN)/coverage combine --quiet && $(BIN)/coverage report > build/coverage.txt && tail -1 build/coverage.txt

# One of them: make peers ARGS="--only simplejwt-5.5.1"
.PHONY: peers
peers: .venv-peers/.installed ## the tests of simplejwt and dj-rest-auth, unmodified, without our apps and with them (downloads them)
	@unset DATABASE_URL; .venv-peers/bin/python -m tests.peers $(ARGS)

# It uses the machine's Node and Chromium. Without them, Node comes from a wheel and Chromium from apt.
.PHONY: clients
clients: .venv/.dev-installed ## the clients with the libraries and in the projects that people use (needs npm's registry)
	@unset DATABASE_URL; $(BIN)/pytest -m clients $(ARGS)

# One of them: make matrix ARGS="--only 3.13-6.1-3.18"
.PHONY: matrix
matrix: .venv/.dev-installed ## other Pythons, Djangos and DRFs, into docs/support.md (an hour)
	@$(BIN)/python -m tests.matrix --write $(ARGS)

# As ARGS="--only ..." does, on the cell's own databases.
.PHONY: matrix-cell
matrix-cell: .venv/.dev-installed ## one combination: make matrix-cell CELL=3.13-6.1-3.18
	@$(BIN)/python -m tests.matrix --only $(CELL) $(ARGS)

# One of them: make gauntlet ARGS="-k camel_case-bounded-sqlite"
.PHONY: gauntlet
gauntlet: .venv/.dev-installed ## one story in every shape of project, into docs/support.md (CELLS=pairwise for a choice)
	@unset DATABASE_URL; GAUNTLET=$(CELLS) $(BIN)/python -m tests.servers postgresql valkey -- \
		$(BIN)/pytest tests/projects $(ARGS)

# One night: make fuzz FUZZ_SECONDS=3600
fuzz: .venv/.fuzz-tried ## hostile input everywhere for a minute (FUZZ_SECONDS=3600 for a nightly run)
	@$(BIN)/python -m tests.fuzz --seconds $(FUZZ_SECONDS) $(ARGS)

.PHONY: attacks
attacks: .venv/.dev-installed ## the attacks of docs/security.md on the running demo (three minutes; ARGS=--table for the table)
	@$(BIN)/python -m tests.attacks.replay $(ARGS)

bench-race: .venv-bench/.installed ## sixteen refreshes at once, here and on the peers (four minutes)
	@.venv-bench/bin/python benchmarks/race.py $(ARGS)

bench-rotation: .venv-bench/.installed ## keys rotated under load: what is refused (half a minute)
	@.venv-bench/bin/python benchmarks/rotation.py $(ARGS)

.PHONY: bench bench-scale charts bench-docs
bench: .venv-bench/.installed ## every claim of speed, beside the peers (six minutes; ARGS="--only verifying")
	@.venv-bench/bin/python benchmarks/bench.py $(ARGS)

# For a trial: make bench-scale ARGS="--only scale --sessions=100000 --ended=10000"
bench-scale: .venv-bench/.installed ## 10,000,000 sessions, 1,000,000 refreshes (an hour or two, 10 GB of disk)
	@.venv-bench/bin/python benchmarks/bench.py --long $(ARGS)

charts: ## the charts and tables of docs/benchmarks.md, out of the last runs
	@"$(PYTHON)" benchmarks/charts.py

bench-docs: bench charts ## both: measure, and write it into the docs

.PHONY: docs docs-serve reference
docs: .venv/.dev-installed ## the documentation as a site, into site/ (strict: a dead link fails)
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs --quiet build --strict
	@echo "site/index.html"

docs-serve: .venv/.dev-installed ## the same, shown on http://127.0.0.1:8080 and made anew at each change
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs serve --strict --dev-addr 127.0.0.1:8080

reference: .venv/.dev-installed ## the pages of docs/reference that are made out of the code
	@$(BIN)/python docs/reference/generate.py

# Where docstrings begin with a verb.
# Not the bridges: most of them will be replaced.
DOCUMENTED := src packages/ratchet-tokens/src demo tools

lint: .venv/.dev-installed ## style, likely bugs, spelling, and that imports point down
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/codespell
	$(BIN)/lint-imports
	$(BIN)/python -m tools.docstrings $(DOCUMENTED)
	$(BIN)/ruff check --select D401 $(DOCUMENTED)

# The settings that mypy's Django plugin loads are the tests', which build on the demo's.
types: .venv/.dev-installed ## strict mypy
	PYTHONPATH=demo $(BIN)/mypy

format: .venv/.dev-installed ## put the code in its usual form
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

.PHONY: messages
messages: .venv/.dev-installed ## the catalogues of translations, out of the source (ARGS=--check says what is missing)
	@$(BIN)/python -m tools.messages $(ARGS)

.PHONY: openapi
openapi: .venv/.dev-installed ## the demo's OpenAPI description, TypeScript types of it, and a program that uses them (needs npm's registry)
	@$(BIN)/python -m tests.openapi.client build/openapi

.PHONY: screenshots
screenshots: .venv/.dev-installed ## the pictures of the demo in docs/images (needs Chromium)
	@PYTHONPATH=demo DJANGO_SETTINGS_MODULE=tests.settings $(BIN)/python -m tests.chromium.screenshots

build: .venv/.dev-installed ## what is released: wheels and sdists into dist/python, npm's package into dist/npm
	@rm -rf dist; mkdir -p dist/npm
	@for project in packages/ratchet-tokens . packages/drf-ratchet-compat $(wildcard clients/python); do \
		$(BIN)/python -m build --no-isolation --outdir dist/python $$project || exit 1; done
	cd clients/js && PATH="$(abspath $(BIN)):$$PATH" npm pack --silent --pack-destination ../../dist/npm

check-wheel: .venv/.dev-installed ## install the wheel into a new project elsewhere and sign in there
	$(BIN)/python tests/packaging/check_wheel.py

lock: ## the newest versions into requirements/*.txt (needs uv)
	@command -v $(UV) >/dev/null || { \
		echo "make lock needs uv: $(BIN)/pip install uv, or see uv's own documentation."; exit 1; }
	$(UV_COMPILE) requirements/demo.in --output-file requirements/demo.txt
	$(UV_COMPILE) requirements/dev.in --constraints requirements/demo.txt \
		--output-file requirements/dev.txt
	$(UV_COMPILE) requirements/service.in --constraints requirements/demo.txt \
		--output-file requirements/service.txt
	$(UV_COMPILE) requirements/bench.in --output-file requirements/bench.txt
	$(UV_COMPILE) requirements/peers.in --output-file requirements/peers.txt
	$(UV_COMPILE) requirements/fuzz.in --output-file requirements/fuzz.txt

# --universal: one lock for every Python and platform. No index and no links: the lock
# says what and which hash, never from where.
UV_COMPILE = $(UV) pip compile --quiet --upgrade --universal --python-version 3.11 \
	--generate-hashes --no-annotate --no-emit-index-url --no-emit-find-links \
	--custom-compile-command "make lock"

clean: ## delete what make has made, but for the demo's data
	rm -rf .venv .venv-matrix .venv-bench .venv-peers dist build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	rm -rf .hypothesis fuzz-crashes site
	find src packages tests demo -name __pycache__ -type d -prune -exec rm -rf {} +

# How .venv comes to be. While an installation is under way neither of the two files is
# there, so that one that was interrupted starts afresh: pip takes a half-unpacked package
# for an installed one. dev.txt holds all of demo.txt.

.venv/.demo-installed: requirements/demo.txt $(PROJECTS)
	$(call install,demo)
	@touch .venv/.demo-installed

.venv/.dev-installed: requirements/dev.txt $(PROJECTS)
	$(call install,dev)
	@touch .venv/.demo-installed .venv/.dev-installed

# atheris has wheels for some Pythons on Linux, and compiles a whole clang elsewhere: without a wheel
# the fuzzer goes without it.
.venv/.fuzz-tried: .venv/.dev-installed requirements/fuzz.txt
	@$(PIP) install --only-binary :all: --require-hashes -r requirements/fuzz.txt || \
		echo "atheris does not install here: Hypothesis alone"
	@touch $@

# On top of the demo's, and again whenever that was installed anew.
.venv/.service-installed: requirements/service.txt .venv/.demo-installed
	@echo "Installing requirements/service.txt ..."
	@$(PIP) install --require-hashes -r requirements/service.txt
	@touch .venv/.service-installed

# Not every package that we are measured and tried beside runs on the newest Django: these have
# environments of their own.
.venv-bench/.installed .venv-peers/.installed: .venv-%/.installed: requirements/%.txt $(PROJECTS)
	@rm -rf .venv-$* && "$(PYTHON)" -m venv .venv-$*
	@.venv-$*/bin/python -m pip -qq --disable-pip-version-check install \
		--require-hashes -r requirements/$*.txt
	@.venv-$*/bin/python -m pip -qq --disable-pip-version-check install \
		--no-deps --no-build-isolation $(EDITABLE)
	@touch $@

define install
	@$(if $(PYTHON),:,echo "No Python 3.11 or newer with its venv module was found (on \
	Debian: apt install python3-venv). If you have one: make PYTHON=/path/to/it"; exit 1)
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "drf-ratchet needs Python 3.11 or newer: $(PYTHON) is older."; exit 1; }
	@test -e .venv/.demo-installed || { echo "Setting up .venv (once, about a minute) ..."; \
		rm -rf .venv && "$(PYTHON)" -m venv .venv; }
	@rm -f .venv/.demo-installed .venv/.dev-installed
	@echo "Installing requirements/$(1).txt ..."
	@$(PIP) install --require-hashes -r requirements/$(1).txt
	@$(PIP) install --no-deps --no-build-isolation $(EDITABLE)
endef

# The three distributions of this repository, as they are in the checkout.
EDITABLE := -e packages/ratchet-tokens -e . -e packages/drf-ratchet-compat
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check
