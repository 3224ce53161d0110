# compile --check.

case_ "--check: equal, different, missing, stale"
mkdir -p k/sub
plain a >k/a.yaml
plain b >k/sub/b.yaml
run compile k -o out
want_rc 0
run compile k -o out --check
want_rc 0
want_no_out
plain stale >out/sub/z.yml
echo kept >out/readme.txt
sed 's/a/A/' k/a.yaml >out/a.yaml
rm out/sub/b.yaml
run compile k -o out --check
want_rc 1
want_err "tentc: out/a.yaml differs"
want_err "tentc: out/sub/b.yaml is missing"
want_err "tentc: out/sub/z.yml is produced by nothing any more"
want_err "tentc: 3 files are out of date"
grep -qx -- '--- a/out/a.yaml' "$T/out" && grep -qx -- '+++ b/out/a.yaml' "$T/out" || complain "no header"
grep -qx -- '--- /dev/null' "$T/out" || complain "no header for the missing file"
if grep -q readme.txt "$T/err"; then complain "names a file that is not a manifest"; fi
if command -v patch >/dev/null; then
	patch -s -p1 <"$T/out" || complain "patch refuses the diff"
elif command -v git >/dev/null; then
	git apply "$T/out" || complain "git refuses the diff"
fi
want_file k/a.yaml out/a.yaml
want_file k/sub/b.yaml out/sub/b.yaml

case_ "--check of one file; of a folder that is not there"
plain a >a.yaml
run compile a.yaml -o b.yaml --check
want_rc 1
want_err "b.yaml is missing"
cp a.yaml b.yaml
run compile a.yaml -o b.yaml --check
want_rc 0
run compile a.yaml -o out/ --check
want_rc 1
want_err "out/a.yaml is missing"
want_files a.yaml b.yaml

case_ "--check: usage, errors before differences"
plain a >a.yaml
run compile a.yaml --check
want_rc 2
want_err 'give them with -o FILE or -o DIR'
echo 'a: [' >bad.yaml
run compile bad.yaml -o b.yaml --check
want_rc 3
mkdir -p out/a.yaml
run compile a.yaml -o out --check
want_rc 2
want_err 'cannot read "out/a.yaml": is a directory'

case_ "--check does not take the sources for stale files, nor its own folder for sources"
mkdir src
plain a >src/a.yaml
run compile src -o .
want_rc 0
run compile src -o . --check
want_rc 0
want_files a.yaml src/a.yaml

case_ "--check with a full standard output is not called a difference"
plain a >a.yaml
plain b >b.yaml
"$TENTC" compile a.yaml -o b.yaml --check >/dev/full 2>"$T/err"
rc=$?
want_rc 2
