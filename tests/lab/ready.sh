# SPDX-License-Identifier: GPL-2.0-only
# How long does an audit take?  It says so itself.  And how long is it from start
# to armed?  The first record's time against the uptime before, which has a
# resolution of 10 ms.
xenpin audit --json --repeat 3 || exit 1
for i in 1 2 3 4 5; do
	sleep 1		# what the kernel frees of the run before is not ours
	read -r up rest </proc/uptime
	xenpin trace --json --ready-file /tmp/ready --duration 0.05 >/tmp/out 2>/dev/null || exit 1
	[ -e /tmp/ready ] || exit 1
	rm /tmp/ready
	armed=$(sed -n 's/.*"type":"start","t":\([0-9]*\).*/\1/p' /tmp/out)
	echo "ready after $((armed / 1000000 - ${up%.*}${up#*.} * 10)) ms"
done
