# SPDX-License-Identifier: GPL-2.0-only
# A page's flag is written on a CPU that came after the watch began, or came back.
. guest-lib.sh

cpu1=/sys/devices/system/cpu/cpu1/online
start_victim
choice="clear=1 levels=2 owners=2 seed=31 pid=$victim first=2 last=200"
inject chosen $choice
rmmod inject
page=$(sed -n 's/.*pfn=\(0x[0-9a-f]*\).*/\1/p' $OUT/chosen.log)

# write_on CPU: clear the flag and set it again, there.
write_on() {
	# shellcheck disable=SC2046
	taskset -c $1 insmod /root/inject.ko $(sed -n 's/^\([0-9a-f]*\) . \(vmemmap_base\|page_offset_base\|machine_to_phys_mapping\|init_mm\|init_task\)$/\2=0x\1/p' /proc/kallsyms) \
		$choice end=1 || exit 1
	taskset -c $1 rmmod inject || exit 1
}

start back xenpin page $page --watch --json || exit 1
echo 0 >$cpu1
echo 1 >$cpu1
sleep 1
write_on 1
write_on 0
stop back $pid
echo 0 >$cpu1
start late xenpin page $page --watch --json || exit 1
echo 1 >$cpu1
sleep 1
write_on 1
write_on 0
stop late $pid
start gone xenpin page $page --watch --json || exit 1
echo 0 >$cpu1
sleep 1
write_on 0
stop gone $pid
echo 1 >$cpu1
echo quit >&3
wait $victim
tar -C $OUT -cf /root/out.tar .
