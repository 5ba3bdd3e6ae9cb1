# Two commands do all: `make demo` and `make test`. They need python3, make and the package registry, nothing else.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: demo app test lint clean

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: $(STAMP)
	$(BIN)/ringtrace demo --workspace demo/workspace

app: $(STAMP)
	$(BIN)/ringtrace app --workspace demo/workspace

test: $(STAMP)
	$(BIN)/python -m pytest -n 2

lint: $(STAMP) .typing/ringtrace
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy -p ringtrace
	$(BIN)/lint-imports

# mypy finds the package `ringtrace` by this link, since the repository root is the package itself.
.typing/ringtrace:
	mkdir -p .typing
	ln -s .. $@

clean:
	rm -rf .venv .typing build dist *.egg-info
