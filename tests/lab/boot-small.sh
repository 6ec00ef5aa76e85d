# SPDX-License-Identifier: GPL-2.0-only
. guest-lib.sh

cat /sys/kernel/xenpin/boot_log >$OUT/boot_log
dmesg >$OUT/dmesg
run text xenpin boot
run account xenpin boot --json
run verify xenpin boot --verify
echo 0 >/sys/kernel/xenpin/boot_log
run released-text xenpin boot
run released xenpin boot --json
tar -C $OUT -cf /root/out.tar .
