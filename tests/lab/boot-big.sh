# SPDX-License-Identifier: GPL-2.0-only
# The account of a large guest, frame by frame; then the log's memory is given back.
. guest-lib.sh

cat /sys/kernel/xenpin/boot_log >$OUT/boot_log
dmesg >$OUT/dmesg
run verify xenpin boot --json --verify
cat /proc/meminfo >$OUT/before
echo 0 >/sys/kernel/xenpin/boot_log
cat /proc/meminfo >$OUT/after
run given-back xenpin boot
tar -C $OUT -cf /root/out.tar .
