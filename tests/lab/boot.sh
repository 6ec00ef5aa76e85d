# SPDX-License-Identifier: GPL-2.0-only
# What a patched kernel tells of its boot, and what Xen says to that.
. guest-lib.sh

cat /sys/kernel/xenpin/boot_log >$OUT/boot_log
dmesg >$OUT/dmesg
run text xenpin boot
run account xenpin boot --json
run verify xenpin boot --json --verify
run live xenpin boot --records -- forks -q 31

# A recording begins with what came before it; a trace beside it.
start trace xenpin trace --json
trace=$pid
start record xenpin record -o /tmp/boot.db
record=$pid
forks -q 17
sleep 1
stop record $record
stop trace $trace
run report xenpin report /tmp/boot.db
run report-json xenpin report /tmp/boot.db --format json
cp /tmp/boot.db $OUT/

# Figures of the boot, for Prometheus and at a glance.
start export xenpin export --textfile /tmp
export=$pid
stop export $export
cp /tmp/xenpin.prom $OUT/
run top xenpin top --batch --count 1 --interval 1
tar -C $OUT -cf /root/out.tar .
