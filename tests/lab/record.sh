# SPDX-License-Identifier: GPL-2.0-only
# Recordings, counters and top, beside a trace of the same work.
. guest-lib.sh
dmesg >$OUT/dmesg
# 1. A trace, a recording and counters see the same forks.
start trace xenpin trace --json --ring-pages 512
trace=$pid
start record xenpin record -o /tmp/a.db --stack
record=$pid
start top xenpin top --batch --group --interval 1
top=$pid
forks -q 53 & one=$!
forks -q 61
wait $one
sleep 3
stop top $top
stop record $record
stop trace $trace
run filtered xenpin record -o /tmp/filtered.db --comm forks -- forks -q 3
run filtered-report xenpin report /tmp/filtered.db
run report xenpin report /tmp/a.db
run report-json xenpin report /tmp/a.db --format json
run folded xenpin report /tmp/a.db --format folded
run folded-latency xenpin report /tmp/a.db --format folded --weight latency
cp /tmp/a.db $OUT/

# 2. A storm with default settings.
run storm xenpin record -o /tmp/storm.db -- sh -c 'forks -q 150 & forks -q 150; wait'
run storm-report xenpin report /tmp/storm.db --format json

# 3. Killed under a storm, at random moments, the last of them after a commit or two: twenty
# times, where it is soon done.
case $(uname -r) in
6.1.*) kills=20 ;;
*) kills=3 ;;
esac
forks -q 100000 & storm=$!
for i in $(seq $kills); do
	start kill-$i xenpin record -o /tmp/kill-$i.db
	usleep $((RANDOM * 30 + i * 1000000 / kills))
	kill -KILL $pid
	cut -d. -f1 /proc/uptime >$OUT/kill-$i.uptime
	wait $pid
	left_over kill-$i
	mv /tmp/kill-$i.db* $OUT/
done
kill $storm

# 4. Where it cannot write; and a file that is there.
run exists xenpin record -o /tmp/a.db
run nowhere xenpin record -o /no/such/directory/a.db
run no-output xenpin record
mkdir -p /tmp/full
mount -t tmpfs -o size=2M none /tmp/full
forks -q 100000 & storm=$!
run full xenpin record -o /tmp/full/a.db --duration 100
kill $storm
wait $storm
mkdir /tmp/copy
cp /tmp/full/a.db* /tmp/copy
run full-report xenpin report /tmp/copy/a.db --format json
umount /tmp/full

# 5. The exporter, live.
ip link set lo up || ifconfig lo up
start export xenpin export --listen 127.0.0.1:9871 --interval 2
export=$pid
cat /proc/$export/status >$OUT/export.status
wget -q -O $OUT/export-1.metrics http://127.0.0.1:9871/metrics
forks -q 41
sleep 3		# the next audit
wget -q -O $OUT/export-2.metrics http://127.0.0.1:9871/metrics
stop export $export TERM

# 6. Flags that are lost under way, as a trace and as a recording see it: found in the end, and,
# when a file may be gone by then, at once.  Pages that are unmapped stay stranded: they come last.
for order in move unmap; do
	size=
	[ $order = unmap ] || size="--max-size 64M"
	start lost-$order-trace xenpin trace --json --ring-pages 512 --audit 600
	trace=$pid
	start lost-$order xenpin record -o /tmp/lost-$order.db --stack --audit 600 $size
	record=$pid
	start_victim
	inject lost-$order clear=3 levels=2 owners=2 seed=21 pid=$victim first=2 last=200 \
		keep=1 hold=1
	order_victim $order
	sleep 1
	stop lost-$order $record
	stop lost-$order-trace $trace
	rmmod inject
	run lost-$order-report xenpin report /tmp/lost-$order.db --format json
	cp /tmp/lost-$order.db $OUT/
done

tar -C $OUT -cf /root/out.tar .
