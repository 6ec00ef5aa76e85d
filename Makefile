# SPDX-License-Identifier: GPL-2.0-only
# xenpin: `make`, `make demo`, `make check`; V=1 shows the commands.  What can be set:
#
#	CC CLANG CFLAGS CPPFLAGS LDFLAGS PREFIX DESTDIR	as usual; CLANG compiles what runs in the kernel
#	STATIC=no		a dynamic program, as distributions want it
#	B=DIR			build there and not in build/
#	MODULES=DIR		npm's modules are there: npm is not called
#	CHART_JS=FILE MATRIX_JS=FILE	the two scripts of the report's page are these: npm is not called

VERSION		:= 0.1
PREFIX		?= /usr/local
CC		?= gcc
CLANG		?= clang
BPFTOOL		?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)
NPM		?= npm
STATIC		?= yes
B		:= build

# Checks at run time are a distribution's choice; they cost a trace to JSON a tenth.
HARDENED	:= -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection -fcf-protection
CFLAGS		?= -O2 -g $(if $(filter no,$(STATIC)),$(HARDENED))
# A kind of record for which a reducer has no decision is an error.
WARN		:= -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers -Werror=switch
# Debug information names no directory of the machine that compiled it.
HERE		:= -ffile-prefix-map="$(CURDIR)"=.
XP_CPPFLAGS	:= -D_GNU_SOURCE -DXENPIN_VERSION='"$(VERSION)"' -I$(B) -Isrc $(HERE)
LIBS		:= -lbpf -ldw -lelf -lcap -ljansson -lsqlite3 -lprotobuf-c -levent_extra -levent_core -lncursesw -ltinfo -lm -lz -llzma -lbz2 -lzstd

# One binary that travels: everything static.  elfutils looks for debuginfod
# through dlopen(), which a static program answers with "not there".
ifeq ($(STATIC),yes)
LINK		:= -static-pie
LIBS		+= $(B)/libeu.a
LIBEU		:= $(B)/libeu.a
else ifeq ($(STATIC),no)
LINK		:= -pie
else
$(error STATIC is '$(STATIC)': it can be yes or no)
endif
LINK		+= -Wl,-z,relro,-z,now

COMPILE		= $(CC) -std=gnu11 $(XP_CPPFLAGS) $(CPPFLAGS) $(CFLAGS) -fPIE $(WARN)

MODULES		?= $(B)/page/node_modules
CHART_JS	?= $(MODULES)/chart.js/dist/chart.umd.min.js
MATRIX_JS	?= $(MODULES)/chartjs-chart-matrix/dist/chartjs-chart-matrix.min.js

# What was compiled or linked in another way is made again: this file is written when that changes.
HOW		:= $(CC) $(CLANG) $(XP_CPPFLAGS) $(CPPFLAGS) $(CFLAGS) $(LINK) $(LDFLAGS) \
		   $(CHART_JS) $(MATRIX_JS)
$(shell mkdir -p $(B))
ifneq ($(file <$(B)/how),$(HOW))
$(file >$(B)/how,$(HOW))
endif

SRCS		:= src/main.c $(wildcard src/*/*.c)
OBJS		:= $(SRCS:%.c=$(B)/%.o)
SKELETONS	:= $(patsubst %,$(B)/%.skel.h,trace trace_all audit audit_old counters watch)

ifeq ($(V),1)
Q		:=
say		:= @:
else
Q		:= @
say		:= @printf '  %-7s %s\n'
endif

all: $(B)/xenpin

OBJS		+= $(B)/perfetto.pb-c.o

# glibc warns of getaddrinfo(), which libevent has and xenpin does not call: shown when linking fails.
TO_LIBS		= $(LINK) $(LDFLAGS) -o $@ $(filter %.c %.o %/xenpin.a,$^) $(LIBS) 2>$@.log || { cat $@.log; exit 1; }

$(B)/xenpin: $(OBJS) $(LIBEU) $(B)/how
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(TO_LIBS)

# Empty unless a static link against libdw fails without it: see compat/eu_search.c.
$(B)/libeu.a: compat/eu_search.c compat/libdw.c
	$(Q)mkdir -p $(@D) && rm -f $@ && ar rc $@
	$(Q)if ! $(CC) $(CFLAGS) $(LINK) $(LDFLAGS) -fPIE -o $(B)/libdw.test compat/libdw.c $(LIBS) 2>$@.log; then \
		$(COMPILE) -c -o $(B)/eu_search.o compat/eu_search.c && ar rc $@ $(B)/eu_search.o; \
		$(CC) $(CFLAGS) $(LINK) $(LDFLAGS) -fPIE -o $(B)/libdw.test compat/libdw.c $(LIBS) 2>>$@.log || { \
			cat $@.log; \
			echo "The static libdw of this system does not link, and not for want of libeu: STATIC=no may." >&2; \
			rm -f $@; exit 1; }; \
		echo "  The static libdw of this system lacks libeu: compat/eu_search.c stands in for it"; \
	fi

$(B)/%.o: %.c $(B)/how | $(SKELETONS)
	$(say) CC $<
	$(Q)mkdir -p $(@D)
	$(Q)$(COMPILE) -MMD -MP -c -o $@ $<

$(B)/perfetto.pb-c.c: src/report/perfetto.proto
	$(say) PROTO $<
	$(Q)mkdir -p $(@D)
	$(Q)protoc -Isrc/report --c_out=$(@D) $<

$(B)/src/report/perfetto.o: $(B)/perfetto.pb-c.c
$(B)/perfetto.pb-c.o: $(B)/perfetto.pb-c.c $(B)/how
	$(Q)$(COMPILE) -c -o $@ $(filter %.c,$^)

# What the report's page is made with, as package-lock.json says byte for byte.
PAGE		:= src/report/page
SCRIPTS		:= $(sort $(patsubst $(B)/page/node_modules/%,$(B)/page/done,$(CHART_JS) $(MATRIX_JS)))

# npm keeps a cache in HOME; whose HOME cannot be written has one in the build directory.
$(B)/page/done: $(PAGE)/package.json $(PAGE)/package-lock.json
	$(say) NPM $(@D)
	$(Q)mkdir -p $(@D) && cp $^ $(@D)
	$(Q)cd $(@D) && { [ -w "$${HOME:-/nonexistent}" ] || export npm_config_cache="$$PWD/cache"; } && \
		$(NPM) ci --ignore-scripts --no-audit --no-fund --loglevel=error --fetch-retries=1 >npm.log || { \
		cat npm.log >&2; \
		echo "npm could not fetch what the report's page is made with (above). Where there is no network," >&2; \
		echo "say where it is: make MODULES=DIR, or make CHART_JS=FILE MATRIX_JS=FILE" >&2; exit 1; }
	$(Q)touch $@

PAGE_PARTS	:= -DCHART_JS='"$(CHART_JS)"' -DMATRIX_JS='"$(MATRIX_JS)"'
$(B)/src/report/html.o: XP_CPPFLAGS += $(PAGE_PARTS)
$(B)/src/report/html.o: $(SCRIPTS) $(wildcard $(PAGE)/*)

# What checks the Python: of ruff only the newest Debian has a package, and npm the same for all.
RUFF		:= $(B)/ruff/done
$(RUFF): tools/ruff/package.json tools/ruff/package-lock.json
	$(say) NPM $(@D)
	$(Q)mkdir -p $(@D) && cp $^ $(@D)
	$(Q)cd $(@D) && { [ -w "$${HOME:-/nonexistent}" ] || export npm_config_cache="$$PWD/cache"; } && \
		$(NPM) ci --ignore-scripts --no-audit --no-fund --loglevel=error --fetch-retries=1 >npm.log || { \
		cat npm.log >&2; echo "npm could not fetch ruff (above)" >&2; exit 1; }
	$(Q)touch $@

# The target's own headers are not asked: linux/types.h wants the host's asm/.
hash		:= \#
BPF_INCLUDE	:= $(shell echo '$(hash)include <asm/types.h>' | $(CC) -E -x c - | \
		     sed -n 's|^. 1 "\(/.*\)/asm/types.h".*|-idirafter \1|p' | head -n 1)

# The boot program finds its headers beside it once it is in the kernel tree.
$(B)/boot.bpf.o: BPF_INCLUDE += -Iinclude -Wno-gnu-variable-sized-type-not-at-end

vpath %.bpf.c bpf tests/bench
$(B)/%.bpf.o: %.bpf.c $(B)/how
	$(say) BPF $<
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) -g -O2 -target bpf -mcpu=v3 -fno-jump-tables -D__TARGET_ARCH_x86 $(BPF_INCLUDE) $(HERE) -Wall \
		-MMD -MP -c -o $@ $<

$(B)/%.skel.h: $(B)/%.bpf.o
	$(say) SKEL $@
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf >$@.tmp
	$(Q)mv $@.tmp $@

# The workload of demo, tests and bench, and the bench's clock.
$(B)/%: tests/bench/%.c
	$(say) CC $<
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE $(CFLAGS) $(WARN) -static -o $@ $<

$(B)/victim: tests/lab/inject/victim.c
$(B)/hear: tests/lab/hear.c
$(B)/victim $(B)/hear:
	$(say) CC $<
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE $(CFLAGS) $(WARN) -static -o $@ $<

$(B)/census: tests/lab/census.c src/xen/frame_types.c
	$(say) CC $<
	$(Q)$(COMPILE) $(LINK) -o $@ $(filter %.c,$^)

$(B)/model: tests/bench/model.c $(wildcard src/model/*.c)
	$(say) CC $<
	$(Q)$(COMPILE) $(LINK) -o $@ $(filter %.c,$^)

# On any machine: the audit's scan of struct pages and its walk of page tables, and what a
# record costs.
$(B)/scan: $(B)/audit.skel.h
$(B)/trees: $(B)/audit.skel.h $(B)/arena.skel.h
$(B)/ring: $(B)/trace.skel.h
# And, fed by a synthetic source, the sink of `record`: its rate, and what a kill leaves.
$(B)/scan $(B)/trees $(B)/ring $(B)/recording: $(B)/%: tests/bench/%.c $(B)/xenpin.a $(LIBEU)
	$(say) CC $<
	$(Q)$(COMPILE) $(TO_LIBS)

# Every BPF program before the verifier of a kernel, with all options: tests/verifier.
$(B)/verify: tests/verifier/verify.c $(B)/boot.skel.h $(B)/xenpin.a $(LIBEU)
	$(say) CC $<
	$(Q)$(COMPILE) $(TO_LIBS)

$(B)/xenpin.a: $(filter-out $(B)/src/main.o,$(OBJS))
	$(Q)rm -f $@ && ar rc $@ $^

# Unit tests: one program per file, and the sources under test, which are compiled once, with the
# sanitizers, and of which a test gets those that it calls and does not play itself.
UNIT		:= $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/test_*.c))
UNIT_SRCS	:= $(wildcard src/model/*.c src/console/*.c) src/trace/stream.c \
		   $(patsubst %,src/guest/%.c,guest symbols lines) $(patsubst %,src/audit/%.c,audit conclude explain settle suspects) \
		   src/record/records.c src/record/hypercalls.c src/recording/raw.c $(patsubst %,src/output/%.c,finding metrics) \
		   $(patsubst %,src/boot/%.c,log_reader early kmsg) \
		   $(patsubst %,src/%.c,base/read_file base/say base/signals cmd/child cmd/until)
UNIT_OBJS	:= $(UNIT_SRCS:%.c=$(B)/unit/%.o)
SANITIZE	:= -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all
COMPILE_UNIT	= $(CC) -std=gnu11 $(XP_CPPFLAGS) $(CPPFLAGS) $(SANITIZE) $(WARN) -MMD -MP

$(B)/unit/%.o: %.c
	$(say) UNIT $<
	$(Q)mkdir -p $(@D)
	$(Q)$(COMPILE_UNIT) -c -o $@ $<

$(B)/unit/sources.a: $(UNIT_OBJS)
	$(Q)rm -f $@ && ar rc $@ $^

$(UNIT): $(B)/unit/%: tests/unit/%.c $(B)/unit/sources.a
	$(say) UNIT $@
	$(Q)$(COMPILE_UNIT) -o $@ $< $(B)/unit/sources.a -lcmocka -ldw -lbpf -ljansson

REPLAY		:= $(B)/replay
$(REPLAY): tests/replay/replay.c $(B)/unit/sources.a
	$(say) UNIT $@
	$(Q)$(COMPILE_UNIT) -o $@ $< $(B)/unit/sources.a -ljansson

# Every parser of what comes from outside, with what is made of it, under libFuzzer; compiled by
# clang, which has it.  `make fuzz` runs each for FUZZ_SECONDS, `make check` for a few.
FUZZ		:= $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(wildcard tests/fuzz/*.c))
FUZZ_FLAGS	:= -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all
FUZZ_SECONDS	?= 300
FUZZ_OBJS	:= $(filter-out $(B)/fuzz/src/main.o $(B)/fuzz/src/cmd/cmd_%.o,$(SRCS:%.c=$(B)/fuzz/%.o)) \
		   $(B)/fuzz/perfetto.pb-c.o

$(B)/fuzz/%.o: %.c | $(SKELETONS)
	$(say) FUZZ $<
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) -std=gnu11 $(XP_CPPFLAGS) $(CPPFLAGS) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link -w -MMD -MP -c -o $@ $<

$(B)/fuzz/src/report/perfetto.o: $(B)/perfetto.pb-c.c
$(B)/fuzz/src/report/html.o: XP_CPPFLAGS += $(PAGE_PARTS)
$(B)/fuzz/src/report/html.o: $(SCRIPTS)
$(B)/fuzz/perfetto.pb-c.o: $(B)/perfetto.pb-c.c
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) -std=gnu11 $(XP_CPPFLAGS) $(CPPFLAGS) $(FUZZ_FLAGS) -w -c -o $@ $<

$(B)/fuzz/xenpin.a: $(FUZZ_OBJS)
	$(Q)rm -f $@ && ar rc $@ $^

$(B)/fuzz/%: tests/fuzz/%.c $(wildcard tests/fuzz/*.h) tests/replay/replay.c $(B)/fuzz/xenpin.a
	$(say) FUZZ $@
	$(Q)$(CLANG) -std=gnu11 $(XP_CPPFLAGS) $(CPPFLAGS) $(FUZZ_FLAGS) -fsanitize=fuzzer $(WARN) -o $@ $< $(B)/fuzz/xenpin.a \
		$(filter-out -lncursesw -ltinfo -levent_%,$(LIBS))

fuzz:
	$(Q)tools/packages build test
	$(Q)$(MAKE) --no-print-directory $(B)/recording $(FUZZ)
	$(Q)tests/fuzz/run $(FUZZ_SECONDS)

demo:
	$(Q)tools/packages build lab
	$(Q)$(MAKE) --no-print-directory all $(B)/forks
	$(Q)tools/demo

# check-all: on every kernel, as every compiler of this machine makes the BPF programs, and in
# other Debians.
TEST_KERNELS	:= stock-6.1
check-all: TEST_KERNELS := stock-6.1 stock-6.12 stock-sid patched-6.1 patched-6.12 patched-sid deb-6.12
check-all: KVER := 6.1 6.12 sid
check-all: SYSTEMS := trixie sid
check-all: PLAIN := 1
check-all: kernel kernel-packaged

# What the tests need beside xenpin: without a lab, and with one.
HOST_TESTS	:= $(B)/ring $(B)/recording $(REPLAY) $(UNIT) $(FUZZ) $(RUFF)
LAB_TESTS	:= $(patsubst %,$(B)/%,forks hear victim census clock work verify)

# In a shell: the other versions of clang that are installed, by name.
OTHER_CLANGS	= $(if $(SYSTEMS),$$(for clang in /usr/bin/clang-[1-9][0-9]; do \
		[ -x $$clang ] && [ "$$(readlink -f $$clang)" != "$$(readlink -f "$$(command -v $(CLANG))")" ] && \
		basename $$clang; done))

# As many jobs as there are CPUs, unless whoever calls has said how many.
JOBS		= $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc))

check check-all:
	$(Q)tools/packages build lab test
	$(Q)$(if $(SYSTEMS),tools/packages systems)
	$(Q)$(MAKE) $(JOBS) --no-print-directory all $(HOST_TESTS) $(LAB_TESTS)
	$(Q)for clang in $(OTHER_CLANGS); do \
		$(MAKE) $(JOBS) --no-print-directory B=$(B)/$$clang CLANG=$$clang MODULES=$(B)/page/node_modules \
			$(B)/$$clang/verify || exit 1; \
	done
	$(Q)XENPIN_SYSTEMS="$(SYSTEMS)" XENPIN_BUILDS="$(B) $$(for clang in $(OTHER_CLANGS); do echo $(B)/$$clang; done)" \
		tests/run $(TEST_KERNELS)

# The README's two commands in fresh roots of other Debians that have git and make only, guests and all.
check-systems:
	$(Q)tools/packages systems
	$(Q)for suite in trixie sid; do tools/system --fresh $$suite -- sh -c 'make demo && make check' || exit 1; done

# Audits and short traces in storms for hours, with CPUs that run at once.
soak:
	$(Q)XENPIN_AUDITS="2000 500" XENPIN_TRACES=500 XENPIN_THREADS=yes WORKERS=1 $(MAKE) --no-print-directory \
		check-all SYSTEMS= TESTS="lab/test_storm.py lab/test_short.py"

# How many instructions the verifier looks at, measured anew: tests/verifier/KERNEL.tsv.
verifier-counts:
	$(Q)XENPIN_WRITE_COUNTS=1 $(MAKE) --no-print-directory check-all TESTS=lab/test_verifier.py

# The tests that need no guest.
check-host:
	$(Q)tools/packages build test
	$(Q)$(MAKE) --no-print-directory all $(HOST_TESTS)
	$(Q)tests/run --host

# The lab's kernels with the patch series, kept by what they are made from; with PLAIN=1 the same without
# the series too, with PACKAGE=1 what a small kernel-deb installs.  One of sid's that the series does not know
# yet is no error.  kernel-deb: a package for a real host.
KVER		?= 6.1
kernel:
	$(Q)tools/packages build lab kernel $(if $(PACKAGE),systems)
	$(Q)for kver in $(KVER); do \
		kernel/build $$kver $(if $(PACKAGE),--package,$(if $(PLAIN),--plain)) || [ $$? = 3 ] || exit 1; \
	done

kernel-packaged:
	$(Q)$(MAKE) --no-print-directory kernel KVER=6.12 PACKAGE=1

kernel-deb:
	$(Q)tools/packages lab systems
	$(Q)kernel/source linux-source $(KVER) && kernel/source linux-config $(KVER)
	$(Q)tools/system --with kernel --cached kernel/source --out $(B)/deb $$(kernel/source --suite $(KVER)) -- \
		kernel/deb $(KVER) /out

# tests/bench/run --help lists what BENCH can say.
bench:
	$(Q)tools/packages build lab test
	$(Q)$(MAKE) --no-print-directory all $(B)/forks $(B)/work $(B)/clock $(B)/ring
	$(Q)tests/bench/run $(BENCH)

# The same of tests/bench/audit.
bench-audit:
	$(Q)tools/packages build lab
	$(Q)$(MAKE) --no-print-directory all $(B)/scan $(B)/trees
	$(Q)tests/bench/audit $(BENCH)

# What deferred struct-page init saves, in two boots of each size; the largest guest takes some minutes.
bench-boot:
	$(Q)tools/packages build lab bench
	$(Q)$(MAKE) --no-print-directory all kernel KVER=6.12
	$(Q)tests/bench/boot $(BENCH)

$(B)/manuals: $(B)/xenpin tools/manuals docs/xenpin.1.in
	$(Q)tools/manuals $< $@

TO		:= $(DESTDIR)$(PREFIX)
install: $(B)/xenpin $(B)/manuals
	install -D -m 755 $(B)/xenpin "$(TO)/sbin/xenpin"
	install -D -m 644 $(B)/manuals/xenpin.1 "$(TO)/share/man/man1/xenpin.1"
	install -D -m 644 docs/xenpin-recording.5 "$(TO)/share/man/man5/xenpin-recording.5"
	install -D -m 644 $(B)/manuals/xenpin.bash "$(TO)/share/bash-completion/completions/xenpin"
	install -D -m 644 $(B)/manuals/_xenpin "$(TO)/share/zsh/site-functions/_xenpin"

clean:
	rm -rf $(B)

.SECONDARY:
.PHONY: all demo check check-all check-host check-systems verifier-counts soak fuzz kernel kernel-packaged kernel-deb bench bench-audit bench-boot install clean

-include $(OBJS:.o=.d) $(FUZZ_OBJS:.o=.d) $(UNIT_OBJS:.o=.d) $(wildcard $(B)/unit/*.d) $(wildcard $(B)/*.bpf.d)
