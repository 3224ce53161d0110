# Every call that changes a file system fails once, and is interrupted once.

preload() {
	cc=${CC:-cc}
	[ -e "$T/fail.so" ] || "$cc" -D_GNU_SOURCE -shared -fPIC -o "$T/fail.so" "$HERE/fail.c" 2>/dev/null || return 1
	[ "$(LD_PRELOAD=$T/fail.so "$TENTC" version 2>&1)" = "tentc 0.1.0" ]
}

# each_call SIGNAL STATUS: compiles k into out with the n-th call failing, n = 0, 1, 2, ...
each_call() {
	n=0 whole=0
	while :; do
		rm -rf out mark
		mkdir out
		plain old >out/a.yaml
		plain old >out/c.yaml
		LD_PRELOAD=$T/fail.so FAIL_AT=$n FAIL_MARK=$PWD/mark FAIL_SIGNAL=$1 "$TENTC" compile k -o out \
			>"$T/out" 2>"$T/err"
		rc=$?
		[ -e mark ] || break
		[ -n "$1" ] || [ $rc -eq "$2" ] || complain "call $n: exit status $rc"
		[ -z "$(find out -name '.*' -type f)" ] || complain "call $n: a temporary file was left"
		new=0
		for f in a.yaml c.yaml sub/b.yaml; do
			if cmp -s k/$f out/$f; then
				new=$((new + 1))
			elif [ -e out/$f ]; then
				cmp -s old.yaml out/$f || complain "call $n: $f is neither old nor new"
			fi
		done
		if grep -q 'nothing was written' "$T/err" && { [ $new -ne 0 ] || [ -e out/sub ]; }; then
			complain "call $n: something was written"
		fi
		[ -n "$1" ] && [ $new -ne 0 ] && [ $new -ne 3 ] && complain "call $n: half was written"
		[ $new -eq 0 ] || grep -q 'was replaced already\|all files were replaced' "$T/err" || [ -n "$1" ] ||
			complain "call $n: files were replaced, and it was not said"
		n=$((n + 1))
	done
	want_rc 0
	[ $n -gt 10 ] || complain "only $n calls"
	want_file k/sub/b.yaml out/sub/b.yaml
}

case_ "each call that changes the file system fails"
mkdir -p k/sub
plain a >k/a.yaml
plain b >k/sub/b.yaml
plain c >k/c.yaml
plain old >old.yaml
if preload; then
	each_call "" 2
else
	skip "no C compiler, or a build that cannot be preloaded"
fi

case_ "a signal at each of these calls"
mkdir -p k/sub
plain a >k/a.yaml
plain b >k/sub/b.yaml
plain c >k/c.yaml
plain old >old.yaml
if preload; then
	each_call 15 143
else
	skip "no C compiler, or a build that cannot be preloaded"
fi

case_ "abort: a message and exit status 70, nothing left behind"
mkdir k
plain a >k/a.yaml
if preload; then
	LD_PRELOAD=$T/fail.so FAIL_AT=2 FAIL_MARK=$PWD/mark FAIL_SIGNAL=6 "$TENTC" compile k -o out >"$T/out" 2>"$T/err"
	rc=$?
	want_rc 70
	want_err "tentc: out of memory or internal error"
	want_files k/a.yaml mark
else
	skip "no C compiler, or a build that cannot be preloaded"
fi
