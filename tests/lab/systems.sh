# SPDX-License-Identifier: GPL-2.0-only
# xenpin as other Debians make it, /root/xenpin-SUITE: do its programs load and tell the truth here?
. guest-lib.sh

all=$(cd /root && echo xenpin-*)

for made in $all; do
	xenpin=/root/$made
	run $made-features $xenpin features --json
	run $made-trace $xenpin trace --json --stack -- forks -q 23
	run $made-raw $xenpin trace --json --via raw_tp --pid 1 --duration 0.2
	run $made-record $xenpin record -o /root/$made.db --stack -- forks -q 23
	run $made-report $xenpin report -f json /root/$made.db
	run $made-audit $xenpin audit --json
	run $made-top $xenpin top --batch --count 1
done

# Last, as such a guest is not sound any more: flags that are cleared under way.
for made in $all; do
	xenpin=/root/$made
	start_victim
	start $made-findings $xenpin trace --findings --json || exit 1
	tracing=$pid
	inject $made-lost clear=3 levels=2 owners=2 seed=21 pid=$victim first=2 last=200 keep=1 hold=1
	order_victim unmap
	sleep 2
	stop $made-findings $tracing
	rmmod inject
done

tar -C $OUT -cf /root/out.tar .
