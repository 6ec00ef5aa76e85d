# SPDX-License-Identifier: GPL-2.0-only
# A kernel from its package: what it does of itself, and what it does when told.
. guest-lib.sh

uname -r >$OUT/release
dmesg >$OUT/dmesg
cat /sys/kernel/xenpin/early >$OUT/early
run account xenpin boot --json
run trace xenpin trace --json -- forks 10
tar -C $OUT -cf /root/out.tar .
