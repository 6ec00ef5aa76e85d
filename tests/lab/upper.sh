# SPDX-License-Identifier: GPL-2.0-only
# Flags of each level that are lost, and then the process ends: who tells of it, and
# before the kernel dies of it?  Here it lives on after an oops.
. guest-lib.sh

echo 0 >/proc/sys/kernel/panic_on_oops
start healthy xenpin trace --json --audit 60 || exit 1
forks -q 50
stop healthy $pid
# Losses that no record tells of: before, in between, or at the end.
start_victim
choice="clear=1 levels=2 owners=2 pid=$victim first=2 last=200"
inject before $choice seed=31
run audited-before xenpin record -o /tmp/before.db -- sleep 1
run before-report xenpin report /tmp/before.db --format json
rmmod inject
start audited-between xenpin record -o /tmp/between.db --audit 0.5 || exit 1
recording=$pid
start traced-between xenpin trace --json --audit 0.5 || exit 1
inject between $choice seed=32
sleep 3
rmmod inject
stop audited-between $recording
stop traced-between $pid
run between-report xenpin report /tmp/between.db --format json
start audited-end xenpin record -o /tmp/end.db || exit 1
inject end $choice seed=33
stop audited-end $pid
run end-report xenpin report /tmp/end.db --format json
rmmod inject
start audited-clean xenpin record -o /tmp/clean.db --audit 0.5 || exit 1
recording=$pid
forks -q 50
stop audited-clean $recording
echo quit >&3
wait $victim
for level in 1 2 3; do
	start_victim
	start found-$level xenpin trace --findings --json || exit 1
	tracing=$pid
	start recorded-$level xenpin record -o /tmp/$level.db --audit 600 || exit 1
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
