#!/bin/sh
# Process 1 of a virtual machine: loads modules, mounts what a Linux system has, runs /job and switches the machine off.
export PATH=/bin:/sbin:/usr/bin:/usr/sbin
/bin/busybox --install -s /bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
for module in /lib/modules/*.ko; do insmod "$module" || echo "ocidiff: insmod $module failed"; done
# No runtime can pivot away from the first file system itself, but from a mount of a folder of it.
mount --bind /new /new
mount -t proc proc /new/proc; mount -t sysfs sys /new/sys; mount -t devtmpfs dev /new/dev
cd /new/dev && mkdir -p pts shm mqueue && ln -sf /proc/self/fd fd && ln -sf pts/ptmx ptmx
for n in 0:stdin 1:stdout 2:stderr; do ln -sf /proc/self/fd/"${n%:*}" "${n#*:}"; done
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts pts
mount -t tmpfs -o mode=1777 shm shm; mount -t mqueue mqueue mqueue
mount -t tracefs tracefs /new/sys/kernel/tracing; mount -t bpf bpf /new/sys/fs/bpf
mount -t securityfs securityfs /new/sys/kernel/security
groups=/new/sys/fs/cgroup
case "$(cat /cgroup)" in
v1)
  mount -t tmpfs -o mode=755 cgroup $groups
  while read -r name _ _ enabled; do
    case "$name" in '#'*) continue ;; esac
    [ "$enabled" = 1 ] && mkdir $groups/"$name" && mount -t cgroup -o "$name" "$name" $groups/"$name"
  done </proc/cgroups
  mkdir $groups/systemd && mount -t cgroup -o none,name=systemd systemd $groups/systemd ;;
*)
  mount -t cgroup2 cgroup2 $groups
  for name in $(cat $groups/cgroup.controllers); do echo "+$name" >$groups/cgroup.subtree_control; done ;;
esac
hostname vm; ip link set lo up
chroot /new /bin/busybox --install -s /bin
umount /proc /sys
cd /new && mount -o move . / && exec chroot . /bin/sh /job
echo "ocidiff: the machine did not start its job"
