#!/bin/sh
# A runtime that attacks the machine with what a wrong path, a wrong pid or a forgotten namespace could do. The
# attack is named by the bundle's annotation; the real runtime does the rest. It runs in a cell of ocidiff only.
REAL=@REAL@
[ "$1" = --version ] && echo "crun version 1.8.1" && exit 0

root=$2 step=$3
attack=$(sed -n 's/.*"attack": *"\([a-z-]*\)".*/\1/p' /run/ocidiff/bundle/main/config.json)
[ -n "$attack" ] && [ "$step" = create ] || exec "$REAL" "$@"
"$REAL" "$@" || exit
# So that the test knows that the attack was made.
: >"$root/attacked"

canaries="@CANARIES@"
ears="@EARS@"
canary_pid=@PID@
# Shows in the facts, and fails the test.
reached() { : >"$root/reached-$1"; }
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
remount-everything)
  cut -d' ' -f5 /proc/self/mountinfo | while read -r target; do
    mount -o remount,rw "$target"; mount -o remount,bind,rw "$target"; done
  for canary in $canaries; do
    chmod 777 "$canary/canary"; truncate -s 1 "$canary/canary"; mknod "$canary/attacked" p; done
  write_canaries ""; remove_canaries "" ;;
devices)
  for node in kmsg mem port kvm loop0 loop-control vda sda nvme0n1 tty0 ttyS0 fuse net/tun userfaultfd vsock; do
    [ -e /dev/$node ] && reached $node; done
  [ "$(stat -c %t:%T /dev/console)" = 5:1 ] && reached console ;;
made-devices)
  mkdir /attacked /attacked/on
  for disk in /sys/dev/block/*; do
    mknod /attacked/node b $(basename $disk | tr : ' ')
    (exec 3</attacked/node) && reached disk
    mount -o ro /attacked/node /attacked/on && reached mounted
    rm -f /attacked/node
  done
  # Memory, ports, the log, consoles, screens, virtual machines, loop devices, suspend, userfaultfd.
  for numbers in "1 1" "1 4" "1 11" "4 0" "4 64" "5 1" "7 0" "10 232" "10 237" "10 231" "10 126"; do
    mknod /attacked/node c $numbers
    (exec 3</attacked/node) && reached "$(echo $numbers | tr ' ' -)"
    rm -f /attacked/node
  done
  (exec 3</dev/null && exec 3</dev/zero) || reached nothing ;;
submounts)
  for folder in /sys/kernel/debug /sys/kernel/tracing /sys/kernel/security /sys/kernel/config /sys/fs/bpf \
    /sys/fs/pstore /sys/fs/fuse/connections /sys/fs/selinux /sys/firmware/efi/efivars /dev/hugepages; do
    [ -n "$(ls -A $folder)" ] && reached submount; done
  grep -qE ' - (debugfs|tracefs|securityfs|configfs|bpf|pstore|fusectl|selinuxfs|efivarfs|devtmpfs|sysfs) ' \
    /proc/self/mountinfo && reached mount ;;
remount-sysfs)
  mount -o remount,rw /sys; mount -o remount,bind,rw /sys
  for again in 1 2 3; do
    file=/sys/kernel/mm/ksm/sleep_millisecs; echo $(($(cat $file) + 1)) >$file; umount -l /sys; done ;;
sockets)
  for ear in $ears; do
    perl -MSocket -e 'socket(my $s, PF_UNIX, SOCK_STREAM, 0); connect($s, sockaddr_un($ARGV[0])) and exit 0; exit 1' \
      "$ear/socket" && reached socket
    timeout 0.2 sh -c 'echo heard >"$1"' sh "$ear/fifo"
    # Not the whole of it: the name must be there, or nothing was tried.
    [ -S "$ear/socket" ] && [ -p "$ear/fifo" ] || reached nothing
  done ;;
layers)
  lowers=$(grep -o 'lowerdir=[^ ,]*' /proc/self/mountinfo | cut -d= -f2 | tr : ' ')
  for at in /run/ocidiff/lower/* $lowers /proc/1/fd/* /proc/self/fd/* /proc/1/root/run/ocidiff/lower/*; do
    mount -o remount,rw "$at"; mount -o remount,bind,rw "$at"
    rm -rf "$at/bin/probe"; : >"$at/attacked"; [ -e "$at/canary" ] && reached layer; done
  echo attacked >>/run/ocidiff/bin/probe
  # With a mount of the machine's filesystem in hand its files can be had by their handles.
  grep -qE ' - (ext[234]|xfs|btrfs|zfs|f2fs|vfat|9p|virtiofs|nfs4?|fuse[^ ]*) ' /proc/self/mountinfo && reached filesystem ;;
bounds)
  for file in $(find /sys/fs/cgroup -maxdepth 2 -name pids.max -o -maxdepth 2 -name memory.limit_in_bytes -o -maxdepth 2 -name memory.max); do
    echo max >$file || echo -1 >$file; done
  mkfifo /run/held
  (count=0; while [ $count -lt 2200 ]; do (read -r nothing <>/run/held) & count=$((count + 1)); echo $count >/run/count; done)
  [ "$(cat /run/count)" -lt 2100 ] || reached processes ;;
*) exit 9 ;;
esac 2>/dev/null
exit 0
