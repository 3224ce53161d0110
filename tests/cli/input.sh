# What is read, and what is answered when it cannot be.

case_ "an unchanged file comes out byte for byte"
printf '\357\273\277# first\r\nkind: ConfigMap\r\napiVersion: v1\r\nmetadata: {name: a}\r\n---\r\n\r\n# nothing\r\n' >a.yaml
run compile a.yaml
want_rc 0
want_file a.yaml "$T/out"
"$TENTC" compile - <a.yaml >"$T/out" 2>"$T/err"
want_file a.yaml "$T/out"
mkfifo pipe
cat a.yaml >pipe &
run compile pipe
want_file a.yaml "$T/out"
wait

case_ "a folder: below it, by bytes, without what is hidden, linked folders, other names"
mkdir -p k/sub k/.git k-sub
for n in k/b.yaml k/a.yml k/sub/c.json k/sub.yaml k/B.yaml; do
	printf '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"%s"}}\n' "$(basename $n | tr . - | tr B x)" >$n
done
plain hidden >k/.hidden.yaml
plain hidden >k/.git/x.yaml
plain other >k/readme.txt
ln -s .. k/sub/loop
ln -s ../a.yml k/sub/linked.yaml
mkfifo k/pipe.yaml
run compile k
want_rc 0
cat k/B.yaml k/a.yml k/b.yaml k/sub.yaml k/sub/c.json k/sub/linked.yaml |
	sed 's/.*name":"\([^"]*\)".*/\1/' >"$T/want"
sed 's/.*name":"\([^"]*\)".*/\1/; /^---/d' "$T/out" | diff -u "$T/want" - || complain "other files, or another order"

case_ "several sources become one stream"
plain a >a.yaml
printf 'kind: ConfigMap\napiVersion: v1\nmetadata: {name: b}' >b.yaml
printf -- '--- # own\nkind: ConfigMap\napiVersion: v1\nmetadata: {name: c}\n' >c.yaml
: >empty.yaml
run compile a.yaml empty.yaml b.yaml c.yaml
want_rc 0
{ cat a.yaml; echo ---; cat b.yaml; echo; cat c.yaml; } >"$T/want"
want_file "$T/want" "$T/out"

case_ "all problems of all inputs, then exit status 2 before 3"
printf 'a: 1\na: 2\n' >bad.yaml
plain good >good.yaml
mkdir empty
run compile missing.yaml bad.yaml empty good.yaml
want_rc 2
want_no_out
want_err 'cannot read "missing.yaml": no such file or directory [TC500]'
want_err 'the folder "empty" holds no .yaml, .yml or .json file [TC501]'
want_err 'bad.yaml:2:1: error:'
want_err 'tentc: 3 errors; nothing was written'
run compile bad.yaml good.yaml
want_rc 3
want_no_out
run validate bad.yaml
want_rc 3
want_err 'tentc: 1 error'
run validate good.yaml
want_rc 0
want_no_out
run validate --strict good.yaml
want_rc 3
want_err 'tentc: 1 error'

case_ "a misspelt file name"
plain a >shop.yaml
run compile shp.yaml
want_rc 2
want_err 'did you mean "shop.yaml"?'
run compile nowhere/shop.yaml
want_rc 2
want_err 'there is no folder "nowhere"'

case_ "files over the limit are not read"
truncate -s 100M big.yaml
run compile big.yaml
want_rc 3
want_err '"big.yaml" has 104857600 bytes, at most 67108864 are read [TC001]'
(ulimit -t 20; "$TENTC" compile - </dev/zero >"$T/out" 2>"$T/err"; echo $? >"$T/rc")
rc=$(cat "$T/rc")
want_rc 3
want_err '"<stdin>" has more than 67108864 bytes [TC001]'

case_ "standard input twice, a folder as standard input, closed standard input"
run compile - -
want_rc 2
want_err "standard input (-) can be read once"
"$TENTC" compile - <. >"$T/out" 2>"$T/err"
rc=$?
want_rc 2
want_err 'cannot read "<stdin>": is a directory'
"$TENTC" compile - <&- >"$T/out" 2>"$T/err"
rc=$?
want_no_out

case_ "standard output is not read"
plain a >a.yaml
(: >out.yaml && cd . && "$TENTC" compile . >out.yaml 2>"$T/err"; echo $? >"$T/rc")
rc=$(cat "$T/rc")
want_rc 2
want_err 'cannot read "out.yaml": standard output goes there'

case_ "an unreadable file"
plain a >a.yaml
chmod 000 a.yaml
if [ "$(id -u)" -ne 0 ]; then
	run compile a.yaml
elif command -v setpriv >/dev/null; then
	cp "$TENTC" "$T/tentc"
	chmod 755 "$T/tentc" .
	setpriv --reuid=65534 --regid=65534 --clear-groups "$T/tentc" compile a.yaml >"$T/out" 2>"$T/err"
	rc=$?
else
	skip "setpriv is not here, and root may read everything"
fi
if [ -z "$reason" ]; then
	want_rc 2
	want_err 'cannot read "a.yaml": permission denied [TC500]'
fi

case_ "a configuration that is missing, empty, double or wrong"
plain a >a.yaml
run compile --config no.yaml a.yaml
want_rc 2
want_err 'cannot read "no.yaml": no such file or directory [TC500]'
: >config.yaml
run compile --config config.yaml a.yaml
want_rc 2
want_err '[TC300]'
printf 'apiVersion: tentacular.io/v1alpha1\nkind: ExoskeletonConfig\n' >one.yaml
{ cat one.yaml; echo ---; cat one.yaml; } >config.yaml
run compile --config config.yaml a.yaml
want_rc 2
want_err 'config.yaml:4:1: error:'
run compile --config one.yaml a.yaml
want_rc 0
{ cat one.yaml; echo 'modes: audit'; } >config.yaml
run compile --config config.yaml a.yaml missing.yaml
want_rc 2
want_err '[TC301]'
want_err '[TC500]'
