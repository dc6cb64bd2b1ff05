#!/bin/sh
# As a container with a read-only root and a user without rights: readonly.sh WORKER PROGRAM ARGS... runs a program that may write nowhere, but that
# MT_TRANSCODE_WORKER is there. Inside a mount namespace of its own; 77 where that is not allowed.
set -u
worker=$1
shift
mount --make-rprivate / || exit 77
# Every mount that can be written to becomes read-only, and what must be one is covered.
cut -d' ' -f5 /proc/self/mountinfo | while read -r place; do
    mount -o remount,bind,ro "$place" 2>/dev/null || true
done
for place in / /tmp /var/tmp /dev/shm; do
    if [ -w "$place" ] && ! mount -o remount,bind,ro "$place" 2>/dev/null; then
        mount --bind "$place" "$place" && mount -o remount,bind,ro "$place" || exit 77
    fi
done
cd / || exit 77
if setpriv --reuid 65534 --regid 65534 --clear-groups touch /tmp/written /var/tmp/written /dev/shm/written 2>/dev/null; then
    echo "something can be written to" >&2
    exit 77
fi
MT_TRANSCODE_WORKER=$worker exec setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs --bounding-set -all "$@"
