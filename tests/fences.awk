# fences.awk - takes the fenced blocks out of a Markdown file: awk -f tests/fences.awk -v dir=DIR FILE
#
# Each becomes DIR/NNN; a line of standard output says what it is: NNN, the number of its line, and its tag with a dash
# for each blank ("yaml-contract").
/^```/ && !inside {
	inside = 1
	tag = substr($0, 4)
	gsub(/ +/, "-", tag)
	name = sprintf("%03d", ++n)
	file = dir "/" name
	printf "" >file
	print name, FNR, tag
	next
}
/^```/ {
	inside = 0
	close(file)
	next
}
inside { print >file }
END { if (inside) { print "000", FNR, "never-closed" } }
