#!/bin/sh
# Runs every golden case: sh tests/golden.sh TENTC [WRAPPER...]
#
# A case is a folder testdata/golden/NAME with
#   args          the arguments, as a shell would read them
#   in/           the files, copied into a fresh working folder; in/stdin, if there, is the standard input
#   prepare       where there: a shell script run there first, for what cannot be checked in: a huge file, invalid bytes,
#                 an earlier compile. It finds the program as $TENTC and testdata/ as $TESTDATA
#   want.out      the whole standard output
#   want.err      the whole standard error
#   want.rc       the exit status
#   want/         what the folder out/ must hold afterwards, file for file; without it there must be no out/
#   adds          where there: the name of an input, a line each. Every line of it is in the output, in order: `diff` of
#                 the two shows added lines only
#
# UPDATE=1 writes the want files anew: look at the difference before you commit it. ONLY=PATTERN runs the cases whose names
# match. WRAPPER is put in front of the program (valgrind, with an exit status of its own).
set -u
cd "$(dirname "$0")/.." || exit 2
TENTC=$(realpath "$1") TESTDATA=$(realpath testdata)
shift
export TENTC TESTDATA
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
passed=0 failed=0
unset NO_COLOR LANG LC_ALL LANGUAGE

# The case's folder is the whole world of the run.
run_case() {
	rm -rf "$tmp/run"
	mkdir "$tmp/run"
	[ ! -d "$1/in" ] || cp -R "$1/in/." "$tmp/run/"
	if [ -f "$1/prepare" ]; then
		prepare=$(realpath "$1/prepare")
		if ! (cd "$tmp/run" && sh -eu "$prepare") >"$tmp/err" 2>&1; then
			echo "prepare failed" >"$tmp/rc"
			: >"$tmp/out"
			return
		fi
	fi
	: >"$tmp/stdin"
	[ ! -f "$tmp/run/stdin" ] || mv "$tmp/run/stdin" "$tmp/stdin"
	args=$(cat "$1/args")
	shift
	(
		cd "$tmp/run" || exit 99
		eval "exec \"\$@\" \"\$TENTC\" $args" <"$tmp/stdin" >"$tmp/out" 2>"$tmp/err"
	)
	echo $? >"$tmp/rc"
}

update_case() {
	for f in out err rc; do
		cp "$tmp/$f" "$1/want.$f"
	done
	rm -rf "$1/want"
	[ ! -d "$tmp/run/out" ] || cp -R "$tmp/run/out" "$1/want"
}

# only_adds CASE: what diff -d shows of each input is nothing but added lines.
only_adds() {
	while IFS= read -r input; do
		output=$tmp/out
		[ ! -e "$tmp/run/out/$input" ] || output=$tmp/run/out/$input
		[ -s "$tmp/run/$input" ] || echo "< $input is not there"
		diff -d "$tmp/run/$input" "$output" | grep '^<'
	done <"$1/adds" >"$tmp/gone"
	[ -s "$tmp/gone" ] || return 0
	echo "lines of the input are changed or gone:"
	cat "$tmp/gone"
	return 1
}

check_case() {
	bad=0
	for f in out err rc; do
		diff -u "$1/want.$f" "$tmp/$f" || bad=1
	done
	if [ -d "$1/want" ]; then
		diff -ruN "$1/want" "$tmp/run/out" || bad=1
	elif [ -d "$tmp/run/out" ]; then
		echo "there is a folder out/, and no $1/want"
		bad=1
	fi
	if [ -f "$1/adds" ]; then
		only_adds "$1" || bad=1
	fi
	return $bad
}

for d in testdata/golden/*/; do
	d=${d%/}
	case ${d##*/} in
	${ONLY:-*}) ;;
	*) continue ;;
	esac
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
