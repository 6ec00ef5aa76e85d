# SPDX-License-Identifier: GPL-2.0-only
# The audit: at rest, in a storm, and with flags that were cleared or set by
# inject.ko.  ROLE is dom0 or domu.
. guest-lib.sh

read -r role </xenlab/role
symbols=$(sed -n 's/^\([0-9a-f]*\) . \(vmemmap_base\|page_offset_base\|machine_to_phys_mapping\|init_mm\|init_task\)$/\2=0x\1/p' /proc/kallsyms)
at=$(sed -n 's/^\([0-9a-f]*\) . init_task$/\1/p' /proc/kallsyms)

# inject NAME ARGUMENT...: load, and keep what it says.
inject() {
	name=$1; shift
	dmesg -c >/dev/null
	# shellcheck disable=SC2086
	insmod /root/inject.ko $symbols "$@" end=1 || exit 1
	dmesg | sed -n 's/.*inject: //p' >$OUT/$name.log
}

# A process with tables of all levels.
mkfifo /tmp/orders
victim </tmp/orders >/tmp/victim.out &
victim=$!
exec 3>/tmp/orders
wait_for_line() {
	n=0
	until grep -q "$1" "$2"; do
		n=$((n + 1))
		[ $n -lt 400 ] || { echo "no '$1' in $2" >&2; exit 1; }
		usleep 50000
	done
}
wait_for_line ready /tmp/victim.out

# 1. At rest, while Xen counts.
run once xenpin audit
xenpin audit --json --repeat 30 >$OUT/quiet.out 2>$OUT/quiet.err &
quiet=$!
wait_for_line audit $OUT/quiet.out
if [ $role = dom0 ]; then
	census >$OUT/census || exit 1
fi
wait $quiet
echo $? >$OUT/quiet.rc

# 2. In a storm of forks, execs, mmaps and exits on all CPUs.
touch /tmp/storm
for i in 1 2; do
	while [ -e /tmp/storm ]; do forks -q 100; done &
	while [ -e /tmp/storm ]; do busybox true; victim </dev/null >/dev/null; done &
done
run storm xenpin audit --json --repeat 100
# A flag that is lost for a moment, and back before it is looked at again.
xenpin audit --json --repeat 40 >$OUT/moment.out 2>$OUT/moment.err &
moment=$!
for seed in 1 2 3 4 5 6 7 8; do
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
rmmod inject

echo $victim >$OUT/victim
tar -C $OUT -cf /root/out.tar .
