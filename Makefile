# Forwards only: each word makes .venv when there is none, then runs one command.
RUN = scripts/bootstrap && .venv/bin

.PHONY: demo test check bench setup

setup:
	@scripts/bootstrap

# make demo [EVENTS=path] [ARGS="--once --json"]
demo:
	@$(RUN)/aisle demo $(if $(EVENTS),--events "$(EVENTS)") $(ARGS)

# make test [ARGS="tests/training -k metrics"]
test:
	@$(RUN)/python -m pytest $(ARGS)

check:
	@$(RUN)/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports

# make bench [NAME=metrics]
bench:
	@$(RUN)/python -m tests.benchmarks $(NAME)
