#!/bin/sh
# Runs every golden case: sh tests/golden.sh TENTC [WRAPPER...]
#
# A case is a folder testdata/NAME with
#   args          the arguments, as a shell would read them
#   in/           the files, copied into a fresh working folder; in/stdin, if there, is the standard input
#   want.out      the whole standard output
#   want.err      the whole standard error
#   want.rc       the exit status
#   want/         where there: what the folder out/ must hold afterwards, file for file
#
# UPDATE=1 writes the want files anew: look at the difference before you commit it. ONLY=NAME runs one case.
# WRAPPER is put in front of the program (valgrind, with an exit status of its own).
set -u
cd "$(dirname "$0")/.." || exit 2
tentc=$(realpath "$1")
shift
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
passed=0 failed=0
unset NO_COLOR LANG LC_ALL

# The case's folder is the whole world of the run.
run_case() {
	rm -rf "$tmp/run"
	mkdir "$tmp/run"
	[ ! -d "$1/in" ] || cp -R "$1/in/." "$tmp/run/"
	if [ -f "$1/in/stdin" ]; then
		mv "$tmp/run/stdin" "$tmp/stdin"
	else
		: >"$tmp/stdin"
	fi
	args=$(cat "$1/args")
	shift
	(
		cd "$tmp/run" || exit 99
		eval "exec \"\$@\" \"\$tentc\" $args" <"$tmp/stdin" >"$tmp/out" 2>"$tmp/err"
	)
	echo $? >"$tmp/rc"
}

update_case() {
	for f in out err rc; do
		cp "$tmp/$f" "$1/want.$f"
	done
	if [ -d "$1/want" ]; then
		rm -rf "$1/want"
		cp -R "$tmp/run/out" "$1/want"
	fi
}

check_case() {
	bad=0
	for f in out err rc; do
		diff -u "$1/want.$f" "$tmp/$f" || bad=1
	done
	if [ -d "$1/want" ]; then
		diff -ru "$1/want" "$tmp/run/out" || bad=1
	fi
	return $bad
}

for d in testdata/golden/*/; do
	d=${d%/}
	[ -z "${ONLY:-}" ] || [ "$d" = "testdata/golden/$ONLY" ] || continue
	run_case "$d" "$@"
	[ -z "${UPDATE:-}" ] || update_case "$d"
	if check_case "$d" >"$tmp/diff" 2>&1; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED $d"
		cat "$tmp/diff"
	fi
done
echo "golden: $passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
