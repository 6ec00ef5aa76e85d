# SPDX-License-Identifier: GPL-2.0-only
# Good use, bad input and bad places, each its own run of xenpin.
. guest-lib.sh

run features xenpin features
run features-json xenpin features --json
run dry-run xenpin trace --dry-run
run text xenpin trace -- forks -q 7
run stack xenpin trace --stack --json --op release,pin -- forks -q 3
run stack-text xenpin trace --stack --op release -- forks -q 3
run count xenpin trace --json --count 5 -- forks -q 7
run duration xenpin trace --json --duration 0.3
run status-of-cmd xenpin trace -- sh -c 'exit 3'

# Filters: each alone, and one that nothing passes.
run filter-comm xenpin trace --json --comm forks -- forks -q 7
run filter-level xenpin trace --json --level L2 --op alloc,release -- forks -q 7
run filter-op xenpin trace --json --op mm-pin -- forks -q 7
run filter-set xenpin trace --json --op set -- forks -q 7
run filter-pin-set xenpin trace --json --op pin,set -- forks -q 7
run filter-pid xenpin trace --json --pid 1 -- forks -q 7
forks 1 >/dev/null
sh -c 'until [ -e /tmp/own.ready ]; do usleep 20000; done; exec forks -q 5' & p=$!
run filter-own-pid xenpin trace --json --pid $p --ready-file /tmp/own.ready --duration 2
mm=$(sed -n 's/.*"type":"mm".*"what":"pin".*"mm":"\([^"]*\)".*/\1/p' $OUT/filter-own-pid.out | tail -n 1)
pfn=$(sed -n 's/.*"type":"table".*"pfn":"\([^"]*\)".*/\1/p' $OUT/filter-comm.out | head -n 1)
echo "$mm $pfn" >$OUT/found
run filter-mm xenpin trace --json --mm $mm -- forks -q 40
run filter-pfn xenpin trace --json --pfn $pfn -- forks -q 40

# The end, by each signal.
for signal in INT TERM HUP; do
	start signal-$signal xenpin trace --json
	forks -q 7
	stop signal-$signal $pid $signal
done

# What remains of the process's privileges, seen from outside.
start privileges xenpin trace
cat /proc/$pid/status >$OUT/privileges.status
ls -l /proc/$pid/fd >$OUT/privileges.fds
stop privileges $pid

# CMD keeps the privileges that the user had.
run cmd-privileges xenpin trace --op mm-pin -- grep CapEff /proc/self/status

# Bad places.
chmod 755 /usr/local/bin/xenpin
[ -e /etc/passwd ] || echo root:x:0:0::/root:/bin/sh >/etc/passwd
run no-capabilities /usr/local/bin/setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all xenpin trace
run one-missing /usr/local/bin/setpriv --bounding-set=-perfmon --inh-caps=-perfmon xenpin trace
run not-root /usr/local/bin/setpriv --reuid 65534 --regid 65534 --clear-groups \
	--inh-caps=+bpf,+perfmon,+syslog --ambient-caps=+bpf,+perfmon,+syslog \
	xenpin trace --json -- forks -q 7
for command in "audit" "trace --findings --duration 0.1" "page 0x100" "top --batch --count 1"; do
	run not-root-${command%% *} /usr/local/bin/setpriv --reuid 65534 --regid 65534 --clear-groups \
		--inh-caps=+bpf,+perfmon,+syslog --ambient-caps=+bpf,+perfmon,+syslog xenpin $command
done
mount -t tmpfs none /sys/kernel/btf
run no-btf xenpin trace
umount /sys/kernel/btf
# An HVM guest wants a device model, which the lab has not: only what the kernel would say there.
echo HVM >/tmp/guest_type
mount --bind /tmp/guest_type /sys/hypervisor/guest_type
run hvm xenpin trace
umount /sys/hypervisor/guest_type
# Nobody learns the addresses of the kernel's symbols.
read -r shown </proc/sys/kernel/kptr_restrict
echo 2 >/proc/sys/kernel/kptr_restrict
run hidden-features xenpin features
run hidden-features-json xenpin features --json
run hidden-trace xenpin trace --json -- forks -q 20
run hidden-record xenpin record -o /tmp/hidden.db -- forks -q 20
run hidden-stack xenpin trace --stack --op release -- forks -q 1
run hidden-not-root /usr/local/bin/setpriv --reuid 65534 --regid 65534 --clear-groups \
	--inh-caps=+bpf,+perfmon,+syslog --ambient-caps=+bpf,+perfmon,+syslog \
	xenpin trace --json -- forks -q 7
run hidden-audit xenpin audit
run hidden-page xenpin page 0x100
run hidden-findings xenpin trace --findings --duration 0.1
run hidden-export xenpin export --textfile /tmp
run hidden-top xenpin top --batch --count 1
echo $shown >/proc/sys/kernel/kptr_restrict
# Too few file descriptors: first nothing loads, then a required probe is
# missing, then an optional one, then it works.
for n in 15 20 $(seq 23 34); do
	( ulimit -n $n; run files-$n xenpin trace --duration 0.05 )
done

# Bad input that only shows on a PV guest.
run ready-file xenpin trace --ready-file /no/such/directory/file
run no-cmd xenpin trace -- no-such-command
run not-executable xenpin trace -- /etc/passwd
run cmd-is-directory xenpin trace -- /etc

# stdout that ends, is full, or is not there.
( xenpin trace --json --duration 1 2>$OUT/pipe.err; echo $? >$OUT/pipe.rc ) </dev/null |
	head -n 1 >$OUT/pipe.out
left_over pipe
xenpin trace --json --duration 1 >/dev/full 2>$OUT/full.err </dev/null
echo $? >$OUT/full.rc
left_over full
xenpin trace --json --duration 1 >&- 2>$OUT/closed.err </dev/null
echo $? >$OUT/closed.rc
left_over closed

tar -C $OUT -cf /root/out.tar .
