# SPDX-License-Identifier: GPL-2.0-only
# xenpin: `make`, `make demo`, `make check`; V=1 shows the commands.

VERSION		:= 0.1
PREFIX		?= /usr/local
CC		?= gcc
CLANG		?= clang
BPFTOOL		?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)
NPM		?= npm
B		:= build

CFLAGS		?= -O2 -g
WARN		:= -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers
CPPFLAGS	+= -D_GNU_SOURCE -DXENPIN_VERSION='"$(VERSION)"' -I$(B) -Isrc
# One binary that travels: everything static.  elfutils looks for debuginfod
# through dlopen(), which a static program answers with "not there".
LIBS		:= -lbpf -ldw -lelf -lcap -ljansson -lsqlite3 -lprotobuf-c -levent_extra -levent_core -lncursesw -ltinfo -lm -lz -llzma -lbz2 -lzstd
LDFLAGS		+= -static

SRCS		:= $(wildcard src/*.c src/*/*.c)
OBJS		:= $(SRCS:%.c=$(B)/%.o)
SKELETONS	:= $(patsubst %,$(B)/%.skel.h,trace audit audit_old counters watch)

ifeq ($(V),1)
Q		:=
say		:= @:
else
Q		:= @
say		:= @printf '  %-7s %s\n'
endif

all: $(B)/xenpin

OBJS		+= $(B)/perfetto.pb-c.o

$(B)/xenpin: $(OBJS)
	$(say) LINK $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS) 2>$@.log || { cat $@.log; exit 1; }

$(B)/%.o: %.c | $(SKELETONS)
	$(say) CC $<
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 $(CPPFLAGS) $(CFLAGS) $(WARN) -MMD -MP -c -o $@ $<

$(B)/perfetto.pb-c.c: src/report/perfetto.proto
	$(say) PROTO $<
	$(Q)mkdir -p $(@D)
	$(Q)protoc-c -Isrc/report --c_out=$(@D) $<

$(B)/src/report/perfetto.o: $(B)/perfetto.pb-c.c
$(B)/perfetto.pb-c.o: $(B)/perfetto.pb-c.c
	$(Q)$(CC) -std=gnu11 $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

# What the report's page is made with, as package-lock.json says byte for byte.
PAGE		:= src/report/page
$(B)/page/done: $(PAGE)/package.json $(PAGE)/package-lock.json
	$(say) NPM $(@D)
	$(Q)mkdir -p $(@D) && cp $^ $(@D)
	$(Q)cd $(@D) && $(NPM) ci --ignore-scripts --no-audit --no-fund --silent
	$(Q)touch $@

$(B)/src/report/html.o: CPPFLAGS += -DPAGE_MODULES='"$(B)/page/node_modules"'
$(B)/src/report/html.o: $(B)/page/done $(wildcard $(PAGE)/*)

# The target's own headers are not asked: linux/types.h wants the host's asm/.
BPF_INCLUDE	:= -I/usr/include/$(shell $(CC) -print-multiarch)

vpath %.bpf.c bpf tests/bench
$(B)/%.bpf.o: %.bpf.c
	$(say) BPF $<
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) -g -O2 -target bpf -mcpu=v3 -D__TARGET_ARCH_x86 $(BPF_INCLUDE) -Wall \
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
	$(say) CC $<
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE $(CFLAGS) $(WARN) -static -o $@ $<

$(B)/census: tests/lab/census.c src/audit/xen.c
	$(say) CC $<
	$(Q)$(CC) -std=gnu11 $(CPPFLAGS) $(CFLAGS) $(WARN) -static -o $@ $^

$(B)/model: tests/bench/model.c $(wildcard src/model/*.c)
	$(say) CC $<
	$(Q)$(CC) -std=gnu11 $(CPPFLAGS) $(CFLAGS) $(WARN) -static -o $@ $^

# On any machine: the audit's scan of struct pages and its walk of page tables, and what a
# record costs.
$(B)/scan: $(B)/audit.skel.h
$(B)/trees: $(B)/audit.skel.h $(B)/arena.skel.h
$(B)/ring: $(B)/trace.skel.h
# And, fed by a synthetic source, the sink of `record`: its rate, and what a kill leaves.
$(B)/scan $(B)/trees $(B)/ring $(B)/recording: $(B)/%: tests/bench/%.c $(B)/xenpin.a
	$(say) CC $<
	$(Q)$(CC) -std=gnu11 $(CPPFLAGS) $(CFLAGS) $(WARN) $(LDFLAGS) -o $@ $< $(B)/xenpin.a $(LIBS) 2>$@.log || \
		{ cat $@.log; exit 1; }

$(B)/xenpin.a: $(filter-out $(B)/src/main.o,$(OBJS))
	$(Q)rm -f $@ && ar rc $@ $^

# Unit tests: one program per file, the sources under test compiled in, with
# the sanitizers.
UNIT		:= $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/test_*.c))
UNIT_SRCS	:= $(wildcard src/model/*.c) src/source/stream.c src/symbols.c src/lines.c \
		   src/record.c src/read_file.c src/recording/raw.c \
		   src/sink/finding.c src/sink/metrics.c \
		   src/source/boot_log.c src/source/early.c src/source/kmsg.c
SANITIZE	:= -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all

$(B)/unit/%: tests/unit/%.c $(UNIT_SRCS) $(wildcard src/*.h src/*/*.h src/*/*.def include/*.h tests/unit/*.h)
	$(say) UNIT $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 $(CPPFLAGS) $(SANITIZE) $(WARN) -o $@ $< $(UNIT_SRCS) $(UNIT_MORE) -lcmocka -ldw -lbpf -ljansson

# Many files that no other test needs.
$(B)/unit/test_console: UNIT_MORE := $(wildcard src/console/*.c)
$(B)/unit/test_console: $(wildcard src/console/*.c)

REPLAY		:= $(B)/replay
$(REPLAY): tests/replay/replay.c $(wildcard src/model/*.[ch] src/*.h include/*.h)
	$(say) UNIT $@
	$(Q)$(CC) -std=gnu11 $(CPPFLAGS) $(SANITIZE) $(WARN) -o $@ $(filter %.c,$^) -ljansson

# Every parser of what comes from outside, with what is made of it, under libFuzzer; compiled by
# clang, which has it.  `make fuzz` runs each for FUZZ_SECONDS, `make check` for a few.
FUZZ		:= $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(wildcard tests/fuzz/*.c))
FUZZ_FLAGS	:= -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all
FUZZ_SECONDS	?= 300
FUZZ_OBJS	:= $(filter-out $(B)/fuzz/src/main.o $(B)/fuzz/src/cmd_%.o,$(SRCS:%.c=$(B)/fuzz/%.o)) \
		   $(B)/fuzz/perfetto.pb-c.o

$(B)/fuzz/%.o: %.c | $(SKELETONS)
	$(say) FUZZ $<
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) -std=gnu11 $(CPPFLAGS) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link -w -MMD -MP -c -o $@ $<

$(B)/fuzz/src/report/perfetto.o: $(B)/perfetto.pb-c.c
$(B)/fuzz/src/report/html.o: CPPFLAGS += -DPAGE_MODULES='"$(B)/page/node_modules"'
$(B)/fuzz/src/report/html.o: $(B)/page/done
$(B)/fuzz/perfetto.pb-c.o: $(B)/perfetto.pb-c.c
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) -std=gnu11 $(CPPFLAGS) $(FUZZ_FLAGS) -w -c -o $@ $<

$(B)/fuzz/xenpin.a: $(FUZZ_OBJS)
	$(Q)rm -f $@ && ar rc $@ $^

$(B)/fuzz/%: tests/fuzz/%.c $(wildcard tests/fuzz/*.h) tests/replay/replay.c $(B)/fuzz/xenpin.a
	$(say) FUZZ $@
	$(Q)$(CLANG) -std=gnu11 $(CPPFLAGS) $(FUZZ_FLAGS) -fsanitize=fuzzer $(WARN) -o $@ $< $(B)/fuzz/xenpin.a \
		$(filter-out -lncursesw -ltinfo -levent_%,$(LIBS))

fuzz:
	$(Q)tools/packages build test
	$(Q)$(MAKE) --no-print-directory $(B)/recording $(FUZZ)
	$(Q)tests/fuzz/run $(FUZZ_SECONDS)

demo:
	$(Q)tools/packages build lab
	$(Q)$(MAKE) --no-print-directory all $(B)/forks
	$(Q)tools/demo

TEST_KERNELS	:= stock-6.1
check-all: TEST_KERNELS := stock-6.1 stock-6.12 stock-sid patched-6.1
check-all: PLAIN := 1
check-all: kernel

check check-all:
	$(Q)tools/packages build lab test
	$(Q)$(MAKE) --no-print-directory all $(B)/forks $(B)/victim $(B)/census $(B)/clock $(B)/work $(B)/ring $(B)/recording \
		$(REPLAY) $(UNIT) $(FUZZ)
	$(Q)tests/run $(TEST_KERNELS)

# The lab's kernel with the patch series, kept by what it is made from; with
# PLAIN=1 the same without the series too.  kernel-deb: a package for a real host.
KVER		?= 6.1
kernel:
	$(Q)tools/packages build lab kernel
	$(Q)kernel/build $(KVER) $(if $(PLAIN),--plain)

kernel-deb:
	$(Q)tools/packages build lab kernel
	$(Q)mkdir -p $(B)
	$(Q)kernel/deb $(KVER) $(B)

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

$(B)/manuals: $(B)/xenpin tools/manuals docs/xenpin.1.in
	$(Q)tools/manuals $< $@

install: $(B)/xenpin $(B)/manuals
	install -D -m 755 $(B)/xenpin $(DESTDIR)$(PREFIX)/sbin/xenpin
	install -D -m 644 $(B)/manuals/xenpin.1 $(DESTDIR)$(PREFIX)/share/man/man1/xenpin.1
	install -D -m 644 docs/xenpin-recording.5 $(DESTDIR)$(PREFIX)/share/man/man5/xenpin-recording.5
	install -D -m 644 $(B)/manuals/xenpin.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/xenpin
	install -D -m 644 $(B)/manuals/_xenpin $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_xenpin

clean:
	rm -rf $(B)

.SECONDARY:
.PHONY: all demo check check-all fuzz kernel kernel-deb bench bench-audit install clean

-include $(OBJS:.o=.d) $(FUZZ_OBJS:.o=.d) $(wildcard $(B)/*.bpf.d)
