# SPDX-License-Identifier: GPL-2.0-only
. guest-lib.sh

cat /sys/kernel/xenpin/boot_log >$OUT/boot_log
dmesg >$OUT/dmesg
run text xenpin boot
run account xenpin boot --json
run verify xenpin boot --verify
# As if none of the flags had been repaired: a guest that loses some may not live to tell.
cp $OUT/boot_log /tmp/lost
head -c 8 /dev/zero | dd of=/tmp/lost bs=1 seek=80 conv=notrunc 2>/dev/null
mount --bind /tmp/lost /sys/kernel/xenpin/boot_log
run lost-text xenpin boot
run lost xenpin boot --json
umount /sys/kernel/xenpin/boot_log
echo 0 >/sys/kernel/xenpin/boot_log
run released-text xenpin boot
run released xenpin boot --json
tar -C $OUT -cf /root/out.tar .
