# SPDX-License-Identifier: GPL-2.0-only
# Audits, and what shares them, while page tables come and go: of forks that reuse the pages of
# the forks before, and of a process so large that to pin its tree takes longer than a pause.
. guest-lib.sh

read -r first second </root/audits

start_victim
inject warm-up clear=1 seed=1 pid=$victim
rmmod inject

# 1. Small trees, each in the pages of the last.
touch /tmp/storm
for i in 1 2; do
	while [ -e /tmp/storm ]; do forks -q 200; busybox true; forks -q 20 40; done &
done
start export xenpin export --textfile /tmp --interval 1 || exit 1
exporting=$pid
run first xenpin audit --json --repeat $first
for i in 1 2; do
	run trace-$i xenpin trace --findings --json --duration 0.3
	run top-$i xenpin top --batch --count 1
	cp /tmp/xenpin.prom $OUT/export-$i.prom
done
stop export $exporting

# 2. Losses under way.
for seed in 11 12 13; do
	inject lost-$seed clear=10 seed=$seed pid=$victim
	run lost-$seed xenpin audit --json
	rmmod inject
done
rm /tmp/storm
echo quit >&3
sleep 3

# 3. Trees of 8000 tables.
echo 1 >/proc/sys/vm/overcommit_memory
touch /tmp/storm
while [ -e /tmp/storm ]; do forks -q 6 8000; done &
# A few at a time, so that they meet all of it: tables that are made, and trees pinned and unpinned.
i=0
while [ $i -lt $second ]; do
	i=$((i + 5))
	sleep 2
	run second-$i xenpin audit --json --repeat 5
done
rm /tmp/storm

tar -C $OUT -cf /root/out.tar .
