# Each target makes .venv first if need be: what a study needs, or what developers need too.

STUDY ?= config/config.yaml
PYTHON ?= python3
BIN := .venv/bin

.PHONY: study replay enough family test test-all check calibrate bench docs docs-numbers schema files lock clean

study: .venv/complete
	@$(BIN)/python workflow/run.py "$(STUDY)" $(if $(ENGINE),--engine $(ENGINE)) \
		$(if $(PROFILE),--workflow-profile profiles/$(PROFILE)) $(ARGS)

# One fit again, FIT=SCENARIO/MODEL/PRIOR/REPLICATE; STUDY may be a manifest.json too.
replay: .venv/complete
	@$(BIN)/python workflow/replay.py "$(STUDY)" "$(FIT)" $(if $(ENGINE),--engine $(ENGINE)) $(ARGS)

# As many replicates as the study's `precision` takes, and the study with them.
enough: .venv/complete
	@$(BIN)/python workflow/enough.py "$(STUDY)" $(if $(ENGINE),--engine $(ENGINE)) $(ARGS)
	@$(BIN)/python workflow/run.py "$(STUDY)" $(if $(ENGINE),--engine $(ENGINE)) $(ARGS)

# A family of your own, NAME=...: its Python file, its Stan program and a study of it.
family: .venv/complete
	@$(BIN)/python workflow/family.py "$(NAME)"

# Every capability once, about 6 minutes on 2 cores.
test: .venv/developer
	$(BIN)/python -m pytest -m 'not slow' $(ARGS)

# Everything: more mutated studies, more moments at which a study is killed.
test-all: export EXAMPLES ?= 1000
test-all: export RECOVERY_KILLS ?= 8
test-all: .venv/developer
	$(BIN)/python -m pytest $(ARGS)

check: .venv/developer
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/snakefmt --check Snakefile workflow/Snakefile workflow/rules
	$(BIN)/mypy
	$(BIN)/snakemake --lint

# Python 3.11 or newer; compiled at once, since Python without bytecode starts slowly.
.venv/complete: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$(PYTHON) is older than Python 3.11; name another: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@echo "Setting up .venv: about a minute, once."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --use-pep517 --require-hashes -r requirements.lock
	@$(BIN)/python -m compileall -q --invalidation-mode checked-hash workflow/scripts
	@touch $@

# What tests, linters, types and docs need beside.
.venv/developer: requirements-dev.lock .venv/complete
	@$(BIN)/python -m pip install --quiet --use-pep517 --require-hashes -r requirements-dev.lock
	@touch $@

calibrate: .venv/complete
	@$(BIN)/python workflow/calibrate.py config/calibration/*.yaml

bench: .venv/developer
	$(BIN)/python tests/benchmarks/run.py $(ARGS)

# The documentation site, into site/; it needs no network.
docs: .venv/developer
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

# The studies that the documentation quotes, and their numbers there.
docs-numbers: .venv/complete
	@$(BIN)/python workflow/run.py config/config.yaml
	@$(BIN)/python workflow/run.py config/group_by_condition.yaml
	@$(BIN)/python workflow/run.py config/reading_times.yaml
	@$(BIN)/python tests/docs_numbers.py

schema: .venv/complete
	PYTHONPATH=workflow/scripts $(BIN)/python -m recovery.study.schema

# The workflow's own files, which a remote workflow is put together from.
files:
	git ls-files workflow stan config profiles | grep -v -e '^workflow/files.txt$$' -e png$$ > workflow/files.txt

lock:
	for set in requirements requirements-dev; do \
		uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate \
			--custom-compile-command 'make lock' $$set.in -o $$set.lock || exit 1; \
	done

clean:
	rm -rf .venv .snakemake
