# SPDX-License-Identifier: GPL-2.0-only
# The audit, at rest, in a storm, and with flags that were cleared or set by
# inject.ko; then what a trace says when the kernel stumbles over such flags.
. guest-lib.sh

read -r role </xenlab/role
at=$(sed -n 's/^\([0-9a-f]*\) . init_task$/\1/p' /proc/kallsyms)

# A process with tables of all levels.
start_victim

# 1. At rest, while Xen counts.
run once xenpin audit
xenpin audit --json --repeat 1000 >$OUT/quiet.out 2>$OUT/quiet.err &
quiet=$!
wait_for_line audit $OUT/quiet.out
if [ $role = dom0 ]; then
	census >$OUT/census || exit 1
else
	sleep 1
fi
# It must live until Xen has counted its tables, too.
kill $quiet
wait $quiet
sed -i '/}$/!d' $OUT/quiet.out	# the last line may be cut

# 2. In a storm of forks, execs, mmaps and exits on all CPUs.
touch /tmp/storm
for i in 1 2; do
	while [ -e /tmp/storm ]; do forks -q 100; done &
	while [ -e /tmp/storm ]; do busybox true; victim </dev/null >/dev/null; done &
done
run storm xenpin audit --json --repeat 60
for i in 1 2 3 4; do
	run begin-$i xenpin trace --findings --json --duration 0.3
done
# A flag that is lost for a moment, and back before it is looked at again.
xenpin audit --json --repeat 40 >$OUT/moment.out 2>$OUT/moment.err &
moment=$!
for seed in 1 2 3 4; do
	inject moment-$seed clear=1 seed=$seed pid=$victim hold_us=2000
	rmmod inject
done
wait $moment
echo $? >$OUT/moment.rc
rm /tmp/storm
sleep 2

# 3. Losses at random, over all levels and owners.
for seed in 11 12 13 14 15; do
	inject lost-$seed clear=10 seed=$seed pid=$victim
	run lost-$seed xenpin audit --json
	rmmod inject
done
run after xenpin audit --json

# 4. Flags on pages that are no page tables: of the kernel's image.
inject stale set=3 at=0x$at owners=0
run stale xenpin audit --json
run stale-text xenpin audit
# The audit of its begin finds three; --count ends it, and not the time.
run counted xenpin trace --findings --json --count 2 --duration 60
rmmod inject

# 5. And on a page table that no tree reaches, since its own is not pinned yet.
if grep -q ' T __x64_sys_userfaultfd' /proc/kallsyms; then
	start exec xenpin trace --json || exit 1
	tracing=$pid
	victim exec >/tmp/exec.out &
	execing=$!
	wait_for_line ready /tmp/exec.out || exit 1
	sleep 1
	stop exec $tracing
	pfn=$(sed -n 's/.*"comm":"victim","what":"alloc","pfn":"\(0x[0-9a-f]*\)","level":1.*"pinned":false.*/\1/p' \
		$OUT/exec.out | tail -n 1)
	pgd=$(sed -n 's/.*"type":"mm".*"pgd":"\(0x[0-9a-f]*\)".*/\1/p' $OUT/exec.out | tail -n 1)
	# The direct map begins at a multiple of 512 GiB.
	inject unborn set=1 at=$(printf 0x%x $(((pgd & ~0x7fffffffff) + pfn * 4096))) owners=0
	run unborn xenpin audit --json
	rmmod inject
	kill -KILL $execing
	wait $execing
	echo $pfn >$OUT/unborn
fi

echo $victim >$OUT/victim

# 6. One page, and who writes its flags.  The same seed chooses the same table.
choice="clear=1 levels=2 owners=2 seed=31 pid=$victim first=2 last=200"
inject chosen $choice
rmmod inject
page=$(sed -n 's/.*pfn=\(0x[0-9a-f]*\).*/\1/p' $OUT/chosen.log)
run page xenpin page $page --json
start watch xenpin page $page --watch --json || exit 1
watch=$pid
inject watched $choice
run page-lost xenpin page $page --json
run page-text xenpin page $page
rmmod inject
stop watch $watch
inject full $choice
xenpin page $page >/dev/full 2>$OUT/full-lost.err
echo $? >$OUT/full-lost.rc
rmmod inject
xenpin page $page >/dev/full 2>$OUT/full.err
echo $? >$OUT/full.rc
( xenpin page $page --watch 2>$OUT/pipe.err; echo $? >$OUT/pipe.rc ) </dev/null | head -n 1 >/dev/null
wait_for $OUT/pipe.rc || exit 1
start long xenpin page $page --watch --duration 4000000 || exit 1
long=$pid
sleep 1
stop long $long

# 7. Live: a life without findings, then one with flags that are lost under way.
start live xenpin trace --findings --json || exit 1
live=$pid
order_victim move
forks -q 50
order_victim unmap
echo quit >&3
wait $victim
stop live $live

# live ORDER: what a trace says when the victim does that with three tables that lost their flags.
live() {
	start_victim
	start live-$1 xenpin trace --findings --json --stack || exit 1
	live=$pid
	start count-$1 xenpin export --textfile /tmp --interval 1 || exit 1
	counting=$pid
	inject live-$1 clear=3 levels=2 owners=2 seed=21 pid=$victim first=2 last=200 \
		keep=1 hold=1
	order_victim $1
	sleep 2
	cp /tmp/xenpin.prom $OUT/live-$1.prom
	stop count-$1 $counting
	stop live-$1 $live
	rmmod inject
}

live move

# 8. More tables than there is room for: what was not found may be there.
victim many >/tmp/many.out &
many=$!
wait_for_line ready /tmp/many.out || exit 1
run many xenpin audit --json
run many-text xenpin audit
run many-page xenpin page 0x100
run many-json xenpin page 0x100 --json
run many-trace xenpin trace --findings --duration 0.1
run many-top xenpin top --batch --count 1
kill -KILL $many
wait $many

# 9. A kernel that tells of each write: the one that clears a flag, at once.
via=$(sed -n 's/^\([0-9a-f]*\) . __xenpin_flag$/via=0x\1/p' /proc/kallsyms)
if [ "$via" ]; then
	run features xenpin features --json
	run exact xenpin trace --json -- forks -q 11
	start_victim
	start cleared xenpin trace --findings --json --stack || exit 1
	cleared=$pid
	# The begin of the trace is no finding.
	clock $OUT/cleared.out 1 >/dev/null || exit 1
	# The first stack waits until the kernel's symbols are read, most of a second here.
	for level in 1 1 2 3 4; do
		clock $OUT/cleared.out $(($(wc -c <$OUT/cleared.out) + 1)) \
			>$OUT/cleared-$level.seen &
		seen=$!
		inject cleared-$level clear=1 levels=$((1 << level)) seed=41 pid=$victim $via
		wait $seen || exit 1
		rmmod inject
	done
	stop cleared $cleared
	echo quit >&3
	wait $victim
fi

# 10. Last, since the pages stay as they are: from here on every audit finds them.
live unmap

tar -C $OUT -cf /root/out.tar .
