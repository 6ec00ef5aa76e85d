# SPDX-License-Identifier: GPL-2.0-only
# What Xen refuses, as the early ring of a kernel with the series has it.
. guest-lib.sh

dmesg -c >/dev/null
# shellcheck disable=SC2046
insmod /root/refuse.ko $(sed -n 's/^\([0-9a-f]*\) . \(__xen_mc_entry\|xen_mc_flush\|xen_irq_disable_direct\|xen_irq_enable_direct\)$/\2=0x\1/p' /proc/kallsyms) \
	end=1 || exit 1
dmesg >$OUT/refused.dmesg
run records xenpin boot --records
tar -C $OUT -cf /root/out.tar .
