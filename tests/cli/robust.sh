# Input that is damaged, hostile, or changes while it is read. Each is passed through byte for byte, or refused at its
# place; nothing takes long. (Golden cases: bom, warn-only-comments, refuse-tab, refuse-utf16, refuse-billion-laughs.)

# slow_is_wrong ARG...: as run; it ends in 10 seconds of processor time, whatever a sanitizer costs.
slow_is_wrong() {
	(ulimit -t 10; exec "$TENTC" "$@") >"$T/out" 2>"$T/err"
	rc=$?
}

# refused PLACE MESSAGE: of in.yaml.
refused() {
	slow_is_wrong compile in.yaml
	want_rc 3
	want_no_out
	want_err "in.yaml:$1: error: $2"
}

# kept: in.yaml comes out as it is.
kept() {
	slow_is_wrong compile in.yaml
	want_rc 0
	want_file in.yaml "$T/out"
}

# repeat N TEXT: without line ends between.
repeat() { awk -v n="$1" -v s="$2" 'BEGIN { while (n-- > 0) printf "%s", s }'; }

case_ "UTF-16 and UTF-32 are refused by name, with and without a byte order mark"
printf 'n\000a\000:\000 \0001\000\n\000' >in.yaml
refused 1:1 "the text is UTF-16, little-endian; Kubernetes reads UTF-8 only [TC002]"
printf '\000n\000a\000:\000 \0001\000\n' >in.yaml
refused 1:1 "the text is UTF-16, big-endian; Kubernetes reads UTF-8 only [TC002]"
printf '\377\376n\000:\000 \0001\000' >in.yaml
refused 1:1 "the text is UTF-16, little-endian; Kubernetes reads UTF-8 only [TC002]"
printf '\376\377\000n\000:\000 \0001' >in.yaml
refused 1:1 "the text is UTF-16, big-endian; Kubernetes reads UTF-8 only [TC002]"
printf '\377\376\000\000n\000\000\000' >in.yaml
refused 1:1 "the text is UTF-32, little-endian; Kubernetes reads UTF-8 only [TC002]"
printf '\000\000\376\377\000\000\000n' >in.yaml
refused 1:1 "the text is UTF-32, big-endian; Kubernetes reads UTF-8 only [TC002]"
# Of 7 bytes; UTF-16 without a Latin letter, which begins with a Greek one; UTF-32 without a mark.
printf 'n\000a\000:\000 ' >in.yaml
refused 1:1 "the text is UTF-16, little-endian; Kubernetes reads UTF-8 only [TC002]"
printf '\261\003\262\003:\000 \000\263\003\n\000' >in.yaml
refused 1:1 "the text is UTF-16, little-endian; Kubernetes reads UTF-8 only [TC002]"
printf '\003\261\003\262\000:\000 \003\263\000\n' >in.yaml
refused 1:1 "the text is UTF-16, big-endian; Kubernetes reads UTF-8 only [TC002]"
printf '\000\000\000n\000\000\000:\000\000\000\n' >in.yaml
refused 1:1 "the text is UTF-32, big-endian; Kubernetes reads UTF-8 only [TC002]"
printf 'n\000\000\000:\000\000\000\n\000\000\000' >in.yaml
refused 1:1 "the text is UTF-32, little-endian; Kubernetes reads UTF-8 only [TC002]"

case_ "a byte order mark: kept at the start, refused inside"
printf '\357\273\277a: 1\n---\nb: 1\n' >in.yaml
kept
printf 'a: 1\n---\n\357\273\277b: 1\n' >in.yaml
kept
printf 'a: 1\n\357\273\277b: 1\n' >in.yaml
refused 2:1 "found a byte order mark inside a document"

case_ "bytes that are no UTF-8, and characters that no text may hold"
for text in '\377' '\303(' '\300\257' '\355\240\200' '\364\220\200\200' '\342\202'; do
	printf "a: 1\nb: x$text" >in.yaml
	refused 2:5 "found the byte 0x"
done
for text in '\000' '\001' '\177' '\033'; do
	printf "a: 1\nb: x${text}y\n" >in.yaml
	refused 2:5 "found the character U+00"
done
printf 'a: \000\n' >in.yaml
refused 1:4 "found the character U+0000, which no YAML text may hold [TC003]"

case_ "tabs: refused where they indent, kept elsewhere"
printf 'a:\n\tb: 1\n' >in.yaml
refused 2:1 "found a tab where indentation or a value is expected [TC012]"
printf 'a:\n  - 1\n\t- 2\n' >in.yaml
refused 3:1 "found a tab"
printf 'a: 1\t# tab\nb: "x\ty"\nc: |\n  x\ty\n  \tz\n' >in.yaml
kept

case_ "directives are refused, however many"
printf -- '---\na: 1\n---\n%%YAML 1.2\nb: 1\n' >in.yaml
refused 4:1 "a YAML directive, which Kubernetes does not take [TC005]"
{ repeat 40000 '%TAG ! x
'; printf -- '---\na: 1\n'; } >in.yaml
refused 1:1 "a YAML directive"

case_ "documents with only comments, and the end of a document"
printf '# one\n---\n# two\n\n---\na: 1 # three\n...\n# four\n---\n\n# five' >in.yaml
kept
printf 'a: 1\n...\nb: 2\n' >in.yaml
refused 3:1 "content after a document end marker, which kubectl drops silently [TC006]"

case_ "10,000 documents: unchanged, and one in the middle that is not"
awk 'BEGIN { for (i = 1; i <= 10000; i++) printf "---\n# %d\nkind: ConfigMap\napiVersion: v1\nmetadata: {name: c%d}\n", i, i }' >in.yaml
kept
{ sed -n 1,25000p in.yaml; echo ---; tentacle shop | sed 's/labels: {app: shop}/labels:\n        app: shop/'; sed -n '25001,$p' in.yaml; } >mixed.yaml
slow_is_wrong compile mixed.yaml
want_rc 0
only_adds mixed.yaml "$T/out"
[ "$(grep -c '^---' "$T/out")" -gt 10001 ] || complain "nothing was added"
{ cat in.yaml; printf -- '---\na: [1\n'; } >in2.yaml && mv in2.yaml in.yaml
refused 50002:4 "a bracket [ is opened here and never closed [TC012]"

case_ "alias bombs: exponential, quadratic, by merge keys, in a contract"
awk 'BEGIN { printf "a0: &a0 [x, x]\n"; for (i = 1; i < 60; i++) printf "a%d: &a%d [*a%d, *a%d]\n", i, i, i - 1, i - 1 }' >in.yaml
refused 20:6 "the document has more than 4000000 values when its aliases are followed [TC011]"
{ printf 'a: &a ['; repeat 2500 'x,'; printf ']\nb: ['; repeat 2500 '*a,'; printf ']\n'; } >in.yaml
refused 2:4802 "the document has more than 4000000 values when its aliases are followed [TC011]"
awk 'BEGIN { printf "a0: &a0 {k: 1}\n"; for (i = 1; i < 60; i++) printf "a%d: &a%d {<<: [*a%d, *a%d], k%d: 1}\n", i, i, i - 1, i - 1, i }' >in.yaml
slow_is_wrong compile in.yaml
[ "$rc" -eq 0 ] || [ "$rc" -eq 3 ] || complain "exit status $rc"
tentacle shop | awk '/contract: \|/ { print; printf "      a0: &a0 [x, x]\n"
	for (i = 1; i < 40; i++) printf "      a%d: &a%d [*a%d, *a%d]\n", i, i, i - 1, i - 1; next } { print }' >in.yaml
slow_is_wrong compile in.yaml
want_rc 3
want_err 'values when its aliases are followed [TC011]'

case_ "nesting: the limit, one past it, and far past it"
for depth in 63 64 40000; do
	{ printf 'a: '; repeat $depth '['; repeat $depth ']'; echo; } >flow.yaml
	{ printf 'a:\n'; repeat $depth '- '; echo x; } >block.yaml
	{ printf '{"a":'; repeat $depth '['; repeat $depth ']'; echo '}'; } >in.json
	for f in flow.yaml block.yaml in.json; do
		slow_is_wrong compile $f
		if [ $depth -eq 63 ]; then
			want_rc 0
			want_file $f "$T/out"
		else
			want_rc 3
			case $f in
			flow.yaml) want_err "$f:1:67: error: collections are nested more than 64 deep [TC008]" ;;
			block.yaml) want_err "$f:2:127: error: collections are nested more than 64 deep [TC008]" ;;
			in.json) want_err "$f:1:69: error: collections are nested more than 64 deep [TC008]" ;;
			esac
		fi
	done
done
# mappings in each other, the shape that costs libyaml most
{ repeat 40000 '{a: '; echo; } >in.yaml
refused 1:257 "collections are nested more than 64 deep [TC008]"

case_ "a key of a megabyte"
for quote in '' '"' "'"; do
	{ printf 'a: 1\nb:\n  %s' "$quote"; repeat 1048576 k; printf '%s: 1\n' "$quote"; } >in.yaml
	slow_is_wrong compile in.yaml
	want_rc 3
	want_no_out
	want_err 'in.yaml:3:3: '
	want_err 'error: found a key longer than 1024 characters'
done
{ printf 'a: 1\n? '; repeat 1048576 k; printf '\n: 1\n'; } >in.yaml
refused 2:3 "found a key of 1048576 bytes, the limit is 65536 [TC019]"
{ printf '? '; repeat 65536 k; printf '\n: 1\n'; } >in.yaml
kept

case_ "a file that grows or shrinks while it is read"
if preload; then
	plain a >in.yaml
	size=$(wc -c <in.yaml)
	for said in 1 $((size - 1)) $((size + 1)) 1000000; do
		LD_PRELOAD=$T/fail.so FAIL_SIZE=$said "$TENTC" compile in.yaml >"$T/out" 2>"$T/err"
		rc=$?
		want_rc 0
		want_file in.yaml "$T/out"
	done
	truncate -s 100M in.yaml
	LD_PRELOAD=$T/fail.so FAIL_SIZE=10 "$TENTC" compile in.yaml >"$T/out" 2>"$T/err"
	rc=$?
	want_rc 3
	want_err '"in.yaml" has more than 67108864 bytes [TC001]'
else
	skip "no C compiler, or a build that cannot be preloaded"
fi

case_ "a pipe: written in pieces, and empty"
mkfifo pipe
plain a >a.yaml
{ head -c 10 a.yaml; sleep 0.2; tail -c +11 a.yaml; } >pipe &
run compile pipe
wait
want_rc 0
want_file a.yaml "$T/out"
: >pipe &
run compile pipe
wait
want_rc 0
want_no_out

case_ "a folder that cannot be read"
mkdir -p top/inner
plain a >top/a.yaml
plain b >top/inner/b.yaml
chmod 000 top/inner
if [ "$(id -u)" -ne 0 ]; then
	run compile top
elif command -v setpriv >/dev/null; then
	cp "$TENTC" "$T/tentc"
	chmod 755 "$T/tentc" .
	setpriv --reuid=65534 --regid=65534 --clear-groups "$T/tentc" compile top >"$T/out" 2>"$T/err"
	rc=$?
else
	skip "setpriv is not here, and root may read everything"
fi
if [ -z "$reason" ]; then
	want_rc 2
	want_no_out
	want_err 'cannot read "top/inner": permission denied [TC500]'
fi
chmod 755 top/inner
