# Removes the cgroups of an engine that has ended. Called as: unshare -m sh sweep.sh CGROUP
mount --make-rprivate /
hugetlb() {
  [ -d /sys/fs/cgroup/unified ] && [ -d /sys/fs/cgroup/hugetlb ] && mount -t cgroup -o hugetlb hugetlb /sys/fs/cgroup/hugetlb 2>/dev/null
}
hugetlb && mounted=yes
for try in 1 2 3 4 5 6 7 8 9 10; do
  left=
  for top in "/sys/fs/cgroup$1" /sys/fs/cgroup/*"$1"; do
    if [ -d "$top" ]; then
      find "$top" -depth -type d -exec rmdir {} + 2>/dev/null || left=yes
    fi
  done
  [ -z "$left" ] && break
  sleep 0.1
done
# A v1 hierarchy goes with its last mount, but only if no cgroup of it is dying still: until then v2 lacks the controller.
if [ -n "$mounted" ]; then
  umount /sys/fs/cgroup/hugetlb
  for try in 1 2 3 4 5 6 7 8 9 10; do
    sleep 0.1
    grep -q hugetlb /sys/fs/cgroup/unified/cgroup.controllers && break
    hugetlb && umount /sys/fs/cgroup/hugetlb
  done
fi
[ -z "$left" ]
