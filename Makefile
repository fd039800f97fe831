# `make up` shows the console with something broken in it; `make test` runs every test. Both set up what they need.
.POSIX:
.PHONY: up test check bench openapi requirements clean

PYTHON = python3
VENV = var/venv
BIN = $(VENV)/bin
# For tools that only read the settings.
READ = SECRET_KEY=only-to-read-the-settings

up: $(VENV)/.runtime
	@$(BIN)/python -m console.up

test: $(VENV)/.tools
	@.ci/packages
	@$(BIN)/python -m tests.everything

check: $(VENV)/.tools
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(READ) $(BIN)/mypy .
	$(READ) $(BIN)/python manage.py makemigrations --check --dry-run
	SECRET_KEY=$$($(BIN)/python -c "import secrets; print(secrets.token_urlsafe(48))") $(BIN)/python manage.py check --deploy --fail-level WARNING

bench: $(VENV)/.tools
	@.ci/packages
	@$(BIN)/python -m bench

# After a change of the API.
openapi: $(VENV)/.tools
	@$(READ) $(BIN)/python manage.py openapi

# After a change of requirements.in or requirements-dev.in; needs uv.
requirements:
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header requirements.in -o requirements.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header requirements-dev.in -o requirements-dev.txt

$(VENV)/.runtime: requirements.txt
	@echo "Installing into $(VENV) (once)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(VENV)/.tools: $(VENV)/.runtime requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

clean:
	rm -rf var .mypy_cache .ruff_cache .pytest_cache
