#!/bin/sh
# have.sh GATE FILE - succeeds when the gate's file is there, says "skipped" otherwise.
[ -n "$2" ] && [ -e "$2" ] && exit 0
echo "$1: skipped: ${2:-its source} does not exist"
exit 1
