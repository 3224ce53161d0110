# What changes in a file, and what does not.

# only_adds OLD NEW: no line of OLD is changed or gone.
only_adds() {
	if diff "$1" "$2" | grep '^<' >"$T/gone"; then
		complain "lines of $1 changed:"
		sed 's/^/    /' "$T/gone"
	fi
}

case_ "online-boutique with five contracts: lines are added, none changes"
TESTDATA=$HERE/../../testdata
export TESTDATA
if [ -f "$TESTDATA/golden/online-boutique/prepare" ]; then
	cp -R "$TESTDATA/golden/online-boutique/in/." .
	sh -eu "$TESTDATA/golden/online-boutique/prepare" || complain "cannot be prepared"
	run compile --enclave boutique kubernetes-manifests.yaml workflows.yaml -o out/ --explain-edits
	want_rc 0
	[ "$(grep -c ': edited$' "$T/err")" -eq 7 ] || complain "not seven documents edited"
	! grep -q 'written anew' "$T/err" || complain "a document was written anew"
	only_adds kubernetes-manifests.yaml out/kubernetes-manifests.yaml
	only_adds workflows.yaml out/workflows.yaml
	run compile --enclave boutique out/kubernetes-manifests.yaml out/workflows.yaml -o again/ --explain-edits
	want_rc 0
	! grep -Eq ': (edited|written)' "$T/err" || complain "the second run changes something"
	want_file out/kubernetes-manifests.yaml again/kubernetes-manifests.yaml
	want_file out/workflows.yaml again/workflows.yaml
else
	skip "the golden case online-boutique is not there"
fi

case_ "manifests full of comments keep them all, and their line ends"
for golden in comments comments-odd-places; do
	cp "$TESTDATA/golden/$golden/in/shop.yaml" lf.yaml
	sed 's/$/\r/' lf.yaml >crlf.yaml
	printf %s "$(cat lf.yaml)" >noend.yaml
	for f in lf crlf noend; do
		run compile $f.yaml -o $f.out --explain-edits
		want_rc 0
		! grep -q 'written anew' "$T/err" || complain "a document of $f.yaml was written anew"
		# In order, and as often as they are there; where they stand on their line may change.
		tr -d '\r' <$f.yaml | awk 'match($0, /#.*/) { print substr($0, RSTART) }' >"$T/comments"
		[ "$(wc -l <"$T/comments")" -gt 30 ] || complain "$golden has few comments"
		tr -d '\r' <$f.out | awk 'match($0, /#.*/) { print substr($0, RSTART) }' |
			diff -d "$T/comments" - | grep '^<' >"$T/gone"
		[ ! -s "$T/gone" ] || complain "$f.out of $golden lacks: $(cat "$T/gone")"
	done
	! grep -v "$(printf '\r')\$" crlf.out >"$T/gone" || complain "lines of crlf.out without CR"
	tr -d '\r' <crlf.out | diff -u lf.out - || complain "CRLF changes more than line ends"
	[ $golden != comments ] || only_adds lf.yaml lf.out
done
