# Culprit: a checkout that you can break, and traces that must say who broke it.
# One Makefile for the whole tree; everything it makes lies under build/<variant>/.
#
#   V=release (default) | debug | asan (AddressSanitizer and UBSan) | tsan
#     untraced: as release, without the adapters that make spans; for make bench-overhead alone

V ?= release
B := build/$(V)
SHELL := /bin/bash
.DEFAULT_GOAL := all
MAKEFLAGS += --no-builtin-rules
JOBS ?= $(shell nproc)
Q := $(if $(VERBOSE),,@)# VERBOSE=1 shows the commands

# The one list of Debian packages: to build and run; for the tests; for the lint.
PACKAGES_BUILD := gcc libc6-dev libcrypt-dev make pkg-config libmicrohttpd-dev libcurl4-openssl-dev \
                  libjansson-dev libsqlite3-dev zlib1g-dev
PACKAGES_TEST  := libcmocka-dev python3 python3-protobuf curl jq openssl
PACKAGES_PAGE  := chromium chromium-driver# 320 MB; without them the page's tests in it are left out
PACKAGES_LINT  := clang-format clang-tidy cppcheck binutils
PACKAGES_FUZZ  := clang libclang-rt-14-dev
PACKAGES_LOAD  := wrk hey nghttp2-client nginx-light# what `make bench-load` compares with
FUZZ_SECONDS   ?= 60

CC       ?= gcc
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes \
            -Wmissing-prototypes -Wvla -Wundef -Wpointer-arith -Wwrite-strings
HARDEN   := -fstack-protector-strong -fcf-protection
CPPFLAGS += -Ilib -I. -D_GNU_SOURCE
CFLAGS_release := -O2 -g -D_FORTIFY_SOURCE=2 $(HARDEN)
CFLAGS_untraced := $(CFLAGS_release)
CFLAGS_debug   := -O1 -g -Werror
CFLAGS_asan    := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined \
                  -fno-omit-frame-pointer
CFLAGS_tsan    := -O1 -g -fsanitize=thread -fno-omit-frame-pointer
CFLAGS_fuzz    := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined \
                  -Wno-unknown-warning-option
LDFLAGS_release := -Wl,-z,relro,-z,now,--gc-sections -pie
LDFLAGS_untraced := $(LDFLAGS_release)
LDFLAGS_asan    := -fsanitize=address,undefined
LDFLAGS_tsan    := -fsanitize=thread
LDFLAGS_fuzz    := -fsanitize=fuzzer,address,undefined
ALL_CFLAGS  = -std=c11 $(WARNINGS) $(CFLAGS_$(V)) -fPIC -pthread $(CFLAGS)
ALL_LDFLAGS = $(LDFLAGS_$(V)) -Wl,--as-needed -pthread $(LDFLAGS)
# The rooms that are on a request's way, optimized as one: calls between them are inlined, and less
# code has to come into the processor's cache for each request.
LTO := $(if $(filter release untraced,$(V)),-flto=auto -ffat-lto-objects)
CORE_ROOMS := http trace base
LIBS := -lmicrohttpd -lcurl -ljansson -lsqlite3 -lz -lcrypt -lm

# Rooms, in link order: a room may use those behind it.
ROOMS := diagnose otlp http trace base
ADAPTERS := $(if $(filter untraced,$(V)),tests/bench/untraced,lib/trace/adapters)
room_sources = $(wildcard lib/$(1)/*.c) $(if $(filter trace,$(1)),$(wildcard $(ADAPTERS)/*.c))
objects      = $(patsubst %.c,$(B)/obj/%.o,$(1))
archives     = $(foreach r,$(1),$(B)/lib/libculprit-$(r).a)
CORE        := $(B)/lib/culprit-core.o
ARCHIVES    := $(call archives,$(ROOMS))# what a unit test links, which may stand for a file of them
LINKED      := $(if $(LTO),$(CORE) $(call archives,$(filter-out $(CORE_ROOMS),$(ROOMS))),$(ARCHIVES))

LOADGEN_SOURCES   := $(wildcard loadgen/*.c loadgen/*/*.c)
COLLECTOR_SOURCES := $(wildcard services/collector/*.c)
SERVICE_SOURCES   := $(wildcard services/*.c)
FOLDERS           := checkout orders# of services whose program is more than one file
folder_sources     = $(wildcard services/$(1)/*.c)
UNIT_SOURCES      := $(wildcard tests/unit/*_test.c)
BENCH_SOURCES     := $(wildcard tests/bench/*.c)
FUZZ_SOURCES      := $(wildcard tests/fuzz/*_fuzz.c)
ALL_SOURCES := $(foreach r,$(ROOMS),$(call room_sources,$(r))) $(LOADGEN_SOURCES) \
               $(foreach f,$(FOLDERS),$(call folder_sources,$(f))) $(COLLECTOR_SOURCES) \
               $(SERVICE_SOURCES) $(UNIT_SOURCES) $(BENCH_SOURCES) $(wildcard tests/integration/*.c)

PROGRAMS := $(if $(LOADGEN_SOURCES),$(B)/bin/culprit) \
            $(if $(COLLECTOR_SOURCES),$(B)/bin/collector) \
            $(patsubst services/%.c,$(B)/bin/%,$(SERVICE_SOURCES))
UNIT_PROGRAMS  := $(patsubst tests/unit/%.c,$(B)/tests/%,$(UNIT_SOURCES))
FUZZ_PROGRAMS  := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(FUZZ_SOURCES))
BENCH_PROGRAMS := $(patsubst tests/bench/%.c,$(B)/bench/%,$(BENCH_SOURCES))

# Everything of the generator and of the collector but main(), so that unit tests can link it.
$(B)/lib/libculprit-loadgen.a: $(call objects,$(filter-out loadgen/main.c,$(LOADGEN_SOURCES)))
$(B)/lib/libculprit-collector.a: \
    $(call objects,$(filter-out services/collector/main.c,$(COLLECTOR_SOURCES)))
PART_ARCHIVES := $(B)/lib/libculprit-loadgen.a $(B)/lib/libculprit-collector.a

.PHONY: all programs help deps deps-test deps-page deps-lint demo up test unit integration lint asan tsan \
        bench bench-trace bench-load bench-overhead peers fuzz pictures format clean image compose-up compose-down test-compose
.DELETE_ON_ERROR:
.SECONDARY:

all: deps ## the release variant: programs in build/release/bin/ (the default)
	@$(MAKE) --no-print-directory -j$(JOBS) programs

programs: $(PROGRAMS) $(ARCHIVES)

help: ## this list
	@echo "make [V=release|debug|asan|tsan] TARGET"
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | column -t -s'|'

# ---- what the machine must have

define install_missing
@missing=$$(for p in $(1); do dpkg-query -W -f='$${db:Status-Status}' $$p 2>/dev/null \
    | grep -qx installed || echo $$p; done | xargs); \
if [ -n "$$missing" ]; then \
    echo "installing with apt-get: $$missing"; \
    sudo=$$([ "$$(id -u)" = 0 ] || echo sudo); \
    $$sudo apt-get update -qq && \
    DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq --no-install-recommends $$missing \
        >build-packages.log 2>&1 || { cat build-packages.log; exit 1; }; rm -f build-packages.log; \
fi
endef

deps: ## install what building and running needs (asks apt-get only for what is missing)
	$(call install_missing,$(PACKAGES_BUILD))
deps-test: ## ... and what the tests need
	$(call install_missing,$(PACKAGES_BUILD) $(PACKAGES_TEST))
deps-page: ## ... and Chromium, for the tests of the page in it (skipped, with a line, without)
	$(call install_missing,$(PACKAGES_BUILD) $(PACKAGES_TEST) $(PACKAGES_PAGE))
deps-lint: ## ... and what the lint needs
	$(call install_missing,$(PACKAGES_BUILD) $(PACKAGES_TEST) $(PACKAGES_LINT))

# ---- building

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC   $@"
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$(B)/obj/lib/http/topology_data.o: compose/topology.json
$(B)/obj/loadgen/report/load_page.o: $(wildcard loadgen/report/web/* lib/web/*)
$(B)/obj/services/collector/assets.o: $(wildcard services/collector/web/* lib/web/*)

define room_rule
$(B)/lib/libculprit-$(1).a: $(call objects,$(call room_sources,$(1)))
endef
$(foreach r,$(ROOMS),$(eval $(call room_rule,$(r))))

CORE_OBJECTS := $(call objects,$(foreach r,$(CORE_ROOMS),$(call room_sources,$(r))))
$(CORE_OBJECTS): ALL_CFLAGS += $(LTO)
# Its data comes by .incbin, which link-time optimization does not see.
$(B)/obj/lib/http/topology_data.o: ALL_CFLAGS += -fno-lto
$(CORE): $(CORE_OBJECTS)
	@mkdir -p $(@D)
	@echo "  LTO  $@"
	$(Q)$(CC) $(ALL_CFLAGS) $(LTO) -ffunction-sections -r -nostdlib -flinker-output=nolto-rel -o $@ $^

$(B)/lib/%.a:
	@mkdir -p $(@D)
	@rm -f $@
	@echo "  AR   $@"
	$(Q)ar rcs $@ $^

$(B)/bin/culprit: $(call objects,loadgen/main.c) $(B)/lib/libculprit-loadgen.a $(LINKED)
	@mkdir -p $(@D)
	@echo "  LINK $@"
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $^ $(ALL_LDFLAGS) $(LIBS)

$(B)/bin/collector: $(call objects,services/collector/main.c) $(B)/lib/libculprit-collector.a $(LINKED)
	@mkdir -p $(@D)
	@echo "  LINK $@"
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $^ $(ALL_LDFLAGS) $(LIBS)

$(foreach f,$(FOLDERS),$(eval $(B)/bin/$(f): $(call objects,$(call folder_sources,$(f)))))

$(B)/bin/%: $(B)/obj/services/%.o $(LINKED)
	@mkdir -p $(@D)
	@echo "  LINK $@"
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(ALL_LDFLAGS) $(LIBS)

$(B)/tests/%: $(B)/obj/tests/unit/%.o $(PART_ARCHIVES) $(ARCHIVES)
	@mkdir -p $(@D)
	@echo "  LINK $@"
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $^ $(ALL_LDFLAGS) $(LIBS) -lcmocka

# The command with a detector that finds nothing: it takes the place of the archive's.
$(B)/tests/culprit-blind: $(call objects,loadgen/main.c tests/integration/blind_detector.c) \
                          $(B)/lib/libculprit-loadgen.a $(ARCHIVES)
	@mkdir -p $(@D)
	@echo "  LINK $@"
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $^ $(ALL_LDFLAGS) $(LIBS)

$(B)/bench/%: $(B)/obj/tests/bench/%.o $(PART_ARCHIVES) $(LINKED)
	@mkdir -p $(@D)
	@echo "  LINK $@"
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $^ $(ALL_LDFLAGS) $(LIBS)

$(B)/fuzz/%: $(B)/obj/tests/fuzz/%.o $(PART_ARCHIVES) $(ARCHIVES)
	@mkdir -p $(@D)
	@echo "  LINK $@"
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $^ $(ALL_LDFLAGS) $(LIBS)

# ---- using it

demo: deps ## run every scenario on this machine and print the table of verdicts
	@$(MAKE) --no-print-directory -j$(JOBS) programs
	@$(B)/bin/culprit demo --keep $(B)/demo-traces.db

up: deps ## start the whole system on this machine until Ctrl-C
	@$(MAKE) --no-print-directory -j$(JOBS) programs
	@$(B)/bin/culprit up

# ---- the same in containers

image: ## the container image; where no registry answers, its base is made with debootstrap
	@compose/image.sh

compose-up: image ## the whole system in containers, healthy; addresses in build/compose.json
	@compose/up.sh

compose-down: ## stop the containers and remove them with their data
	@compose/down.sh

test-compose: deps-test ## end to end in containers, where a Docker engine is there
	@$(MAKE) --no-print-directory -j$(JOBS) programs
	@tests/e2e/compose_test.sh $(B)

# ---- checking it

unit-programs: $(UNIT_PROGRAMS) $(B)/tests/culprit-blind

unit: deps-test ## unit tests only (variant V)
	@$(MAKE) --no-print-directory -j$(JOBS) unit-programs
	@python3 tests/run.py --variant $(V) unit

integration: deps-test ## integration tests only: real processes (variant V)
	@$(MAKE) --no-print-directory -j$(JOBS) programs unit-programs
	@python3 tests/run.py --variant $(V) integration

test: deps-test ## unit tests and integration tests
	@$(MAKE) --no-print-directory -j$(JOBS) programs unit-programs
	@python3 tests/run.py --variant $(V) unit integration

asan: deps-test ## the same under AddressSanitizer, LeakSanitizer and UBSan
	@$(MAKE) --no-print-directory -j$(JOBS) V=asan programs unit-programs
	@python3 tests/run.py --variant asan unit integration

tsan: deps-test ## the same under ThreadSanitizer
	@$(MAKE) --no-print-directory -j$(JOBS) V=tsan programs unit-programs
	@python3 tests/run.py --variant tsan unit integration

lint: deps-lint ## layers, exported names, headers, format, clang-tidy, cppcheck
	@$(MAKE) --no-print-directory -j$(JOBS) programs
	@tests/lint/run $(B)

mutations: deps-test ## the conformance table's mutations: each must turn its test red (10 minutes)
	@/usr/bin/python3 tests/conformance/mutate.py

bench-programs: $(BENCH_PROGRAMS)

bench: deps-test ## what is measured: prints ratios, never judges (ROUNDS=3; Jaeger is built first)
	@$(MAKE) --no-print-directory -j$(JOBS) programs bench-programs
	@for b in $(filter %_bench,$(BENCH_PROGRAMS)); do echo "== $$b"; $$b || exit 1; done
	@CULPRIT_BIN=$(B)/bin CULPRIT_BENCH=$(B)/bench tests/bench/collector_bench.py \
	    --rounds $(or $(ROUNDS),3)

bench-trace: deps-test ## what a span costs, beside the OpenTelemetry SDK for Go (ROUNDS=3)
	@$(MAKE) --no-print-directory -j$(JOBS) bench-programs
	@CULPRIT_BENCH=$(B)/bench tests/bench/trace_bench.py --rounds $(or $(ROUNDS),3)

bench-overhead: deps-test ## checkouts per CPU-second with tracing, and built without (ROUNDS=10)
	@$(MAKE) --no-print-directory -j$(JOBS) V=release programs
	@$(MAKE) --no-print-directory -j$(JOBS) V=untraced programs
	@tests/bench/overhead_bench.py --rounds $(or $(ROUNDS),10)

bench-load: deps-test ## what generating load costs, beside wrk, h2load, hey, vegeta, k6 (ROUNDS=3)
	$(call install_missing,$(PACKAGES_LOAD))
	@$(MAKE) --no-print-directory -j$(JOBS) programs bench-programs
	@tests/peers/build.sh vegeta k6 || [ $$? = 77 ]
	@CULPRIT_BIN=$(B)/bin CULPRIT_BENCH=$(B)/bench tests/bench/load_bench.py --rounds $(or $(ROUNDS),3)

peers: ## the Go programs that ours are compared with, real Jaeger among them (7 minutes of CPU)
	@tests/peers/build.sh tracing hop jaeger || [ $$? = 77 ]

pictures: deps-page ## README's pictures of the page anew, walking through it as README says
	@$(MAKE) --no-print-directory -j$(JOBS) programs
	@CULPRIT_BIN=$(B)/bin tests/e2e/pictures.py

fuzz-programs: $(FUZZ_PROGRAMS)

fuzz: deps-test ## every fuzz target for FUZZ_SECONDS (60) each, under ASan and UBSan
	$(call install_missing,$(PACKAGES_FUZZ))
	@$(MAKE) --no-print-directory -j$(JOBS) V=fuzz CC=clang fuzz-programs
	@for f in $(patsubst tests/fuzz/%.c,build/fuzz/fuzz/%,$(FUZZ_SOURCES)); do \
	    mkdir -p build/fuzz/corpus/$$(basename $$f); echo "== $$f"; \
	    $$f -max_total_time=$(FUZZ_SECONDS) -print_final_stats=0 -verbosity=0 -rss_limit_mb=2048 \
	        -artifact_prefix=build/fuzz/$$(basename $$f)- build/fuzz/corpus/$$(basename $$f) \
	        $$(ls -d tests/fuzz/corpus/$$(basename $$f) 2>/dev/null) || exit 1; \
	done

format: deps-lint ## clang-format every source in place
	@git ls-files '*.c' '*.h' | xargs clang-format -i

clean: ## remove build/
	rm -rf build

-include $(patsubst %.c,$(B)/obj/%.d,$(ALL_SOURCES))
