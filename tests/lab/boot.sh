# SPDX-License-Identifier: GPL-2.0-only
# What a patched kernel tells of its boot, and what Xen says to that.
. guest-lib.sh

cat /sys/kernel/xenpin/boot_log >$OUT/boot_log
dmesg >$OUT/dmesg
run text xenpin boot
run account xenpin boot --json
run verify xenpin boot --json --verify
run live xenpin boot --records -- forks -q 31
tar -C $OUT -cf /root/out.tar .
