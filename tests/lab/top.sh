# SPDX-License-Identifier: GPL-2.0-only
# xenpin top in a real terminal, tmux's, while a program forks now and then.
. guest-lib.sh

export LC_ALL=C.UTF-8 SHELL=/bin/sh
tmux() { /usr/local/bin/tmux -f /dev/null "$@"; }
shows() {
	n=0
	until tmux capture-pane -p -t top >$OUT/$2.screen && grep -q "$1" $OUT/$2.screen; do
		n=$((n + 1))
		[ $n -lt 100 ] || { echo "'$1' is not on the screen" >&2; return 1; }
		usleep 100000
	done
}
# The counters beside a trace of the same processes, of one batch and of several.
start all xenpin trace --json || exit 1
all=$pid
start counting xenpin export --textfile /tmp --interval 1 || exit 1
counting=$pid
sh -c 'echo $$' >$OUT/first.pid
forks -q 50
for i in 1 2 3; do bpftool version >/dev/null; done
forks -q 20 50
sh -c 'echo $$' >$OUT/last.pid
bpftool -j map dump name tasks >$OUT/tasks
sleep 2
stop counting $counting
stop all $all
cp /tmp/xenpin.prom $OUT

touch /tmp/busy
while [ -e /tmp/busy ]; do forks -q 20; usleep 100000; done &
tmux new-session -d -s top -x 100 -y 30 'xenpin top --interval 1; echo ended with $?; sleep 100'
sleep 3
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
rm /tmp/busy
left_over top-end

# Descriptors enough to count, but not to audit.
for n in $(seq 8 2 64); do
	run top-blind sh -c "ulimit -n $n; exec xenpin top --batch --count 1 --interval 1"
	grep -q 'pins, ' $OUT/top-blind.out && break
done

tar -C $OUT -cf /root/out.tar .
