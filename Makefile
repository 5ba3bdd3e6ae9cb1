# Two commands do all: `make demo` and `make test`. They need python3 (3.11 or later), make and the package registry.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
WORKSPACE ?= demo/workspace

ROOMS := $(patsubst %/__init__.py,%,$(wildcard */__init__.py))

.PHONY: demo app test test-servers lint docs clean

demo: $(STAMP)
	$(BIN)/ringtrace demo --folder demo

app: $(STAMP)
	$(BIN)/ringtrace app --workspace $(WORKSPACE)

test: $(STAMP)
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not neo4j and not browser"

# What needs a real Neo4j (Java and Maven, or NEO4J_URL) and a real browser (chromium); their absence is a failure here.
test-servers: $(STAMP)
	REQUIRE_NEO4J=1 REQUIRE_BROWSER=1 $(BIN)/python -m pytest -n 2 --dist loadgroup -m "neo4j or browser"

lint: $(STAMP) .typing/ringtrace
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy $(addprefix -p ringtrace.,$(ROOMS)) $(patsubst %.py,-m ringtrace.%,$(filter-out __init__.py,$(wildcard *.py)))
	MYPYPATH=.typing:tests:bench $(BIN)/mypy tests bench
	$(BIN)/lint-imports --no-logo

docs: $(STAMP)
	$(BIN)/python -m ringtrace.data_schema.document > docs/data.md

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "RingTrace needs Python 3.11 or later. Name one: make PYTHON=python3.12 demo"; exit 1; }
	@$(PYTHON) -m venv .venv || $(PYTHON) -m virtualenv .venv || { rm -rf .venv; echo \
	  "This python3 cannot make environments. On Debian and Ubuntu: apt install python3-venv; then repeat."; exit 1; }
	@echo "Installing RingTrace and what it needs into .venv (about a minute) …"
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

# mypy finds the package `ringtrace` by this link, since the repository root is the package itself.
.typing/ringtrace:
	mkdir -p .typing
	ln -s .. $@

clean:
	rm -rf .venv .typing build dist *.egg-info
