# config_table.awk - the keys of ExoskeletonConfig as a table, from `tentc schema config`, which is written key by key.
function indent() { match($0, /^ */); return RLENGTH / 2 }
function value(s) {
	sub(/^[^:]*: /, "", s)
	sub(/,$/, "", s)
	return s
}
function cell(s) {
	gsub(/\\"/, "\"", s)
	gsub(/\|/, "\\|", s)
	gsub(/</, "\\&lt;", s)
	return s
}
# One row for what has no keys of its own.
function flush_row() {
	if (path != "" && !group) {
		if (choices != "")
			help = help " (" choices ")"
		print "| `" path "` | " (fallback == "" ? "" : "`" fallback "`") " | " cell(help) " |"
	}
	path = ""
}
{ depth = indent() }
in_enum && /\]/ { in_enum = 0; next }
in_enum {
	word = value("x: " substr($0, 2 * depth + 1))
	if (word ~ /^"..*"$/) {
		gsub(/"/, "", word)
		choices = choices (choices == "" ? "" : ", ") "`" word "`"
	}
	next
}
in_default && /}/ { in_default = 0; fallback = fallback "}"; next }
in_default {
	pair = $0
	gsub(/[ ",]/, "", pair)
	sub(/:/, ": ", pair)
	fallback = fallback (fallback == "{" ? "" : ", ") pair
	next
}
/"properties": {$/ { group = 1; level = depth; next }
# A property: a mapping right below "properties".
/^ *"[A-Za-z]+": {$/ && !/"(additionalProperties|items|default)": {$/ {
	flush_row()
	key = $1
	gsub(/[":]/, "", key)
	level = depth
	keys[level] = key
	path = ""
	for (i = 2; i <= level; i += 2)
		path = path (path == "" ? "" : ".") keys[i]
	group = 0
	help = choices = fallback = ""
	next
}
depth == level + 1 && /"description":/ { help = value($0); gsub(/^"|"$/, "", help); next }
depth == level + 1 && /"const":/ { help = help ", always"; fallback = value($0); gsub(/"/, "", fallback); next }
depth == level + 1 && /"enum": \[$/ { in_enum = 1; next }
depth == level + 1 && /"default": {$/ { in_default = 1; fallback = "{"; next }
depth == level + 1 && /"default":/ { fallback = value($0); if (fallback != "\"\"") gsub(/"/, "", fallback); next }
END { flush_row() }
