# SPDX-License-Identifier: GPL-2.0-only
# Multicalls that Xen refuses in part, and the kernel's own messages of them.
. guest-lib.sh

# 1. A console that shows nothing, and a line that is no message of the kernel's.
dmesg -n 1
start trace xenpin trace --json --stack
trace=$pid
start text xenpin trace --op refused
text=$pid
start record xenpin record --stack -o /tmp/a.db
record=$pid
start rotating xenpin record --max-size 64M -o /tmp/b.db
rotating=$pid
start others xenpin trace --json --comm somebody
others=$pid
start pins xenpin trace --json --op pin,unpin
pins=$pid
echo '1 of 1 multicall(s) failed: cpu 0' >/dev/kmsg
refuse refused
sleep 2
stop pins $pins
stop others $others
stop rotating $rotating
stop record $record
stop text $text
stop trace $trace
run report xenpin report /tmp/a.db --format json
run rotating-report xenpin report /tmp/b.db --format json
cp /tmp/a.db $OUT/

# 2. Page tables that are pinned a second time: their batches tell, too.
start twice xenpin trace --json --ring-pages 512
twice=$pid
start_victim
inject clear clear=3 levels=2 owners=2 seed=21 pid=$victim first=2 last=200 keep=1 hold=1
dmesg -c >/dev/null
order_victim move
dmesg >$OUT/twice.dmesg
sleep 1
stop twice $twice

tar -C $OUT -cf /root/out.tar .
