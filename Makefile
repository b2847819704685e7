# make demo: sets up all and runs `pytest --modssl` on the sample repository.
# make test: sets up all and runs everything that must pass: linters, types, and the suite.
# make test-all: the same, with the tests that are marked as long, and every test also without pytest-xdist, as an ordinary user where
# root runs it.
# make diagnosis-table: seeded faults by the diagnosis given, healthy servers by false alarms; fails where one is wrong.
# make test-images: the tests that use a server, on the images that are slow to build.
# make test-versions: the tests that use a server, on the httpds of four Debian suites, as an ordinary user, ending in a table.
# make test-builds: every httpd that can be built from source, and what only those can show: ten builds of some minutes, the first time.
# make faults: hundreds of kills, shortages and hostile peers, counted; writes docs/faults.md. FILES=tests/faults/test_kills.py takes one.
# make bench: measures ours side by side with peers, and writes docs/benchmarks.md; PARTS="suites looking" measures those alone.
# make docs: builds the documentation as a site, into site/; every warning is an error.

.PHONY: demo test test-all diagnosis-table test-images test-versions test-builds faults lint bench docs setup-demo setup-dev clean

demo: setup-demo
	cd fixtures/repos/shop && PYTHONDONTWRITEBYTECODE=1 ../../../.venv/bin/pytest --modssl -v -p no:cacheprovider

test: lint
	@tools/programs chromium tshark
	@tools/with-engine tools/suite

test-all: lint
	@tools/programs chromium tshark
	@tools/with-engine tools/suite --all

diagnosis-table: setup-dev
	@.venv/bin/python -m tests.faq.table $(TARGET)

test-images: setup-dev
	@tools/with-engine tools/suite-images

test-versions: setup-dev
	@tools/suite-versions

test-builds: setup-dev
	@tools/with-engine tools/suite-builds

faults: setup-dev
	@FAULTS=long tools/with-engine .venv/bin/pytest -q -n 2 $(or $(FILES),tests/faults)

lint: setup-dev
	@tools/step "ruff check" .venv/bin/ruff check
	@tools/step "ruff format --check" .venv/bin/ruff format --check
	@tools/step "mypy --strict" .venv/bin/mypy --strict

bench: setup-dev
	@tools/peers
	@tools/with-engine .venv/bin/python -m bench --write $(PARTS)

docs: setup-dev
	@tools/step "mkdocs build --strict" env NO_MKDOCS_2_WARNING=1 .venv/bin/python -m mkdocs build --strict
	@echo "site/index.html"

setup-demo setup-dev: setup-%:
	@tools/packages
	@PYTHON="$(PYTHON)" tools/environment $*

clean:
	rm -rf .venv .venv-peers build dist site .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
