#!/bin/sh
# What tentc does with files, folders, streams and signals: sh tests/cli.sh TENTC
# The cases stand in tests/cli/*.sh. The last line counts them; the exit status is 1 when one failed.
set -u
[ $# -eq 1 ] || { echo "usage: sh tests/cli.sh TENTC" >&2; exit 2; }
HERE=$(cd "$(dirname "$0")/cli" && pwd)
TENTC=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
T=$(mktemp -d) || exit 2
chmod 755 "$T"
LC_ALL=C
unset NO_COLOR
export LC_ALL
passed=0 failed=0 skipped=0 name= bad=0 reason=

finish() {
	[ -n "$name" ] || return 0
	cd "$T" || exit 2
	if [ "$bad" -ne 0 ]; then
		failed=$((failed + 1))
		echo "FAILED $name"
	elif [ -n "$reason" ]; then
		skipped=$((skipped + 1))
		echo "skipped $name: $reason"
	else
		passed=$((passed + 1))
	fi
	name=
}

# case_ NAME: ends the case before, begins one in an empty folder.
case_() {
	finish
	name=$1 bad=0 reason=
	rm -rf "$T/work" "$T/out" "$T/err"
	mkdir "$T/work" && cd "$T/work" || exit 2
}

skip() { reason=$1; }

complain() {
	bad=1
	echo "$name: $*"
	[ ! -s "$T/err" ] || sed 's/^/    stderr: /' "$T/err"
}

# run ARG...: stdout, stderr and status into $T/out, $T/err and $rc.
run() {
	"$TENTC" "$@" >"$T/out" 2>"$T/err"
	rc=$?
}

want_rc() { [ "$rc" -eq "$1" ] || complain "exit status $rc, want $1"; }
want_err() { grep -qF -- "$1" "$T/err" || complain "stderr lacks: $1"; }
want_no_err() { [ ! -s "$T/err" ] || complain "stderr is not empty"; }
want_no_out() { [ ! -s "$T/out" ] || complain "stdout is not empty"; }
want_out() { printf '%s\n' "$1" | diff -u - "$T/out" || complain "stdout differs"; }
want_file() { diff -u "$1" "$2" || complain "$2 differs from $1"; }
# want_files NAME...: exactly these are below the current folder, hidden ones included.
want_files() {
	printf '%s\n' "$@" | sort >"$T/want"
	find . -type f | sed 's,^\./,,' | sort | diff -u "$T/want" - || complain "other files than expected"
}

plain() {
	printf 'kind: ConfigMap\napiVersion: v1\nmetadata:\n  name: %s   # kept\ndata: {a: "1"}\n' "$1"
}

# A tentacle with every service: its output has documents of all kinds.
tentacle() {
	cat <<YAML
apiVersion: apps/v1
kind: Deployment
metadata:
  name: $1
  namespace: demo
  annotations:
    tentacular.io/contract: |
      dependencies:
        tentacular-postgres:
        tentacular-rustfs:
        tentacular-nats:
        tentacular-spire:
spec:
  selector:
    matchLabels: {app: $1}
  template:
    metadata:
      labels: {app: $1}
    spec:
      containers:
        - name: main
          image: example/$1
YAML
}

for file in "$HERE"/*.sh; do
	. "$file"
done
finish
rm -rf "$T"
echo "cli: $passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
