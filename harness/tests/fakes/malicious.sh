#!/bin/sh
# A runtime that attacks the machine with what a wrong path, a wrong pid or a forgotten namespace could do. The
# attack is named by the bundle's annotation; the real runtime does the rest. It runs in a cell of ocidiff only.
REAL=@REAL@
[ "$1" = --version ] && echo "crun version 1.8.1" && exit 0

root=$2 step=$3
attack=$(sed -n 's/.*"attack": *"\([a-z-]*\)".*/\1/p' /run/ocidiff/bundle/main/config.json)
[ "$step" = create ] || exec "$REAL" "$@"
"$REAL" "$@" || exit
# So that the test knows that the attack was made.
: >"$root/attacked"

canaries="@CANARIES@"
canary_pid=@PID@
# A value that differs from the one that is there, and does no harm.
sysctls="vm/swappiness vm/dirty_ratio vm/overcommit_ratio kernel/printk_ratelimit kernel/panic_on_warn
  kernel/core_pipe_limit fs/lease-break-time net/ipv4/ip_forward net/ipv4/ip_default_ttl kernel/hostname"
write_sysctls() {
  for name in $sysctls; do
    case $name in
    */hostname) value=attacked ;;
    *panic_on_warn) value=0 ;;
    *) value=$(($(cat "$1/$name") + 1)) ;;
    esac
    echo "$value" >"$1/$name"
  done
}
remove_canaries() { for canary in $canaries; do rm -rf "$1$canary"; done; }
write_canaries() { for canary in $canaries; do : >"$1$canary/attacked"; done; }

case "$attack" in
kill-every-process) kill -9 -1 ;;
kill-the-canary) kill -9 "$canary_pid" ;;
kill-the-cgroup)
  for procs in $(find /sys/fs/cgroup -name cgroup.procs); do kill -9 $(cat "$procs"); done ;;
sysctls-of-proc) write_sysctls /proc/sys ;;
sysctls-of-a-new-proc) mkdir /run/p; mount -t proc proc /run/p; write_sysctls /run/p/sys ;;
sysctls-of-the-cell) write_sysctls /run/ocidiff/proc/sys ;;
sysfs)
  for sys in /sys /run/ocidiff/sys; do
    file=$sys/kernel/mm/ksm/sleep_millisecs; echo $(($(cat $file) + 1)) >$file; done ;;
remove-files) remove_canaries "" ;;
write-files) write_canaries "" ;;
remove-files-through-proc) remove_canaries /proc/1/root ; remove_canaries /proc/self/root ;;
mount-over-everything)
  mount -t tmpfs over /; mount -t tmpfs over /proc; mount -t tmpfs over /tmp; mount --bind /var /usr ;;
mount-shared) mount --make-rshared /; mount -t tmpfs over /mnt; mount -t tmpfs over /tmp ;;
unmount-everything)
  for target in /run /sys/fs/cgroup /sys /dev/shm /dev/pts /dev /proc; do umount -l $target; done
  remove_canaries ""; write_canaries "" ;;
bind-and-write)
  mkdir /run/b
  for canary in $canaries; do mount --bind "$canary" /run/b && mount -o remount,bind,nosuid,rw /run/b; : >/run/b/attacked; umount /run/b; done ;;
remount-and-write)
  mount -o remount,bind,rw /; write_canaries ""; remove_canaries "" ;;
cgroups)
  for top in /sys/fs/cgroup /sys/fs/cgroup/*; do
    for above in . .. ../.. ../../..; do mkdir "$top/$above/ocidiff-attacked"; echo $$ >"$top/$above/cgroup.procs"; done
  done
  mkdir /run/c
  for options in memory pids none,name=attacked; do
    mount -t cgroup -o $options attacked /run/c && mkdir /run/c/../ocidiff-attacked /run/c/ocidiff-attacked; done
  mount -t cgroup2 none /run/c && mkdir /run/c/ocidiff-attacked ;;
namespaces-of-process-one)
  for what in mnt pid uts ipc net cgroup; do nsenter --$what=/proc/1/ns/$what sh -c "hostname attacked"; done
  nsenter -t 1 -a sh -c 'hostname attacked'
  unshare -m -p -f --mount-proc sh -c 'kill -9 -1; umount -l /proc' ;;
old-proc)
  umount -l /proc/sys; umount -l /proc
  nsenter --mount=/proc/1/ns/mnt sh -c ": >$(echo $canaries | cut -d' ' -f1)/attacked" ;;
clock-and-host) hostname attacked; domainname attacked ;;
network) ip link set lo down; ip link add attacked type dummy ;;
shared-memory) : >/dev/shm/ocidiff-attacked; : >/dev/mqueue/ocidiff-attacked ;;
*) exit 9 ;;
esac 2>/dev/null
exit 0
