# SPDX-License-Identifier: GPL-2.0-only
. guest-lib.sh

cp /sys/kernel/tracing/trace $OUT/ring
dmesg >$OUT/dmesg
run text xenpin boot
run account xenpin boot --json
run verify xenpin boot --verify
tar -C $OUT -cf /root/out.tar .
