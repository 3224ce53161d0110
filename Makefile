# tentc. `make help` lists what can be run by name.
#
#   B=DIR      where objects go (default build/MODE); two builds never share one
#   MODE=      debug, release, asan, tsan, coverage, fuzz
#   CC=        gcc (default) or clang
#   V=1        prints whole commands

ifeq ($(origin CC),default)
CC := gcc
endif
MODE ?= debug
B ?= build/$(MODE)
PREFIX ?= /usr/local
DESTDIR ?=
JOBS ?= $(shell nproc 2>/dev/null || echo 2)

# --- flags, each with its reason --------------------------------------------------------------------------------------

# Warnings are errors: a warning that may be ignored is ignored.
WARN := -Werror
WARN += -Wall -Wextra
# One name, one thing: an inner variable must not hide an outer one.
WARN += -Wshadow
# In C17 () means "any arguments": every function is declared with its arguments, and in a header unless it is static.
WARN += -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
# Arithmetic on void * and casts that lose const hide mistakes; literals are const.
WARN += -Wpointer-arith -Wcast-qual -Wwrite-strings
# Input must not decide how much stack is used.
WARN += -Wvla
# An #if on a misspelt macro is silently 0.
WARN += -Wundef
# Formats are literals, and fit their arguments.
WARN += -Wformat=2
# A declaration that stands twice drifts apart.
WARN += -Wredundant-decls

# _GNU_SOURCE here and nowhere else, so that no file depends on the order of its includes.
BASE_FLAGS := -std=gnu17 -D_GNU_SOURCE -I.
# Two tentative definitions of one name are an error, also in the linker's eyes.
BASE_FLAGS += -fno-common
# Debian keeps libpq-fe.h in a folder of its own; where it stands among the others, this one is not there.
BASE_FLAGS += -idirafter /usr/include/postgresql
# -MMD -MP: which headers a file reads is the compiler's knowledge; a removed header breaks no build.
DEP_FLAGS := -MMD -MP

FLAGS_debug := -O1 -g

# Optimised, with symbols for a stack trace; they are in the file, not in memory.
FLAGS_release := -O2 -g
# Bounds of what the C library writes, checked at run time where the compiler knows a size (3: also computed ones).
FLAGS_release += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
# A canary in front of the return address of each function that has an array; and no jump over the guard page.
FLAGS_release += -fstack-protector-strong -fstack-clash-protection
# The program loads at a random address.
FLAGS_release += -fPIE
LINK_release := -pie
# What the loader has resolved becomes read-only, and it resolves everything before main.
LINK_release += -Wl,-z,relro,-z,now
# The stack holds no code.
LINK_release += -Wl,-z,noexecstack
# Only libraries that are used: each costs time before main, and the ldd gate counts them.
LINK_release += -Wl,--as-needed
# Indirect jumps land only where a jump is meant, and returns only where the call was (processors that can).
ifeq ($(shell uname -m),x86_64)
FLAGS_release += -fcf-protection
endif
ifeq ($(shell uname -m),aarch64)
FLAGS_release += -mbranch-protection=standard
endif

# The first finding ends the program: a test that goes on after undefined behaviour proves nothing.
FLAGS_asan := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
LINK_asan := -fsanitize=address,undefined

# The server has threads: two that touch one thing without a lock end the program.
FLAGS_tsan := -O1 -g -fno-omit-frame-pointer -fsanitize=thread
LINK_tsan := -fsanitize=thread

# -O0: a line is a line. Atomic: the tests run programs side by side.
FLAGS_coverage := -O0 -g --coverage -fprofile-update=atomic
LINK_coverage := --coverage

# libFuzzer is clang's.
FLAGS_fuzz := $(FLAGS_asan) -fsanitize=fuzzer-no-link
LINK_fuzz := $(LINK_asan) -fsanitize=fuzzer
ifeq ($(MODE),fuzz)
CC := clang
endif

ifndef FLAGS_$(MODE)
$(error MODE=$(MODE) is not one of debug, release, asan, tsan, coverage, fuzz)
endif
CFLAGS := $(BASE_FLAGS) $(WARN) $(FLAGS_$(MODE)) $(EXTRA_CFLAGS)
LDFLAGS := $(LINK_$(MODE)) $(EXTRA_LDFLAGS)
LDLIBS := -lyaml -lmbedcrypto -ljansson
# What only tentc-cluster may use: it reaches networks.
CLUSTER_LIBS := -lmicrohttpd -lgnutls -lcurl -lexpat -lpq -lmbedtls -lmbedx509 -lcrypt -lpthread

# --- what is built ----------------------------------------------------------------------------------------------------

LIB_OBJ := $(patsubst %.c,$(B)/%.o,$(sort $(wildcard compiler/*/*.c)))
CLI_OBJ := $(patsubst %.c,$(B)/%.o,$(sort $(wildcard cli/*.c)))
# The rooms behind tentc-cluster, and its commands.
CLUSTER_OBJ := $(patsubst %.c,$(B)/%.o,$(sort $(wildcard kube/*.c webhook/*.c registrars/*.c controller/*.c cli/cluster/*.c)))
E2E_OBJ := $(patsubst %.c,$(B)/%.o,$(sort $(wildcard tests/e2e/*.c tests/integration/*.c)))
UNIT_OBJ := $(patsubst %.c,$(B)/%.o,$(sort $(wildcard tests/unit/test_*.c)))
UNIT_HELP := $(patsubst %.c,$(B)/%.o,$(sort $(filter-out tests/unit/test_%,$(wildcard tests/unit/*.c))))
PROPERTY_OBJ := $(patsubst %.c,$(B)/%.o,$(sort $(wildcard tests/property/*.c)))
FUZZ_OBJ := $(patsubst %.c,$(B)/%.o,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
BENCH_WEBHOOK_OBJ := $(patsubst %.c,$(B)/%.o,$(sort $(wildcard bench/webhook/*.c)))
BENCH_OBJ := $(patsubst %.c,$(B)/%.o,$(sort $(wildcard bench/*.c)))
REPLAY_OBJ := $(B)/tests/fuzz/replay.o
ORACLE_OBJ := $(B)/tests/oracle/read.o
ALL_OBJ := $(LIB_OBJ) $(CLI_OBJ) $(CLUSTER_OBJ) $(E2E_OBJ) $(UNIT_OBJ) $(UNIT_HELP) $(PROPERTY_OBJ) $(FUZZ_OBJ) \
	$(BENCH_OBJ) $(BENCH_WEBHOOK_OBJ) $(REPLAY_OBJ) $(ORACLE_OBJ)

LIB := $(B)/libtentc.a
# The commands without main(), so that tests can link them.
CLI := $(B)/libcli.a
CLUSTER := $(B)/libcluster.a
CLUSTER_PROGRAM := $(B)/libexec/tentc/tentc-cluster
E2E := $(E2E_OBJ:.o=)
UNIT := $(UNIT_OBJ:.o=)
FUZZ := $(FUZZ_OBJ:.o=)
BENCH := $(BENCH_OBJ:.o=)
BENCH_WEBHOOK := $(BENCH_WEBHOOK_OBJ:.o=)
PROPERTY := $(if $(PROPERTY_OBJ),$(B)/tests/property/property)

all: $(B)/tentc $(CLUSTER_PROGRAM) ## tentc with debug information, in build/debug

say = $(if $(V),,@printf '  %-3s %s\n' $(1) $(2) && )

# Objects depend on how they are made: another compiler or flag, or a source that went away, makes them anew.
define when_changed
	@mkdir -p $(@D)
	@printf '%s\n' '$(1)' | cmp -s - $@ || printf '%s\n' '$(1)' >$@
endef
$(B)/flags: FORCE
	$(call when_changed,$(CC) $(CFLAGS) $(LDFLAGS) $(LDLIBS) $(CLUSTER_LIBS))
$(B)/objects: FORCE
	$(call when_changed,$(LIB_OBJ) $(CLI_OBJ) $(CLUSTER_OBJ))

# Functions that recurse with the input do so 64 levels deep at most; small frames keep that far from the stack's end.
$(B)/compiler/%.o: private CFLAGS += -Wframe-larger-than=16384

$(B)/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(CFLAGS) $(DEP_FLAGS) -c -o $@ $<

# q, not r: rooms may have files of one name, and r would keep the last of them only.
$(LIB): $(LIB_OBJ) $(B)/objects
	@rm -f $@
	$(call say,AR,$@)$(AR) qcs $@ $(LIB_OBJ)

$(CLI): $(filter-out %/main.o,$(CLI_OBJ)) $(B)/objects
	@rm -f $@
	$(call say,AR,$@)$(AR) qcs $@ $(filter %.o,$^)

$(CLUSTER): $(filter-out %/main.o,$(CLUSTER_OBJ)) $(B)/objects
	@rm -f $@
	$(call say,AR,$@)$(AR) qcs $@ $(filter %.o,$^)

link = $(call say,LD,$@)$(CC) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LDLIBS)

$(B)/tentc: $(B)/cli/main.o $(CLI) $(LIB)
	$(link)

$(CLUSTER_PROGRAM): $(B)/cli/cluster/main.o $(CLUSTER) $(CLI) $(LIB)
	@mkdir -p $(@D)
	$(link) $(CLUSTER_LIBS) -Wl,-u,tc_sha256

# One program per unit test file, so that a crash takes down one only.
$(UNIT): %: %.o $(UNIT_HELP) $(CLUSTER) $(CLI) $(LIB)
	$(link) -lcmocka $(CLUSTER_LIBS)

# What drives a room from outside, for the end-to-end tests.
$(E2E): %: %.o $(CLUSTER) $(CLI) $(LIB)
	$(link) $(CLUSTER_LIBS)

$(B)/tests/property/property: $(PROPERTY_OBJ) $(CLI) $(LIB)
	$(link)

# One program per door. Without a fuzz engine replay.c is its main(), which feeds it files.
FUZZ_CLUSTER := $(filter %/fuzz_s3,$(FUZZ))
$(filter-out $(FUZZ_CLUSTER),$(FUZZ)): %: %.o $(if $(filter fuzz,$(MODE)),,$(REPLAY_OBJ)) $(CLI) $(LIB)
	$(link)

# Doors of what reaches a network.
$(FUZZ_CLUSTER): %: %.o $(if $(filter fuzz,$(MODE)),,$(REPLAY_OBJ)) $(CLUSTER) $(CLI) $(LIB)
	$(link) $(CLUSTER_LIBS)

# Answers for tentc where tests/oracle/main.go asks.
$(B)/tests/oracle/read: $(ORACLE_OBJ) $(LIB)
	$(link)

$(BENCH): %: %.o $(CLI) $(LIB)
	$(link)

$(BENCH_WEBHOOK): %: %.o $(CLUSTER) $(CLI) $(LIB)
	$(link) $(CLUSTER_LIBS)

-include $(ALL_OBJ:.o=.d)

release: ## hardened and optimised, in build/release
	@$(MAKE) --no-print-directory MODE=release B=build/release all

clang: ## all of it compiled by clang, in build/clang
	@$(MAKE) --no-print-directory CC=clang B=build/clang everything

everything: $(B)/tentc $(CLUSTER_PROGRAM) $(E2E) $(UNIT) $(PROPERTY) $(if $(wildcard tests/fuzz/replay.c),$(FUZZ)) $(BENCH) $(BENCH_WEBHOOK)

install: release ## DESTDIR= PREFIX=/usr/local: the release build, the man page, and the schemas under share/tentc
	install -D -m 755 build/release/tentc $(DESTDIR)$(PREFIX)/bin/tentc
	install -D -m 755 build/release/libexec/tentc/tentc-cluster $(DESTDIR)$(PREFIX)/libexec/tentc/tentc-cluster
	install -D -m 644 docs/tentc.1 $(DESTDIR)$(PREFIX)/share/man/man1/tentc.1
	for f in $(wildcard schema/*.json); do install -D -m 644 $$f $(DESTDIR)$(PREFIX)/share/tentc/$$f || exit 1; done

uninstall: ## removes what install put there
	rm -f $(DESTDIR)$(PREFIX)/bin/tentc $(DESTDIR)$(PREFIX)/libexec/tentc/tentc-cluster $(DESTDIR)$(PREFIX)/share/man/man1/tentc.1 \
		$(patsubst %,$(DESTDIR)$(PREFIX)/share/tentc/%,$(wildcard schema/*.json))

clean: ## removes build/
	rm -rf build

# --- gates: each is a name, and CI runs nothing else ------------------------------------------------------------------

# For what another target makes: says "skipped" when the file is not there.
if_there = @if sh tests/have.sh $@ '$(strip $(1))'; then $(or $(strip $(2)),:); fi

check: check-unit check-golden check-cli ## the tests to run all the time: unit, golden, command line

check-unit: $(UNIT) ## unit tests
	@sh tests/unit.sh $(UNIT)

check-golden: $(B)/tentc ## golden cases: whole output, whole errors, exit status
	$(call if_there,tests/golden.sh,sh tests/golden.sh $(B)/tentc)

check-cli: $(B)/tentc $(CLUSTER_PROGRAM) ## what tentc does with files, folders, streams and signals
	$(call if_there,tests/cli.sh,sh tests/cli.sh $(B)/tentc)

golden: $(B)/tentc ## writes the golden cases anew; then review the difference
	@UPDATE=1 sh tests/golden.sh $(B)/tentc

property: $(PROPERTY) ## laws over generated input, in process
	$(call if_there,$(PROPERTY),$(PROPERTY))

fuzz-replay: ## every file of the fuzz corpora, with sanitizers
	@$(MAKE) --no-print-directory MODE=asan B=build/asan fuzz-replay-here

fuzz-replay-here: $(if $(wildcard tests/fuzz/replay.c),$(FUZZ))
	@sh tests/fuzz_replay.sh $(FUZZ)

fuzz: ## fuzzes every door with libFuzzer: T=60 seconds each
	@$(MAKE) --no-print-directory MODE=fuzz B=build/fuzz fuzz-here

fuzz-here: $(FUZZ)
	@sh tests/fuzz.sh $(or $(T),60) $(FUZZ)

check-layers: $(LIB_OBJ) $(CLI_OBJ) $(CLUSTER_OBJ) ## rooms include only from the left
	@sh tests/layers.sh $(B) $(LIB_OBJ:.o=.d) $(CLI_OBJ:.o=.d) $(CLUSTER_OBJ:.o=.d)

check-pure: ## compiler/ imports nothing outside tests/pure.allow and owns no mutable global
	@$(MAKE) --no-print-directory MODE=release B=build/release check-pure-here

check-pure-here: $(LIB_OBJ)
	@sh tests/pure.sh tests/pure.allow $(LIB_OBJ)

check-ldd: release ## tentc links libyaml, libmbedcrypto, jansson and the C library, nothing else
	@sh tests/ldd.sh build/release/tentc

check-schema: $(B)/tentc ## schema/ is what `tentc schema` prints
	@sh tests/schema.sh $(B)/tentc
	@for f in $(wildcard tests/schema_cases/*.yaml); do n=$${f##*/}; \
		python3 tests/schema_cases/check.py schema/$${n%.yaml}.json $$f || exit 1; done

schema: $(B)/tentc ## writes schema/ anew
	@UPDATE=1 sh tests/schema.sh $(B)/tentc

check-messages: $(B)/tentc ## every message has a golden case, and a line in docs/messages.md
	@sh tests/messages.sh $(B)/tentc

messages: $(B)/tentc ## writes docs/messages.md anew
	@UPDATE=1 sh tests/messages.sh $(B)/tentc

check-docs: $(B)/tentc ## every example in the documents compiles
	$(call if_there,tests/docs.sh,sh tests/docs.sh $(B)/tentc)

docs: $(B)/tentc ## writes the table of docs/configuration.md anew
	@UPDATE=1 sh tests/docs.sh $(B)/tentc

check-oracle: $(B)/tests/oracle/read ## 4 million readings of 1,000,000 scalars against Kubernetes' own parser: SCALARS= SEED=
	@sh tests/oracle.sh $(B)

SOURCES = $(sort $(wildcard compiler/*/*.[ch] kube/*.[ch] webhook/*.[ch] registrars/*.[ch] controller/*.[ch] cli/*.[ch] cli/*/*.[ch] tests/*.[ch] tests/*/*.[ch] bench/*.[ch] bench/*/*.[ch]))
format-check: ## clang-format would change nothing
	@clang-format --dry-run -Werror $(SOURCES)

format: ## clang-format
	@clang-format -i $(SOURCES)

LINT := $(patsubst %.c,$(B)/%.lint,$(filter %.c,$(SOURCES)))
lint: ## clang-tidy; a file is looked at again when it or a header of it has changed
	@$(MAKE) --no-print-directory -k -j$(JOBS) -O B=$(B) lint-files

lint-files: $(LINT)

$(B)/%.lint: %.c $(B)/%.o .clang-tidy tests/.clang-tidy
	@clang-tidy --quiet $< -- $(BASE_FLAGS) 2>$@.log >$@.out || { cat $@.out; grep -v 'warnings\? \(generated\|treated\)' $@.log; exit 1; }
	@touch $@

asan: ## unit tests, golden cases and command line with AddressSanitizer and UndefinedBehaviorSanitizer
	@ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1:detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1 \
		$(MAKE) --no-print-directory -k MODE=asan B=build/asan check

VALGRIND := valgrind -q --error-exitcode=99 --leak-check=full --show-leak-kinds=all --errors-for-leak-kinds=all
valgrind: $(B)/tentc ## golden cases under valgrind: no wrong access, no leak of any kind
	$(call if_there,tests/golden.sh,sh tests/golden.sh $(B)/tentc $(VALGRIND))

coverage: ## line and branch coverage of compiler/; what is not covered is listed in build/coverage.txt
	@mkdir -p build/coverage && find build/coverage -name '*.gcda' -delete
	@$(MAKE) --no-print-directory -k MODE=coverage B=build/coverage coverage-here

coverage-here: $(B)/tentc $(UNIT) $(PROPERTY)
	@sh tests/coverage.sh $(B) '$(UNIT)' '$(PROPERTY)'

e2e: $(B)/tentc $(CLUSTER_PROGRAM) $(E2E) ## against a real API server, built once (10 minutes) or from KUBEBUILDER_ASSETS
	$(call if_there,tests/e2e/run.sh,sh tests/e2e/run.sh $(B))

integration: $(B)/tentc $(CLUSTER_PROGRAM) $(E2E) ## registrars against real PostgreSQL, NATS, S3 servers
	$(call if_there,tests/integration/run.sh,sh tests/integration/run.sh $(B))

tsan: ## the threads of the server under load, with ThreadSanitizer
	@$(MAKE) --no-print-directory MODE=tsan B=build/tsan tsan-here

tsan-here: $(B)/tentc $(CLUSTER_PROGRAM) $(E2E)
	$(call if_there,tests/e2e/tsan.sh,sh tests/e2e/tsan.sh $(B))

asan-server: ## the server under load and with hostile clients, with AddressSanitizer
	@$(MAKE) --no-print-directory MODE=asan B=build/asan tsan-here

check-load: ## 20,000 reviews to one server: equal answers, flat memory
	@$(MAKE) --no-print-directory MODE=release B=build/release check-load-here

check-load-here: $(B)/tentc $(CLUSTER_PROGRAM) $(E2E)
	$(call if_there,tests/e2e/soak.sh,sh tests/e2e/soak.sh $(B) $(or $(COUNT),20000))

# By hand: they take hours.
soak: ## the long runs: 30 minutes of fuzzing a door, 1,000,000 reviews, large services
	@$(MAKE) --no-print-directory fuzz T=1800
	@$(MAKE) --no-print-directory check-load COUNT=1000000
	@SOAK=1 $(MAKE) --no-print-directory integration
	@ONLY=controller_crash $(MAKE) --no-print-directory e2e

bench-webhook: ## the webhook beside a bare responder and a Go webhook
	@$(MAKE) --no-print-directory MODE=release B=build/release bench-webhook-here

bench-webhook-here: all $(BENCH_WEBHOOK) $(E2E)
	$(call if_there,bench/webhook/run.sh,sh bench/webhook/run.sh $(B))

bench: ## speed and memory beside peers, of the release build
	@$(MAKE) --no-print-directory MODE=release B=build/release bench-here

bench-here: $(B)/tentc $(BENCH)
	$(call if_there,bench/run.sh,sh bench/run.sh $(B)/tentc)

# --- from an empty machine --------------------------------------------------------------------------------------------

DEPS := gcc libc6-dev libyaml-dev libmbedtls-dev libjansson-dev libmicrohttpd-dev libgnutls28-dev libcurl4-openssl-dev \
	libpq-dev libcrypt-dev libexpat1-dev
DEPS_TEST := $(DEPS) libcmocka-dev clang clang-format clang-tidy valgrind gcovr locales tzdata diffutils \
	python3-jsonschema python3-yaml openssl curl postgresql postgresql-client

deps: ## installs what the build needs (Debian packages), with sudo when not root
	@sh tests/deps.sh $(DEPS)

deps-test: ## installs what the gates need as well
	@sh tests/deps.sh $(DEPS_TEST)

demo: deps ## installs what is missing, builds, and compiles an example
	@$(MAKE) --no-print-directory -j$(JOBS) release
	$(call if_there,examples/demo.sh,sh examples/demo.sh build/release/tentc)

test: deps-test ## everything: what CI runs
	@sh tests/all.sh

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "%-14s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

FORCE:
.SECONDARY:
.DELETE_ON_ERROR:
.PHONY: all release clang everything install uninstall clean check check-unit check-golden check-cli golden property \
	fuzz-replay fuzz-replay-here fuzz fuzz-here check-layers check-pure check-pure-here check-ldd check-schema schema \
	check-messages messages check-docs docs check-oracle format-check format lint lint-files asan valgrind coverage \
	coverage-here e2e integration tsan tsan-here asan-server check-load check-load-here soak \
	bench-webhook bench-webhook-here bench bench-here deps deps-test demo test help FORCE
