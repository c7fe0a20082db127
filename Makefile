# Forwards only: each word makes .venv when there is none, then runs one command.
RUN = scripts/bootstrap && .venv/bin
WORKERS = 2

# Without bytecode each process of the tests and the demo would compile the project again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-long check bench setup

setup:
	@scripts/bootstrap

# make demo [EVENTS=path] [ARGS="--once --json"]
demo:
	@$(RUN)/aisle demo $(if $(EVENTS),--events "$(EVENTS)") $(ARGS)

# make test [ARGS="tests/training -k metrics"]
# Two processes; the longest files come first (tests/conftest.py).
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
