# SPDX-License-Identifier: GPL-2.0-only
# Two CPUs, a ring that wraps, other privileges, an early program that goes.
. guest-lib.sh

# More records than the early ring has slots.
run storm xenpin boot --json --verify -- sh -c 'forks -q 2500 & forks -q 2500; wait'
run after xenpin boot --json --verify
run duration xenpin boot --json --duration 0.3
run status-of-cmd xenpin boot --json -- sh -c 'grep CapEff /proc/self/status; exit 3'
run no-cmd xenpin boot -- no-such-command
chmod 755 /usr/local/bin/xenpin
[ -e /etc/passwd ] || echo root:x:0:0::/root:/bin/sh >/etc/passwd
run not-root /usr/local/bin/setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all xenpin boot
run no-admin /usr/local/bin/setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin xenpin boot --json
run record-no-admin /usr/local/bin/setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin \
	xenpin record -o /tmp/no-admin.db --duration 0.3
run report-no-admin xenpin report /tmp/no-admin.db
xenpin boot --json >/dev/full 2>$OUT/full.err; echo $? >$OUT/full.rc
( xenpin boot --records 2>$OUT/pipe.err; echo $? >$OUT/pipe.rc ) | head -n 1 >$OUT/pipe.out

xenpin boot --records --duration 60 >$OUT/signal.out 2>$OUT/signal.err & pid=$!
sleep 1
kill -INT $pid
wait $pid
echo $? >$OUT/signal.rc

echo 0 >/sys/kernel/xenpin/early
sleep 1		# maps are freed a grace period later
run gone xenpin boot --json
tar -C $OUT -cf /root/out.tar .
