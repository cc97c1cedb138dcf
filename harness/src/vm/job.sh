# What the machine is for. Its words and where it stands are written before this.
port() {
  for one in /sys/class/virtio-ports/*; do
    [ "$(cat "$one/name")" = "$1" ] && echo "/dev/${one##*/}"
  done
}
said=$(port said)
cd "$FOLDER" || cd /
command=$1
shift
"$PROGRAM" "$command" --json "$(port events)" "$@" >"$said" 2>&1 </dev/null
echo "ocidiff-vm: status $?" >"$said"
poweroff -f
