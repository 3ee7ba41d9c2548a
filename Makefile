# `make serve` and `make test` are all a newcomer needs; both set up what they use.
# ARGS goes through: `make serve ARGS="--port 9000"`, `make check ARGS="-k throttle"`.

.PHONY: help serve test check bench lock clean

help:
	@echo 'make serve   start the server on 127.0.0.1:8080, with its data in ./twofold-data'
	@echo 'make test    install what the tests need and run every check'
	@echo 'make check   run every check with what is already installed'
	@echo 'make bench   measure, and write bench/RESULTS.md'
	@echo 'make lock    rewrite the lock files in requirements/'
	@echo 'make clean   remove the environment and everything generated, but never twofold-data'

serve:
	@scripts/setup runtime
	@exec .venv/bin/twofold serve $(ARGS)

test:
	@scripts/system-packages
	@scripts/setup test
	@scripts/check $(ARGS)

check:
	@scripts/check $(ARGS)

bench:
	@scripts/setup test
	@.venv/bin/python -m bench $(ARGS)

lock:
	@scripts/lock $(ARGS)

clean:
	rm -rf .venv build dist src/*.egg-info .coverage .coverage.* htmlcov artefacts
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .grimp_cache
	find src tests bench -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
