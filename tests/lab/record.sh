# SPDX-License-Identifier: GPL-2.0-only
# Recordings, counters and top, beside a trace of the same work.
. guest-lib.sh
# 1. A trace, a recording and counters see the same forks.
start trace xenpin trace --json --ring-pages 512
trace=$pid
start record xenpin record -o /tmp/a.db --comm forks --stack
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
run report xenpin report /tmp/a.db
run report-json xenpin report /tmp/a.db --format json
cp /tmp/a.db $OUT/

# 2. A storm with default settings.
run storm xenpin record -o /tmp/storm.db -- sh -c 'forks -q 150 & forks -q 150; wait'
run storm-report xenpin report /tmp/storm.db --format json

# 3. Killed under a storm.
forks -q 100000 & storm=$!
for i in 1 2 3; do
	start kill-$i xenpin record -o /tmp/kill-$i.db
	usleep 1${i}00000
	kill -KILL $pid
	cut -d. -f1 /proc/uptime >$OUT/kill-$i.uptime
	wait $pid
	left_over kill-$i
	cp /tmp/kill-$i.db* $OUT/
	run kill-$i-report xenpin report /tmp/kill-$i.db --format json
done
kill $storm

# 4. Where it cannot write; and a file that is there.
run exists xenpin record -o /tmp/a.db
run nowhere xenpin record -o /no/such/directory/a.db
run no-output xenpin record
mkdir -p /tmp/full
mount -t tmpfs -o size=400k none /tmp/full
run full xenpin record -o /tmp/full/a.db -- forks -q 400
mkdir /tmp/copy
cp /tmp/full/a.db* /tmp/copy
run full-report xenpin report /tmp/copy/a.db --format json
umount /tmp/full

# 5. The exporter, live.
ip link set lo up || ifconfig lo up
start export xenpin export --listen 127.0.0.1:9871
export=$pid
cat /proc/$export/status >$OUT/export.status
wget -q -O $OUT/export-1.metrics http://127.0.0.1:9871/metrics
forks -q 41
wget -q -O $OUT/export-2.metrics http://127.0.0.1:9871/metrics
stop export $export TERM

# 6. top in a terminal.
mount -t devpts devpts /dev/pts 2>/dev/null
export=
export LC_ALL=C.UTF-8
tmux() { /usr/local/bin/tmux -f /dev/null "$@"; }
shows() {
	n=0
	until tmux capture-pane -p -t top >$OUT/$2.screen && grep -q "$1" $OUT/$2.screen; do
		n=$((n + 1))
		[ $n -lt 100 ] || { echo "'$1' is not on the screen" >&2; return 1; }
		usleep 100000
	done
}
forks -q 100000 & storm=$!
tmux new-session -d -s top -x 100 -y 30 'xenpin top --interval 1; echo ended with $?; sleep 100'
shows 'PINS/s' top-first && shows ' forks  ' top-forks
tmux send-keys -t top g; shows 'by pins, grouped' top-group
tmux send-keys -t top n; shows 'by name' top-name
tmux send-keys -t top / f o r k s; shows 'names with /forks_' top-typing
tmux send-keys -t top Enter; sleep 2; shows 'names with /forks ' top-filter
tmux send-keys -t top h; shows 'sort by pins, unpins' top-help
tmux send-keys -t top h; tmux resize-window -t top -x 60 -y 12; sleep 2; shows 'COMMAND' top-small
tmux capture-pane -e -p -t top >$OUT/top-small.escapes
tmux send-keys -t top q; shows 'ended with 0' top-end
tmux kill-server
kill $storm
left_over top-end

tar -C $OUT -cf /root/out.tar .
