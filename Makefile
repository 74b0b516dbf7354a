# `make demo` and `make test` install what they need on Debian 12 (as root, or with sudo) and then do what they say.

DEPS ?= $(CURDIR)/.deps
PRESET ?= release
VENV := .venv
PYTHON ?= python3
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1

.PHONY: help setup build test unit check tidy spark-tests handover-test scale-test demo bench kill-test power-cut-test simulate mutants format clean

help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)

## make demo        build, then raw files -> bronze -> silver -> gold with unmodified PySpark, killed on the way and rebuilt (half a minute)
demo: build $(VENV)/client-4.2/.ready
	tools/demo build/$(PRESET)/millstream $(VENV)/client-4.2/bin/python

## make test        build everything and run all tests (what CI runs)
test: check build unit simulate spark-tests
	$(MAKE) --no-print-directory --output-sync=target -j2 kill-test scale-test power-cut-test

## make build       leave the program at build/release/millstream
build: setup
	cmake --preset $(PRESET) -DMILLSTREAM_DEPS=$(DEPS) > build/configure.log 2>&1 || (cat build/configure.log; exit 1)
	cmake --build build/$(PRESET)

## make setup       install Debian packages and the locked downloads
setup: build/.apt-ready
	@tools/fetch_deps $(DEPS)

build/.apt-ready: tools/apt.txt tools/install_packages
	@mkdir -p build
	tools/install_packages tools/apt.txt
	@touch $@

$(VENV)/%/.ready: tests/requirements/%.lock | build/.apt-ready
	$(PYTHON) -m venv $(VENV)/$*
	$(VENV)/$*/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

## make unit        the C++ unit tests
unit:
	ctest --test-dir build/$(PRESET) -V -j2 > build/unit.log 2>&1; status=$$?; tools/count_tests --unit build/unit.log; \
	  [ $$status -eq 0 ] || { grep -E "Failure$$|\\[  FAILED|check failed|SEGFAULT" -A8 build/unit.log | tail -150; exit $$status; }

## make check       rooms, banned calls
check:
	tools/check_layers

## make spark-tests scripts of stock PySpark clients against a running server
spark-tests: $(VENV)/client-4.2/.ready $(VENV)/client-4.1/.ready
	tests/run_spark_tests build/$(PRESET)/millstream $(VENV)

## make handover-test   one checkpoint, and tables of COPY INTO, in the hands of Spark and of millstream in turn (needs a JDK; about three minutes)
handover-test: $(VENV)/spark-4.2/.ready
	MILLSTREAM=$(CURDIR)/build/$(PRESET)/millstream $(VENV)/spark-4.2/bin/python tests/spark/check_handover.py
	MILLSTREAM=$(CURDIR)/build/$(PRESET)/millstream $(VENV)/spark-4.2/bin/python tests/spark/check_copy_state.py
	MILLSTREAM=$(CURDIR)/build/$(PRESET)/millstream $(VENV)/spark-4.2/bin/python tests/spark/check_zero_copy.py
	MILLSTREAM=$(CURDIR)/build/$(PRESET)/millstream $(VENV)/spark-4.2/bin/python tests/spark/check_table_rules.py

## make scale-test  memory with a million known files
scale-test:
	tests/scale/known_files build/$(PRESET)/files_discovery_bench

## make kill-test   SIGKILL at every failpoint and at random moments (KILLS=5000 for the long run)
kill-test: $(VENV)/client-4.2/.ready
	$(VENV)/client-4.2/bin/python tests/crash/kill_test.py --millstream build/$(PRESET)/millstream --kills $(or $(KILLS),500)

## make simulate    100,000 histories of a query on a simulated disk that fails (SECONDS_MAX=600 HISTORIES=1000000 FIRST_SEED=… for the long run)
simulate:
	build/$(PRESET)/tests/simulate --histories=$(or $(HISTORIES),100000) --seconds=$(or $(SECONDS_MAX),60) --first-seed=$(or $(FIRST_SEED),1)

## make power-cut-test   cut the power of an ext4 image in the middle of the job (needs root)
power-cut-test: $(VENV)/client-4.2/.ready
	$(VENV)/client-4.2/bin/python tests/crash/power_cut_test.py --millstream build/$(PRESET)/millstream --cuts $(or $(CUTS),100)

## make mutants     plant bugs that break "exactly once", one after another, and see that the crash tests notice (about half an hour)
mutants: $(VENV)/client-4.2/.ready setup
	$(VENV)/client-4.2/bin/python tests/crash/mutants/run_mutants.py --scratch build/mutants --deps $(DEPS)

## make bench       the benchmarks of bench/, side by side with Spark and Sail
bench: build $(VENV)/client-4.2/.ready $(VENV)/spark-4.2/.ready
	$(VENV)/client-4.2/bin/python bench/run.py --millstream build/$(PRESET)/millstream --peers $(VENV)/spark-4.2/bin/python

## make tidy        clang-tidy over the files that differ from main (BASE=… for another base)
tidy:
	git diff --name-only --diff-filter=d $(or $(BASE),main) -- 'src/*.cc' | xargs -r clang-tidy -p build/$(PRESET) --quiet

## make format      clang-format in place
format:
	git ls-files '*.h' '*.cc' | xargs clang-format -i

clean:
	rm -rf build
