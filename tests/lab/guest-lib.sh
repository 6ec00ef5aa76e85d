# SPDX-License-Identifier: GPL-2.0-only
# Helpers of the scripts that run inside the lab's guests.  Each run of xenpin
# leaves NAME.out, NAME.err, NAME.rc and NAME.left (BPF links and programs that
# are still there afterwards) in $OUT.

OUT=/root/out
mkdir -p $OUT

# wait_for FILE: at most 120 s; a guest may be one of several on a busy machine.
wait_for() {
	n=0
	while [ ! -e "$1" ]; do
		n=$((n + 1))
		[ $n -lt 2400 ] || { echo "$1 did not appear" >&2; return 1; }
		usleep 50000
	done
}

# The kernel frees programs a grace period after the last descriptor is closed: 10 s for that,
# unless another xenpin runs, whose programs they may be.
left_over() {
	n=0
	while { bpftool prog list; bpftool link list; } 2>&1 |
		grep -E 'alloc_|release_|pgd_|flush_|tree_|refused_|locate' >$OUT/$1.left && [ $n -lt 100 ] &&
		! pidof xenpin >/dev/null; do
		n=$((n + 1))
		usleep 100000
	done
}

# run NAME COMMAND...: to its end.
run() {
	name=$1; shift
	"$@" >$OUT/$name.out 2>$OUT/$name.err </dev/null
	echo $? >$OUT/$name.rc
	left_over $name
}

# start NAME COMMAND...: in the background, until it is armed; its pid is $pid.
start() {
	name=$1; shift
	rm -f /tmp/$name.ready
	"$@" --ready-file /tmp/$name.ready >$OUT/$name.out 2>$OUT/$name.err </dev/null &
	pid=$!
	wait_for /tmp/$name.ready
}

# stop NAME PID [SIGNAL]
stop() {
	kill -${3:-INT} $2
	wait $2
	echo $? >$OUT/$1.rc
	left_over $1
}

# count_with_bpftrace SCRIPT: in the background, until all its probes are
# attached.  What it prints into a file stays in its buffer until it ends: so it
# makes a file to say so.
count_with_bpftrace() {
	rm -f /tmp/attached
	bpftrace --unsafe -o /tmp/bpftrace.out -e "$1
		interval:ms:200 /!@ticked/ { @ticked = 1; system(\"touch /tmp/attached\"); }" &
	bpftrace=$!
	wait_for /tmp/attached
}

# By SIGTERM: while it made that file, in system(), it ignored SIGINT, and has been seen to sleep on.
stop_bpftrace() {
	while kill -TERM $bpftrace 2>/dev/null; do
		sleep 2
	done
	wait $bpftrace
}

# wait_for_line TEXT FILE: as long.
wait_for_line() {
	n=0
	until grep -q "$1" "$2"; do
		n=$((n + 1))
		[ $n -lt 2400 ] || { echo "no '$1' in $2" >&2; return 1; }
		usleep 50000
	done
}

# inject NAME ARGUMENT...: load inject.ko, and keep what it says.
inject() {
	name=$1; shift
	dmesg -c >/dev/null
	# shellcheck disable=SC2046
	insmod /root/inject.ko $(sed -n 's/^\([0-9a-f]*\) . \(vmemmap_base\|page_offset_base\|machine_to_phys_mapping\|init_mm\|init_task\)$/\2=0x\1/p' /proc/kallsyms) \
		"$@" end=1 || exit 1
	dmesg | sed -n 's/.*inject: \(set\|clear\|done\)/\1/p' >$OUT/$name.log
}

# start_victim: a process with page tables of all levels; its pid is $victim.
start_victim() {
	rm -f /tmp/orders /tmp/victim.out
	mkfifo /tmp/orders
	victim </tmp/orders >/tmp/victim.out &
	victim=$!
	exec 3>/tmp/orders
	wait_for_line ready /tmp/victim.out || exit 1
}

# order_victim WORD: and wait until it is done.
order_victim() {
	: >/tmp/victim.out
	echo $1 >&3
	wait_for_line done /tmp/victim.out || exit 1
}

# refuse NAME: all that refuse.ko asks for, and what the kernel says of it.
refuse() {
	dmesg -c >/dev/null
	# shellcheck disable=SC2046
	insmod /root/refuse.ko $(sed -n 's/^\([0-9a-f]*\) . \(__xen_mc_entry\|xen_mc_flush\|xen_irq_disable_direct\|xen_irq_enable_direct\)$/\2=0x\1/p' /proc/kallsyms) \
		end=1 || exit 1
	rmmod refuse
	dmesg >$OUT/$1.dmesg
}
