# Forwards only: each word makes .venv when there is none, then runs one command.
RUN = scripts/bootstrap && .venv/bin
WORKERS = 3

# Without bytecode each process of the tests and the demo would compile the project again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-long check bench setup audit sbom screenshots

setup:
	@scripts/bootstrap

# make demo [EVENTS=path] [ARGS="--once --json"]
demo:
	@$(RUN)/aisle demo $(if $(EVENTS),--events "$(EVENTS)") $(ARGS)

# make test [ARGS="tests/training -k metrics"]
# Three processes for two cores, because tests wait for servers and browsers a quarter of the time; the
# longest files come first (tests/conftest.py).
test:
	@$(RUN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

# The same with ten times the examples of each property, before a release: about two hours.
test-long:
	@AISLE_EXAMPLES=10 $(MAKE) --no-print-directory test

check:
	@$(RUN)/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports

# make bench [NAME=metrics], or one fault: make bench NAME="faults 'Redis killed'"
bench:
	@$(RUN)/python -m tests.benchmarks $(NAME)

# The screenshots of the documentation, while `make demo` runs:
# make screenshots [URL=http://127.0.0.1:3000] [CONSOLE=http://127.0.0.1:3001]
screenshots:
	@$(RUN)/python -m tests.screenshots $(or $(URL),http://127.0.0.1:3000) $(or $(CONSOLE),http://127.0.0.1:3001)

# Known vulnerabilities of the locked packages; fails also where one cannot be looked up.
audit:
	@$(RUN)/uv tool run pip-audit==2.10.1 --strict --disable-pip --require-hashes -r requirements.lock

# The installed packages as CycloneDX, in build/sbom.json.
sbom:
	@mkdir -p build && $(RUN)/uv tool run --from cyclonedx-bom==7.2.1 \
		cyclonedx-py environment .venv --pyproject pyproject.toml -o build/sbom.json
