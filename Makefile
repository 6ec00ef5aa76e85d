# SPDX-License-Identifier: GPL-2.0-only
# xenpin: `make`, `make demo`, `make check`; V=1 shows the commands.

VERSION		:= 0.1
PREFIX		?= /usr/local
CC		?= gcc
CLANG		?= clang
BPFTOOL		?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)
B		:= build

CFLAGS		?= -O2 -g
WARN		:= -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers
CPPFLAGS	+= -D_GNU_SOURCE -DXENPIN_VERSION='"$(VERSION)"' -I$(B) -Isrc
# One binary that travels: everything static.  elfutils looks for debuginfod
# through dlopen(), which a static program answers with "not there".
LIBS		:= -lbpf -ldw -lelf -lcap -ljansson -lz -llzma -lbz2 -lzstd
LDFLAGS		+= -static

SRCS		:= $(wildcard src/*.c src/*/*.c)
OBJS		:= $(SRCS:%.c=$(B)/%.o)

ifeq ($(V),1)
Q		:=
say		:= @:
else
Q		:= @
say		:= @printf '  %-7s %s\n'
endif

all: $(B)/xenpin

$(B)/xenpin: $(OBJS)
	$(say) LINK $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS) 2>$@.log || { cat $@.log; exit 1; }

$(B)/%.o: %.c | $(B)/trace.skel.h
	$(say) CC $<
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 $(CPPFLAGS) $(CFLAGS) $(WARN) -MMD -MP -c -o $@ $<

# The target's own headers are not asked: linux/types.h wants the host's asm/.
BPF_INCLUDE	:= -I/usr/include/$(shell $(CC) -print-multiarch)

$(B)/%.bpf.o: bpf/%.bpf.c
	$(say) BPF $<
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) -g -O2 -target bpf -mcpu=v3 -D__TARGET_ARCH_x86 $(BPF_INCLUDE) -Wall \
		-MMD -MP -c -o $@ $<

$(B)/%.skel.h: $(B)/%.bpf.o
	$(say) SKEL $@
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf >$@.tmp
	$(Q)mv $@.tmp $@

$(B)/%: tests/bench/%.c
	$(say) CC $<
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE $(CFLAGS) $(WARN) -static -o $@ $<

bench: $(B)/xenpin $(B)/forks $(B)/clock
	$(Q)tests/bench/run $(BENCH)

install: $(B)/xenpin
	install -D -m 755 $(B)/xenpin $(DESTDIR)$(PREFIX)/sbin/xenpin

clean:
	rm -rf $(B)

.SECONDARY:
.PHONY: all bench install clean

-include $(OBJS:.o=.d) $(wildcard $(B)/*.bpf.d)
