#!/bin/sh
# A runtime that says it is crun, has everything done by a real one, and breaks one thing: the fault that the
# bundle's annotation names. It runs in a cell of ocidiff only.
REAL=@REAL@
[ "$1" = --version ] && echo "crun version 1.8.1" && exit 0

# The manifest's order: --root ROOT STEP OPTION... ID
root=$2 step=$3
bundle=/run/ocidiff/bundle/main pid_file=/run/ocidiff/pid/main
fault=$(sed -n 's/.*"fault": *"\([a-z-]*\)".*/\1/p' "$bundle/config.json")

real() { "$REAL" "$@"; }
hang() { exec sleep 1000; }
background() { setsid "$@" </dev/null >/dev/null 2>&1 & }

case "$fault in $step" in
# It does not come back.
"hang-in-create in create" | "hang-in-start in start" | "hang-in-state in state" | \
"hang-in-kill in kill" | "hang-in-delete in delete" | "hang-in-run in run") hang ;;
"hang-after-create in create") real "$@"; hang ;;
"deaf-to-term in create") trap '' TERM INT HUP QUIT; while :; do sleep 1000; done ;;
"stopped in start") kill -STOP $$ ;;
"frozen in start")
  for freezer in /sys/fs/cgroup/freezer/freezer.state; do [ -e $freezer ] && echo FROZEN >$freezer; done
  hang ;;

# It dies.
"killed-in-create in create" | "killed-in-start in start" | "killed-in-delete in delete") kill -KILL $$ ;;
"segfault in create") kill -SEGV $$ ;;
"out-of-memory in create") exec tail /dev/zero ;;
"panic in start") printf 'panic: no\n\ngoroutine 1 [running]:\n' >&2; exit 2 ;;

# It says too much, or nonsense.
"flood-in-create in create") head -c 1000000000 /dev/zero; real "$@" ;;
"flood-in-state in state") head -c 1000000000 /dev/zero ;;
"flood-for-ever in create") real "$@"; setsid yes & ;;
"garbage-state in state") head -c 100000 /dev/urandom ;;
"half-a-state in state") real "$@" | head -c 40 ;;
"empty-state in state") : ;;
"escapes-in-state in state")
  printf '{"ociVersion":"1.0.2","id":"main","status":"\\u001b]0;owned\\u0007\\u001b[31mrunning","pid":1,"bundle":"/"}' ;;
"escapes-in-error in create") printf '\033[2J\033]0;owned\007 no\n' >&2; exit 1 ;;

# It makes more calls than the recorder has room for: twice the small ring, and more than the large one.
"many-calls in create") i=0; while [ $i -lt 30000 ]; do cd /; i=$((i + 1)); done; real "$@" ;;
"too-many-calls in create") i=0; while [ $i -lt 700000 ]; do cd /; i=$((i + 1)); done; real "$@" ;;

# Its pid file is wrong.
"no-pid-file in create") real "$@"; rm -f $pid_file ;;
"garbage-pid-file in create") real "$@"; echo "no pid" >$pid_file ;;
"binary-pid-file in create") real "$@"; printf '\377\376' >$pid_file ;;
"pid-of-nobody in create") real "$@"; echo 4194000 >$pid_file ;;
"pid-of-the-cell in create") real "$@"; echo 1 >$pid_file ;;
"pid-of-another in create") real "$@"; setsid sleep 1000 >/dev/null 2>&1 & sleep 0.1; echo $! >$pid_file ;;
"pid-file-is-a-fifo in create") real "$@"; rm -f $pid_file; mkfifo $pid_file ;;
"pid-file-is-endless in create") real "$@"; ln -sf /dev/zero $pid_file ;;

# It leaves things behind.
"leave-a-process in delete") real "$@"; background sleep 1000 ;;
"leave-a-mount in delete") real "$@"; mkdir -p "$root/stray"; mount -t tmpfs stray "$root/stray" ;;
"leave-a-cgroup in delete")
  real "$@"
  for top in /sys/fs/cgroup /sys/fs/cgroup/memory; do [ -e $top/cgroup.procs ] && mkdir $top/stray; done ;;
"leave-a-busy-cgroup in delete")
  real "$@"
  for top in /sys/fs/cgroup /sys/fs/cgroup/memory; do
    [ -e $top/cgroup.procs ] && mkdir -p $top/a/stray && { background sleep 1000; echo $! >$top/a/stray/cgroup.procs; }
  done ;;
"leave-a-file in delete") real "$@"; : >"$root/stray" ;;
"delete-nothing in delete") : ;;

# It takes everything that there is.
"fork-for-ever in start") while :; do setsid sleep 1000 >/dev/null 2>&1 & done ;;
"fork-bomb in start") bomb() { bomb & bomb & wait; }; bomb >/dev/null 2>&1 & real "$@" ;;
"fill-the-disk in create") head -c 2000000000 /dev/zero >/run/full; real "$@" ;;

# It says that all went well, and did nothing.
"create-nothing in create") : ;;
"do-nothing in "*) : ;;

# It is careless with what it was given.
"close-stdout in create") real "$@" >&- 2>&- ;;
"keep-stdout in create") real "$@"; setsid sleep 1000 & ;;
"remove-the-cell in create") real "$@"; rm -rf /run/ocidiff/* 2>/dev/null ;;
"unmount-proc in create") real "$@"; umount -l /proc ;;
"kill-all in create") real "$@"; kill -9 -1 ;;
*) exec "$REAL" "$@" ;;
esac
