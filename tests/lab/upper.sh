# SPDX-License-Identifier: GPL-2.0-only
# Flags of each level that are lost, and then the process ends: who tells of it, and
# before the kernel dies of it?  Here it lives on after an oops.
. guest-lib.sh

echo 0 >/proc/sys/kernel/panic_on_oops
start healthy xenpin trace --json || exit 1
forks -q 50
stop healthy $pid
for level in 1 2 3; do
	start_victim
	start found-$level xenpin trace --findings --json || exit 1
	tracing=$pid
	start recorded-$level xenpin record -o /tmp/$level.db || exit 1
	recording=$pid
	inject lost-$level clear=3 levels=$((1 << level)) owners=2 seed=31 pid=$victim first=2 \
		last=200 keep=1 hold=1
	dmesg -c >/dev/null
	# It may hang for good in its oops.
	echo quit >&3
	sleep 2
	dmesg >$OUT/dmesg-$level
	stop found-$level $tracing
	stop recorded-$level $recording
	run report-$level xenpin report /tmp/$level.db --format json
	rmmod inject
done
tar -C $OUT -cf /root/out.tar .
