# An engine of a test's own. Called as: unshare -m -p -f -i -u -n --kill-child --mount-proc sh private.sh FOLDER COMMAND...
# It, and everything under it, ends with process 1 of this pid namespace; its mounts end with the mount namespace. What
# engines write outside of their folders goes to a tmpfs.
set -e
folder=$1
shift
mount --make-rprivate /

# crun refuses a machine with v1 and v2 where v2 has a controller: this is the only one that it has here.
if [ -d /sys/fs/cgroup/unified ] && grep -qs '^hugetlb' /proc/cgroups; then
  mkdir -p /sys/fs/cgroup/hugetlb
  mount -t cgroup -o hugetlb hugetlb /sys/fs/cgroup/hugetlb || true
fi
for part in vm fs dev debug abi user; do
  if [ -d /proc/sys/$part ]; then
    mount --bind /proc/sys/$part /proc/sys/$part
    mount -o remount,bind,ro /proc/sys/$part
  fi
done

exec 9<"$folder"
mkdir -p "$folder/cover"
mount -t tmpfs cover "$folder/cover"
for part in etc opt var; do
  mkdir -p "$folder/cover/$part" "$folder/cover/$part.work"
  mount -t overlay -o "lowerdir=/$part,upperdir=$folder/cover/$part,workdir=$folder/cover/$part.work" "cover-$part" "/$part"
done
mount -t tmpfs run /run
case $folder in /etc/* | /opt/* | /var/* | /run/*)
  mkdir -p "$folder"
  mount --bind /proc/self/fd/9 "$folder"
esac
ip link set lo up 2>/dev/null || true

exec "$@" 9<&-
