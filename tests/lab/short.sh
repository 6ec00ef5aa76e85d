# SPDX-License-Identifier: GPL-2.0-only
# Short traces, one after the other, of a guest whose tasks are preempted wherever they are.
. guest-lib.sh

read -r traces </root/traces
touch /tmp/storm
for i in 1 2; do
	while [ -e /tmp/storm ]; do forks -q 200; busybox true; forks -q 20 40; done &
done
i=0
while [ $i -lt $traces ]; do
	i=$((i + 1))
	xenpin trace --json --duration 0.1 >/tmp/trace 2>>$OUT/traces.err
	echo "$? $(grep '"type":"end"' /tmp/trace)" >>$OUT/traces
	grep -c '"latency_ns":null' /tmp/trace >>$OUT/untimed
done
rm /tmp/storm
bpftool prog list >$OUT/left 2>&1

tar -C $OUT -cf /root/out.tar .
