# What one does with this tree. `make` alone lists the targets; `make demo` is the place to begin.
#
# Cargo builds, this file joins what Cargo does not know: installing, the other languages' tests, the linters. cargo-c would
# install a C library too, but compiling it takes longer than all of ours, and it knows nothing of the C++ header, the man
# page and the static .pc file; `make install` is twenty lines of install(1).

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

# Rust and Go are found where their installers put them, also in a shell that was started before.
export PATH := $(PATH):$(HOME)/.cargo/bin:/usr/local/go/bin

CARGO ?= cargo
GO ?= go
PYTHON ?= python3
CC := $(if $(filter default,$(origin CC)),gcc,$(CC))
CXX := $(if $(filter default,$(origin CXX)),g++,$(CXX))
CFLAGS ?= -O1 -g
CXXFLAGS ?= -O1 -g
WARNINGS := -Wall -Wextra -pedantic -Werror

# The Cargo profile of everything here. One profile means one build: the demo, the tests of every language and what is installed
# share it. PROFILE=dev is quicker to rebuild while one works on the library.
PROFILE ?= release
CARGO_FLAGS := --locked --profile $(PROFILE)
TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)
BUILT = $(TARGET_DIR)/$(if $(filter dev,$(PROFILE)),debug,$(PROFILE))

VERSION := $(shell sed -n 's/^version *= *"\(.*\)"/\1/p' Cargo.toml | head -n 1)
ABI := $(shell sed -n 's/^\#define MT_TRANSCODE_ABI_VERSION //p' include/mt_transcode/mt_transcode.h)

PREFIX ?= /usr/local
DESTDIR ?=
LIBDIR ?= $(PREFIX)/lib
BINDIR ?= $(PREFIX)/bin
INCLUDEDIR ?= $(PREFIX)/include
PKGCONFIGDIR ?= $(LIBDIR)/pkgconfig
MANDIR ?= $(PREFIX)/share/man

# Where the tests and the demo find the library without an installation. The .pc file there carries a run path.
BUILD ?= build
STAGE := $(abspath $(BUILD))/stage
STAGED := PKG_CONFIG_PATH="$(STAGE)/lib/pkgconfig$${PKG_CONFIG_PATH:+:$$PKG_CONFIG_PATH}"
# Go's cache knows nothing of a C header, a .pc file or a library, but it does know CGO_CFLAGS: with these the package is built again when
# one of them has changed.
GO_STAGED = $(STAGED) CGO_CFLAGS="-O2 -g $$(scripts/go-key.sh $(STAGE))"

.PHONY: help setup setup-build setup-test setup-all
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  INPUT=file or URL for demo; PREFIX= LIBDIR= DESTDIR= for install; PROFILE=dev for a quicker build"

setup: setup-all ## install what this machine lacks to build, test and lint
setup-build:
	@scripts/setup.sh build
setup-test:
	@scripts/setup.sh test
setup-all:
	@scripts/setup.sh all

##### build and demo

.PHONY: build stage demo header fmt docs clean
build: ## build the library (shared and static) and the program
	$(CARGO) build $(CARGO_FLAGS)

stage: build
	@$(MAKE) install-files PREFIX=$(STAGE) DESTDIR= LIBDIR=$(STAGE)/lib RPATH=1 PROFILE=$(PROFILE)

demo: setup-build stage ## the main job: a Go program makes an MP4 and an HLS ladder (INPUT=file or URL)
	$(GO_STAGED) $(GO) -C go/examples build -buildvcs=false -o $(abspath $(BUILD))/demo ./demo
	$(BUILD)/demo $(if $(INPUT),"$(INPUT)")

header: ## generate include/mt_transcode/mt_transcode.h again from src/capi
	UPDATE_HEADER=1 $(CARGO) test $(CARGO_FLAGS) --test header

fmt: ## format Rust and Go
	$(CARGO) fmt
	gofmt -w go bench tests/crash

docs: ## make an mdBook of docs/, where mdbook is installed (the pages read well without it)
	@command -v mdbook >/dev/null || { echo "mdbook is not installed; the pages in docs/ are plain Markdown"; exit 1; }
	mdbook build

clean: ## remove what was built
	$(CARGO) clean
	rm -rf build demo-out

##### tests

.PHONY: fuzz fuzz-corpus
.PHONY: test test-rust test-linkage test-c test-cpp test-python test-go test-isolated test-crash test-sandbox test-matrix examples valgrind compatibility equivalence fate coverage
test: setup-test test-rust test-linkage test-c test-cpp test-python test-go test-isolated test-crash test-sandbox test-faults ## every test, from nothing

test-rust: ## the library's unit and integration tests
	$(CARGO) test $(CARGO_FLAGS) --no-fail-fast

test-linkage: stage ## what is exported and installed, how it links, and the programs in docs/
	CC="$(CC)" CXX="$(CXX)" PROFILE=$(PROFILE) tests/linkage/run.sh $(STAGE)
	CC="$(CC)" CXX="$(CXX)" PYTHON="$(PYTHON)" tests/linkage/documents.sh $(STAGE)

.PHONY: test-static
test-static: stage ## programs that are linked with a static glibc, and host names (builds a small FFmpeg once: minutes)
	CC="$(CC)" tests/linkage/static.sh $(STAGE)

.PHONY: test-musl
test-musl: stage ## programs that are linked with musl (musl-tools, rustup target add; builds library and small FFmpeg once: 10 minutes)
	CARGO="$(CARGO)" tests/linkage/musl.sh $(STAGE)

LINK = $$($(STAGED) pkg-config --cflags --libs mt_transcode) -pthread
test-c: stage ## the scenarios in C
	@mkdir -p $(BUILD)/tests
	$(CC) -std=c11 $(CFLAGS) $(WARNINGS) tests/c/*.c -o $(BUILD)/tests/scenarios-c $(LINK)
	$(BUILD)/tests/scenarios-c

test-cpp: stage ## the scenarios in C++
	@mkdir -p $(BUILD)/tests
	$(CXX) -std=c++17 $(CXXFLAGS) $(WARNINGS) $(filter-out %/no_exceptions.cpp,$(wildcard tests/cpp/*.cpp)) \
	    -o $(BUILD)/tests/scenarios-cpp $(LINK)
	$(BUILD)/tests/scenarios-cpp
	$(CXX) -std=c++17 $(CXXFLAGS) $(WARNINGS) -fno-exceptions tests/cpp/no_exceptions.cpp -o $(BUILD)/tests/no_exceptions $(LINK)
	$(BUILD)/tests/no_exceptions

test-python: stage ## the scenarios in Python
	MT_TRANSCODE_LIBRARY=$(STAGE)/lib/libmt_transcode.so.0 PYTHONPATH=python PYTHONDONTWRITEBYTECODE=1 \
	    $(PYTHON) -m unittest -v test_mt_transcode

# Go keeps results of tests that it thinks unchanged, and does not see that the library changed: -count=1.
GO_TEST = $(GO_STAGED) $(GO) -C go/mttranscode test -count=1 -timeout=15m
GO_MODULES := go/mttranscode go/examples tests/crash/gohost bench
test-go: stage ## the scenarios in Go: with the race detector, with a collection at every turn, with cgo's checks
	$(GO_TEST) -race ./...
	$(GO_TEST) -tags netgo,osusergo -run 'Names|Resolve' .
	GOGC=1 $(GO_TEST) ./...
	GOEXPERIMENT=cgocheck2 $(GO_TEST) ./...
	$(GO_STAGED) $(GO) -C go/examples test -count=1 ./...

# Not those of the program, which stays in its process; nor those of options and documents, which run nothing; nor those that take minutes.
ISOLATED_RUST := bad_input gather hardware lifecycle live live_frames logs memory memory_corpus memory_limits memory_stores newer_options on_demand probe_side_data \
    sources sources_opening transport_heads trust trust_addresses trust_filters trust_limits unknown_values whole_pictures
ISOLATED := MT_TRANSCODE_ISOLATION=process
test-isolated: test-c test-cpp ## the same scenarios and tests with each job and probe in a process of its own
	$(ISOLATED) $(BUILD)/tests/scenarios-c
	$(ISOLATED) $(BUILD)/tests/scenarios-cpp
	$(ISOLATED) MT_TRANSCODE_WORKER=$(abspath $(BUILT))/mt-transcode \
	    $(CARGO) test $(CARGO_FLAGS) --no-fail-fast $(addprefix --test ,$(ISOLATED_RUST))
	$(ISOLATED) $(GO_TEST) . # nativeprof is about threads of this process
	$(ISOLATED) MT_TRANSCODE_LIBRARY=$(STAGE)/lib/libmt_transcode.so.0 PYTHONPATH=python PYTHONDONTWRITEBYTECODE=1 \
	    $(PYTHON) -m unittest test_mt_transcode

CRASH_HOSTS = $(BUILD)/tests/crash
test-crash: stage ## crashes on demand in hosts of three languages, and the reports of them
	@mkdir -p $(CRASH_HOSTS)
	$(CC) -std=c11 $(CFLAGS) $(WARNINGS) tests/crash/host.c -o $(CRASH_HOSTS)/host $(LINK)
	$(CC) -std=c11 $(CFLAGS) $(WARNINGS) tests/crash/moments.c -o $(CRASH_HOSTS)/moments $$($(STAGED) pkg-config --cflags mt_transcode) -ldl
	$(CC) -std=c11 -g -O1 $(WARNINGS) -Wno-infinite-recursion -shared -fPIC tests/crash/fault.c -o $(CRASH_HOSTS)/fault.so
	$(GO_STAGED) $(GO) -C tests/crash/gohost build -buildvcs=false -o $(abspath $(CRASH_HOSTS))/gohost
	MT_STAGE=$(abspath $(STAGE)) MT_HOSTS=$(abspath $(CRASH_HOSTS)) PYTHONPATH=python PYTHONDONTWRITEBYTECODE=1 $(PYTHON) tests/crash/test_crash.py
	PREFIX=/usr/local scripts/dist.sh $(abspath $(CRASH_HOSTS))/dist
	MT_STAGE=$(abspath $(STAGE)) MT_HOSTS=$(abspath $(CRASH_HOSTS)) PYTHONPATH=python PYTHONDONTWRITEBYTECODE=1 $(PYTHON) tests/crash/test_release.py
	for test in isolation probes forkserver spares capture hang matrix moments ways; do \
	    MT_STAGE=$(abspath $(STAGE)) MT_HOSTS=$(abspath $(CRASH_HOSTS)) MT_TRANSCODE_LIBRARY=$(STAGE)/lib/libmt_transcode.so.0 \
	    PYTHONPATH=python PYTHONDONTWRITEBYTECODE=1 $(PYTHON) tests/crash/test_$$test.py || exit; done
	@$(MAKE) $(CRASH_HOSTS)/clip.mp4
	FUZZ_SEEDS=100 $(FUZZ_CORPUS)

# MT_CORPUS has the media; without it a clip of our own is corrupted.
FUZZ_CORPUS = MT_STAGE=$(abspath $(STAGE)) MT_HOSTS=$(abspath $(CRASH_HOSTS)) MT_TRANSCODE_LIBRARY=$(STAGE)/lib/libmt_transcode.so.0 \
    PYTHONPATH=python:tests/crash PYTHONDONTWRITEBYTECODE=1 $(PYTHON) tests/crash/fuzz_corpus.py $(CRASH_HOSTS)/clip.mp4
$(CRASH_HOSTS)/clip.mp4: | stage
	@mkdir -p $(CRASH_HOSTS)
	$(STAGE)/bin/mt-transcode -v error -y -f lavfi -i testsrc2=d=2 -f lavfi -i sine=d=2 -c:v libx264 -c:a aac $@
fuzz-corpus: stage $(CRASH_HOSTS)/clip.mp4 ## jobs in workers over media with flipped bits: FUZZ_SEEDS=2000 of them, from FIRST_SEED=0
	$(FUZZ_CORPUS)

LIVE_ENV = MT_STAGE=$(abspath $(STAGE)) MT_TRANSCODE_LIBRARY=$(STAGE)/lib/libmt_transcode.so.0 PYTHONPATH=python:tests/live PYTHONDONTWRITEBYTECODE=1
.PHONY: setup-live test-live
setup-live:
	@scripts/setup-live.sh
# Servers of ours that viewers come to.
LIVE_SERVERS = MT_LIVEHUB=$(abspath $(BUILD))/tests/livehub MT_RTMPSERVER=$(abspath $(BUILD))/tests/rtmpserver
.PHONY: live-servers
live-servers: stage
	for server in livehub rtmpserver; do \
	    $(GO_STAGED) $(GO) -C go/examples build -buildvcs=false -o $(abspath $(BUILD))/tests/$$server ./$$server || exit; done

test-live: setup-live live-servers ## live media with real peers: nginx, SRT, RTSP, the ffmpeg program, a browser; a server restarted for a minute; sources on demand a thousand times (8 minutes)
	$(LIVE_ENV) $(PYTHON) tests/live/test_protocols.py
	$(LIVE_ENV) $(LIVE_SERVERS) MT_LIVEHUB_SCRIPTS=$(abspath go/examples/livehub/web/node_modules) $(PYTHON) tests/live/test_page.py
	$(LIVE_ENV) $(LIVE_SERVERS) $(PYTHON) tests/live/test_glass.py
	$(LIVE_ENV) $(PYTHON) tests/live/test_restarts.py
	MT_ROUNDS=500 $(CARGO) test $(CARGO_FLAGS) --test on_demand
	@$(MAKE) test-faults

.PHONY: test-faults faults
test-faults: stage ## what a host sees of peers that do wrong, each fault once, on threads and in workers (2 minutes)
	$(LIVE_ENV) $(PYTHON) tests/live/test_faults.py
	$(ISOLATED) $(LIVE_ENV) $(PYTHON) tests/live/test_faults.py
	$(LIVE_ENV) $(PYTHON) tests/live/test_dns.py

faults: setup-live live-servers ## how long it takes: fault by protocol, latency, 500 viewers; writes the tables of docs/live.md (20 minutes)
	$(LIVE_ENV) $(PYTHON) tests/live/faults.py
	$(LIVE_ENV) $(LIVE_SERVERS) $(PYTHON) tests/live/latency.py
	$(LIVE_ENV) $(PYTHON) tests/live/publish.py

fuzz: setup-build ## libFuzzer over what reads strangers' bytes: FUZZ_SECONDS=60 for each target of fuzz/
	scripts/fuzz.sh

SANDBOX_TESTS = limits sandbox containers lines
test-sandbox: stage ## the sandbox of workers, tight containers, limits that are named
	@mkdir -p $(CRASH_HOSTS)
	$(CC) -std=c11 -g -O1 $(WARNINGS) -Wno-infinite-recursion -shared -fPIC tests/crash/fault.c -o $(CRASH_HOSTS)/fault.so
	$(CC) -std=c11 $(CFLAGS) $(WARNINGS) tests/crash/host.c -o $(CRASH_HOSTS)/host $(LINK)
	$(CC) -std=c11 $(CFLAGS) $(WARNINGS) tests/sandbox/filter.c -o $(CRASH_HOSTS)/filter
	@for test in $(SANDBOX_TESTS); do MT_STAGE=$(abspath $(STAGE)) MT_HOSTS=$(abspath $(CRASH_HOSTS)) MT_TRANSCODE_LIBRARY=$(STAGE)/lib/libmt_transcode.so.0 \
	    PYTHONPATH=python PYTHONDONTWRITEBYTECODE=1 $(PYTHON) tests/sandbox/test_$$test.py || exit; done

examples: stage ## build the examples in C and C++ under build/examples
	@mkdir -p $(BUILD)/examples
	for file in examples/c/*.c; do \
	    $(CC) -std=c11 $(CFLAGS) $(WARNINGS) $$file -o $(BUILD)/examples/$$(basename $$file .c) $(LINK); done
	for file in examples/cpp/*.cpp; do \
	    $(CXX) -std=c++17 $(CXXFLAGS) $(WARNINGS) $$file -o $(BUILD)/examples/$$(basename $$file .cpp)-cpp $(LINK); done

# A leak counts when nothing points to it any more; what FFmpeg and glibc keep for the life of the process does not.
valgrind: stage ## the scenarios in C under valgrind (ONLY=part of a name)
	@mkdir -p $(BUILD)/tests
	$(CC) -std=c11 $(CFLAGS) $(WARNINGS) tests/c/*.c -o $(BUILD)/tests/scenarios-c $(LINK)
	MT_TEST_SLOW=1 valgrind --quiet --fair-sched=yes --child-silent-after-fork=yes --error-exitcode=9 --leak-check=full \
	    --show-leak-kinds=definite --errors-for-leak-kinds=definite $(BUILD)/tests/scenarios-c $(ONLY)

test-matrix: ## the Rust tests and the comparison beside FFmpeg 7.1, in a Debian 13 under build/matrix (root; MATRIX_ROOT, MT_CORPUS)
	scripts/matrix.sh

compatibility: ## write docs/compatibility.md from a corpus of real media (MT_CORPUS=folder)
	UPDATE_COMPATIBILITY=1 $(CARGO) test $(CARGO_FLAGS) --test corpus

equivalence: build ## compare with the ffmpeg program: every command line, every file of the corpus, probes (10 minutes)
	MT_CORPUS_EVERY=1 $(CARGO) test $(CARGO_FLAGS) --test equivalence --test probe -- --nocapture

fate: setup-test build ## FFmpeg's own regression tests with this program in ffmpeg's place: docs/fate.md (20 minutes; ONLY=regex)
	ONLY="$(ONLY)" scripts/fate.sh $(BUILT)/mt-transcode

coverage: setup-test ## line coverage of Rust (by the tests of every language) and Go
	scripts/coverage.sh

##### measuring

.PHONY: bench bench-quick bench-parts bench-compare bench-isolation soak
STAGED_TOOLS = $(GO_STAGED) CC="$(CC)" GO="$(GO)" PYTHON="$(PYTHON)" BENCH_ROUNDS="$(ROUNDS)"
MEASURE = $(STAGED_TOOLS) bench/run.sh
# Without STAGED_TOOLS: in another environment Cargo would build all of the library again.
PARTS = $(if $(filter parts,$(or $(KINDS),parts)),bench-parts)
bench-parts:
	@mkdir -p build/bench
	@parts=$$($(CARGO) bench --locked --bench parts --no-run --message-format=json-render-diagnostics | \
	    sed -n 's|.*"executable":"\([^"]*/parts-[^"]*\)".*|\1|p'); cp "$$parts" build/bench/parts

bench: setup-test stage $(PARTS) ## compare with what people use now: docs/benchmarks.md (11 minutes; KINDS="small pipe" for these only, ROUNDS=9 for less noise)
	$(MEASURE) full $(KINDS)

bench-quick: setup-test stage $(PARTS) ## the same in 3 minutes
	$(MEASURE) quick $(KINDS)

bench-compare: setup-test stage ## how this tree compares with revision BASE=HEAD, in ratios (10 minutes; KINDS=small, LENGTH=quick)
	$(STAGED_TOOLS) bench/compare.sh $(or $(BASE),HEAD) $(KINDS)

bench-isolation: setup-test stage ## what crash reports and workers cost (a minute)
	@mkdir -p $(CRASH_HOSTS)
	$(CC) -std=c11 $(CFLAGS) $(WARNINGS) tests/crash/host.c -o $(CRASH_HOSTS)/host $(LINK)
	$(CC) -std=c11 -g -O1 $(WARNINGS) -Wno-infinite-recursion -shared -fPIC tests/crash/fault.c -o $(CRASH_HOSTS)/fault.so
	$(GO_STAGED) $(GO) -C bench build -buildvcs=false -o $(abspath $(CRASH_HOSTS))/small ./small
	MT_STAGE=$(abspath $(STAGE)) MT_HOSTS=$(abspath $(CRASH_HOSTS)) MT_SMALL=$(abspath $(CRASH_HOSTS))/small MT_TRANSCODE_LIBRARY=$(STAGE)/lib/libmt_transcode.so.0 PYTHONPATH=python $(PYTHON) bench/isolation.py

soak: setup-test stage ## SOAK_RATE=250 small jobs a second for SOAK_SECONDS=60; nothing may fail or grow
	$(MEASURE) soak

##### linters

.PHONY: lint lint-fmt lint-rust lint-go lint-c lint-scripts
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
lint: setup-all lint-fmt lint-rust lint-go lint-c lint-scripts ## every linter

lint-fmt:
	$(CARGO) fmt --check
	@unformatted=$$(gofmt -l go bench tests/crash); [ -z "$$unformatted" ] || { echo "gofmt would change: $$unformatted"; exit 1; }

lint-rust:
	$(CARGO) clippy $(CARGO_FLAGS) --all-targets -- -D warnings

lint-go: stage
	for module in $(GO_MODULES); do $(GO_STAGED) $(GO) -C $$module vet ./...; done
	for module in $(GO_MODULES); do $(GO_STAGED) $(GO) -C $$module run $(STATICCHECK) ./...; done

C_FILES = $(wildcard tests/c/*.c tests/crash/host.c examples/c/*.c tests/linkage/*.c bench/c/*.c)
CXX_FILES = $(filter-out %/no_exceptions.cpp,$(wildcard tests/cpp/*.cpp examples/cpp/*.cpp))
lint-c:
	for compiler in gcc clang; do $$compiler -fsyntax-only -std=c11 $(WARNINGS) -Iinclude $(C_FILES); done
	for compiler in g++ clang++; do \
	    $$compiler -fsyntax-only -std=c++17 $(WARNINGS) -Iinclude $(CXX_FILES); \
	    $$compiler -fsyntax-only -std=c++17 $(WARNINGS) -Iinclude -fno-exceptions tests/cpp/no_exceptions.cpp; \
	done
	clang-tidy --quiet --warnings-as-errors='*' $(C_FILES) -- -std=c11 -Iinclude 2>&1 | $(QUIETLY)
	clang-tidy --quiet --warnings-as-errors='*' $(CXX_FILES) -- -std=c++17 -Iinclude 2>&1 | $(QUIETLY)
QUIETLY = sed '/warnings generated\.$$/d'

lint-scripts:
	mandoc -T lint -W warning docs/man/mt-transcode.1
	shellcheck -x -P SCRIPTDIR scripts/*.sh tests/linkage/*.sh tests/sandbox/*.sh bench/*.sh .ci/run
	@for file in $(wildcard python/*.py python/*/*.py examples/python/*.py bench/*.py bench/*/*.py bench/*/*/*.py tests/crash/*.py tests/sandbox/*.py tests/live/*.py); do \
	    $(PYTHON) -c 'import sys; compile(open(sys.argv[1]).read(), sys.argv[1], "exec")' $$file; done

##### install

.PHONY: install install-files dist uninstall
install: build ## install library, headers, .pc files, program and man page (PREFIX, LIBDIR, DESTDIR)
	@$(MAKE) install-files
	@if [ -z "$(DESTDIR)" ] && [ "$$(id -u)" = 0 ]; then ldconfig; fi
	@echo "installed in $(DESTDIR)$(PREFIX)"

FFMPEG := libavformat libavcodec libavfilter libavdevice libavutil libswscale libswresample
# What `rustc --print native-static-libs` says besides FFmpeg; tests/linkage links with it.
NATIVE_LIBS := -lgcc_s -lutil -lrt -lpthread -lm -ldl -lc
comma := ,
INSTALL := install -C
SO := libmt_transcode.so
install-files:
	@mkdir -p "$(DESTDIR)$(PKGCONFIGDIR)" "$(DESTDIR)$(INCLUDEDIR)/mt_transcode" "$(DESTDIR)$(BINDIR)" "$(DESTDIR)$(MANDIR)/man1"
	@$(INSTALL) -m 755 $(BUILT)/$(SO) "$(DESTDIR)$(LIBDIR)/$(SO).$(VERSION)"
	@ln -sf $(SO).$(VERSION) "$(DESTDIR)$(LIBDIR)/$(SO).$(ABI)"
	@ln -sf $(SO).$(ABI) "$(DESTDIR)$(LIBDIR)/$(SO)"
	@$(INSTALL) -m 644 $(BUILT)/libmt_transcode.a "$(DESTDIR)$(LIBDIR)/"
	@$(INSTALL) -m 644 include/mt_transcode/*.h* "$(DESTDIR)$(INCLUDEDIR)/mt_transcode/"
	@$(INSTALL) -m 755 $(BUILT)/mt-transcode "$(DESTDIR)$(BINDIR)/"
	@$(INSTALL) -m 644 docs/man/mt-transcode.1 "$(DESTDIR)$(MANDIR)/man1/"
	@for name in mt_transcode mt_transcode-static; do \
	    sed -e 's|@PREFIX@|$(PREFIX)|; s|@LIBDIR@|$(LIBDIR)|; s|@INCLUDEDIR@|$(INCLUDEDIR)|; s|@VERSION@|$(VERSION)|' \
	        -e 's|@RPATH@|$(if $(RPATH), -Wl$(comma)-rpath$(comma)$(LIBDIR))|' \
	        -e "s|@FFMPEG_LIBS@|$$(pkg-config --libs $(FFMPEG))|; s|@NATIVE_LIBS@|$(NATIVE_LIBS)|" \
	        pkgconfig/$$name.pc.in > "$(DESTDIR)$(PKGCONFIGDIR)/$$name.pc"; \
	done

dist: build ## two archives under build/dist: a release without debug information, and that information by build ids
	PREFIX="$(PREFIX)" scripts/dist.sh $(abspath $(BUILD))/dist

uninstall: ## remove what install put there
	rm -f "$(DESTDIR)$(LIBDIR)/"{libmt_transcode.a,$(SO),$(SO).$(ABI),$(SO).$(VERSION)} "$(DESTDIR)$(BINDIR)/mt-transcode" \
	    "$(DESTDIR)$(PKGCONFIGDIR)/"{mt_transcode,mt_transcode-static}.pc "$(DESTDIR)$(MANDIR)/man1/mt-transcode.1"
	rm -rf "$(DESTDIR)$(INCLUDEDIR)/mt_transcode"
