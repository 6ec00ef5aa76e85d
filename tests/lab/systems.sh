# SPDX-License-Identifier: GPL-2.0-only
# xenpin as other Debians make it, /root/xenpin-SUITE: do its programs load and tell the truth here?
. guest-lib.sh

all=$(cd /root && echo xenpin-*)

for name in $all; do
	xenpin=/root/$name
	run $name-features $xenpin features --json
	run $name-trace $xenpin trace --json --stack -- forks -q 23
	run $name-raw $xenpin trace --json --via raw_tp --pid 1 --duration 0.2
	run $name-record $xenpin record -o /root/$name.db --stack -- forks -q 23
	run $name-report $xenpin report -f json /root/$name.db
	run $name-audit $xenpin audit --json
	run $name-top $xenpin top --batch --count 1 --duration 2
done

# Last, as such a guest is not sound any more: flags that are cleared under way.
for name in $all; do
	xenpin=/root/$name
	start_victim
	start $name-findings $xenpin trace --findings --json || exit 1
	tracing=$pid
	inject $name-lost clear=3 levels=2 owners=2 seed=21 pid=$victim first=2 last=200 keep=1 hold=1
	order_victim unmap
	sleep 2
	stop $name-findings $tracing
	rmmod inject
done

tar -C $OUT -cf /root/out.tar .
