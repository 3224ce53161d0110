# Files are written all or none.

case_ "-o: a file, a folder that is there, a folder to come"
plain a >a.yaml
run compile a.yaml -o out
want_rc 0
want_no_out
want_file a.yaml out
mkdir dir
run compile a.yaml -o dir
want_file a.yaml dir/a.yaml
run compile a.yaml -o new/deep/
want_file a.yaml new/deep/a.yaml
plain b >b.yaml
run compile a.yaml b.yaml -o two
want_file b.yaml two/b.yaml
want_files a.yaml b.yaml out dir/a.yaml new/deep/a.yaml two/a.yaml two/b.yaml
run compile a.yaml -o absent/x.yaml
want_rc 2
want_err "its folder does not exist"
run compile a.yaml -o -
want_rc 0
want_file a.yaml "$T/out"

case_ "-o DIR mirrors the paths below each folder"
mkdir -p k/sub l
plain a >k/a.yaml
plain b >k/sub/b.yaml
plain c >l/c.yaml
run compile k l -o out/
want_rc 0
want_files k/a.yaml k/sub/b.yaml l/c.yaml out/a.yaml out/sub/b.yaml out/c.yaml
(cd k && "$TENTC" compile . -o rendered 2>/dev/null && "$TENTC" compile . -o rendered 2>/dev/null)
want_files k/a.yaml k/sub/b.yaml k/rendered/a.yaml k/rendered/sub/b.yaml l/c.yaml out/a.yaml out/sub/b.yaml out/c.yaml

case_ "two inputs for one file"
mkdir k l
plain a >k/a.yaml
plain b >l/a.yaml
run compile k l -o out
want_rc 2
want_err '"out/a.yaml" would be written from "k/a.yaml" and from "l/a.yaml"'
want_files k/a.yaml l/a.yaml

case_ "an unchanged file is not written again; a changed one keeps its mode and its link"
plain a >a.yaml
plain old >real.yaml
chmod 640 real.yaml
ln -s real.yaml link.yaml
run compile a.yaml -o link.yaml
want_rc 0
[ -L link.yaml ] || complain "the link is gone"
want_file a.yaml real.yaml
[ "$(stat -c %a real.yaml)" = 640 ] || complain "another mode"
before=$(stat -c '%i %y' real.yaml)
run compile a.yaml -o link.yaml
[ "$(stat -c '%i %y' real.yaml)" = "$before" ] || complain "written again"

case_ "what cannot be replaced: a device, a folder, a link to nothing"
plain a >a.yaml
run compile a.yaml -o /dev/null
want_rc 2
want_err "it is not a regular file"
[ -c /dev/null ] || complain "/dev/null is gone"
ln -s nothing link.yaml
run compile a.yaml -o link.yaml
want_rc 2
want_err "a symbolic link to nothing"
mkdir -p out/a.yaml
run compile a.yaml -o out
want_rc 2
want_err 'cannot write "out/a.yaml": it is a folder'
want_files a.yaml

case_ "an error in one input leaves every file alone"
mkdir k
plain a >k/a.yaml
echo 'a: [' >k/b.yaml
run compile k -o out
want_rc 3
want_files k/a.yaml k/b.yaml
[ ! -e out ] || complain "a folder was made"

case_ "standard input and a folder"
run compile - -o out/ </dev/null
want_rc 2
want_err "standard input (-) has no name"
plain a | "$TENTC" compile - -o a.yaml >"$T/out" 2>"$T/err" || complain "failed"
plain a | diff - a.yaml || complain "a.yaml differs"

case_ "a full standard output, a closed one, one without a reader"
plain a >a.yaml
for args in "compile a.yaml" "identity demo shop" "schema contract" "version" "help" "keygen"; do
	"$TENTC" $args >/dev/full 2>"$T/err"
	rc=$?
	want_rc 2
	want_err "cannot write to standard output: no space left on device"
	"$TENTC" $args >&- 2>"$T/err"
	rc=$?
	want_rc 2
done
{ "$TENTC" compile a.yaml 2>"$T/err"; echo $? >"$T/rc"; } | sleep 0
i=0
while [ $i -lt 20000 ]; do echo "a$i: 1"; i=$((i + 1)); done >long.yaml
{ "$TENTC" compile long.yaml 2>"$T/err"; echo $? >"$T/rc"; } | head -c 1 >/dev/null
rc=$(cat "$T/rc")
want_rc 2
want_err "broken pipe"

case_ "closed standard files do not become output"
plain a >a.yaml
cp a.yaml want.yaml
"$TENTC" compile a.yaml -o b.yaml <&- >&- 2>&-
rc=$?
want_file want.yaml a.yaml
want_file want.yaml b.yaml

case_ "a full disk leaves the folder as it was"
mkdir k out
i=0
while [ $i -lt 500 ]; do echo "a$i: 1"; i=$((i + 1)); done >k/b.yaml
plain a >k/a.yaml
plain old >out/a.yaml
plain old >old.yaml
(ulimit -f 2 && "$TENTC" compile k -o out >"$T/out" 2>"$T/err"; echo $? >"$T/rc")
rc=$(cat "$T/rc")
want_rc 2
want_err "nothing was written: cannot write to out/b.yaml: file too large"
want_files k/a.yaml k/b.yaml old.yaml out/a.yaml
want_file old.yaml out/a.yaml

case_ "a full file system leaves the folder as it was"
mkdir k out
i=0
while [ $i -lt 9000 ]; do echo "a$i: 1"; i=$((i + 1)); done >k/b.yaml
plain a >k/a.yaml
if mount -t tmpfs -o size=64k none out 2>/dev/null; then
	plain old >out/a.yaml
	run compile k -o out
	want_rc 2
	want_err "no space left on device"
	plain old | diff - out/a.yaml || complain "out/a.yaml differs"
	[ "$(ls -A out)" = a.yaml ] || complain "something was left: $(ls -A out)"
	umount out
else
	skip "needs the right to mount"
fi

case_ "a folder that cannot be written"
mkdir k out
plain a >k/a.yaml
plain b >k/b.yaml
cp "$TENTC" "$T/tentc"
chmod 555 out
chmod 755 "$T/tentc" .
if [ "$(id -u)" -ne 0 ]; then
	run compile k -o out
elif command -v setpriv >/dev/null; then
	setpriv --reuid=65534 --regid=65534 --clear-groups "$T/tentc" compile k -o out >"$T/out" 2>"$T/err"
	rc=$?
else
	skip "setpriv is not here, and root may write everywhere"
fi
if [ -z "$reason" ]; then
	want_rc 2
	want_err 'nothing was written: cannot write "out/a.yaml": permission denied'
	want_files k/a.yaml k/b.yaml
fi
chmod 755 out
