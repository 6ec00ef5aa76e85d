# SPDX-License-Identifier: GPL-2.0-only
# What is in a live xenpin's way: full disks, limits, closed files, and signals as somebody left them.
. guest-lib.sh

xenpin trace --dry-run >/dev/full 2>$OUT/dry-run-full.err </dev/null
echo $? >$OUT/dry-run-full.rc
left_over dry-run-full

# Too little memory, in KiB, and descriptors: whoever cannot begin leaves nothing.
mkdir /tmp/textfile
for kb in 9000 12000 16000; do
	( ulimit -v $kb
	run memory-audit-$kb xenpin audit
	run memory-top-$kb xenpin top --batch --count 1
	run memory-export-$kb timeout 2 xenpin export --textfile /tmp/textfile )
done
( ulimit -n 15; run unloadable xenpin record -o /tmp/never.db )
ls /tmp/never.db* >$OUT/never 2>/dev/null

# A file that may not grow, in blocks of 512 bytes.
for blocks in 0 8 100; do
	sh -c "ulimit -f $blocks; exec xenpin trace --json --stack -- forks -q 60" >/tmp/small.out 2>/dev/null </dev/null
	echo $? >$OUT/size-trace-$blocks.rc
	left_over size-trace-$blocks
done
sh -c "ulimit -f 600; exec xenpin record --stack -o /tmp/small.db -- forks -q 200" >/dev/null 2>/dev/null </dev/null
echo $? >$OUT/size-record.rc
left_over size-record

# Without /proc.
mkdir -p /tmp/root/sys
cp /usr/local/bin/xenpin /tmp/root
mount --bind /sys /tmp/root/sys
for command in trace audit top; do
	run noproc-$command chroot /tmp/root /xenpin $command
done

# stderr that is closed: what is said of CMD must not be written into the recording.
xenpin record -o /tmp/closed.db -- false 2>&- </dev/null
echo $? >$OUT/closed.rc
left_over closed
head -c 15 /tmp/closed.db >$OUT/closed.head
run closed-report xenpin report /tmp/closed.db

# Signals that are ignored by whoever starts it.
run chld timeout 20 gnu-env --ignore-signal=CHLD xenpin trace --op mm-pin -- true
run found gnu-env --ignore-signal=CHLD,PIPE,XFSZ --block-signal=USR1 grep Sig /proc/self/status
run kept gnu-env --ignore-signal=CHLD,PIPE,XFSZ --block-signal=USR1 xenpin trace --op mm-pin -- grep Sig /proc/self/status
run default grep Sig /proc/self/status
run default-kept xenpin trace --op mm-pin -- grep Sig /proc/self/status
for command in "trace" "record -o /tmp/nohup.db" "top --batch" "export --textfile /tmp/textfile"; do
	name=nohup-${command%% *}
	start $name sh -c 'trap "" HUP; exec "$@"' sh xenpin $command
	kill -HUP $pid
	usleep 500000
	kill -0 $pid && echo alive >$OUT/$name.alive
	stop $name $pid TERM
done

# The end, in a storm: how long it took, in hundredths of a second.
(while :; do forks -q 50; done) & storm=$!
for command in "trace --json" "trace --findings" "top --batch" "export --textfile /tmp/textfile" "audit --repeat 1000000"; do
	name=term-$(echo ${command%% /*} | tr -cd a-z)
	if [ "${command%% *}" = audit ]; then
		xenpin $command >/tmp/audits 2>$OUT/$name.err </dev/null &
		pid=$!
		while [ ! -s /tmp/audits ] && kill -0 $pid; do usleep 20000; done
	else
		start $name xenpin $command
	fi
	before=$(cut -d' ' -f1 /proc/uptime | tr -d .)
	kill -TERM $pid
	wait $pid
	echo $? >$OUT/$name.rc
	echo $(($(cut -d' ' -f1 /proc/uptime | tr -d .) - before)) >$OUT/$name.took
	left_over $name
done
# While the kernel still verifies what an audit runs, or at any moment after it.
for ms in 10 100 300 600 1000 2000; do
	name=early-$ms
	xenpin audit >$OUT/$name.out 2>$OUT/$name.err </dev/null &
	pid=$!
	usleep ${ms}000
	kill -TERM $pid
	wait $pid
	echo $? >$OUT/$name.rc
	left_over $name
done
kill $storm

tar -C $OUT -cf /root/out.tar .
