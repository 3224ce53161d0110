package main

import (
	"encoding/base64"
	"fmt"
	"math/big"
	"strings"
)

// rng is splitmix64: the same texts with every version of Go.
type rng uint64

func newRng(seed uint64, name string, chunk int) *rng {
	r := rng(seed)
	for _, c := range name {
		r = rng(r.next() ^ uint64(c))
	}
	r = rng(r.next() ^ uint64(chunk))
	return &r
}

func (r *rng) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func (r *rng) below(n int) int { return int(r.next() % uint64(n)) }

func (r *rng) once(in int) bool { return r.below(in) == 0 }

func pick[T any](r *rng, list []T) T { return list[r.below(len(list))] }

var words = []string{"y", "n", "yes", "no", "on", "off", "true", "false", "null", "~", "", "<<", "=", "t", "f", "nul",
	"none", "nil", ".inf", "+.inf", "-.inf", ".nan", "inf", "nan", "-.nan", "infinity", "yess", "oof", "."}

// caseOf spells a word small, Large, LARGE or anyhow.
func (r *rng) caseOf(word string) string {
	switch r.below(5) {
	case 0:
		return word
	case 1:
		return strings.ToUpper(word)
	case 2:
		for i, c := range word {
			if c >= 'a' && c <= 'z' {
				return word[:i] + strings.ToUpper(word[i:i+1]) + word[i+1:]
			}
		}
		return word
	}
	out := []byte(word)
	for i, c := range out {
		if c >= 'a' && c <= 'z' && r.once(2) {
			out[i] = c - 32
		}
	}
	return string(out)
}

func (r *rng) digits(alphabet string, most int) string {
	var b strings.Builder
	for n := r.below(most + 1); n > 0; n-- {
		b.WriteByte(alphabet[r.below(len(alphabet))])
		if r.once(12) {
			b.WriteByte('_')
		}
	}
	return b.String()
}

var signs = []string{"", "", "", "", "-", "-", "+", "--", "+-"}

func (r *rng) integer() string {
	bases := []struct{ prefix, alphabet string }{
		{"", "0123456789"}, {"", "123456789"}, {"0", "01234567"}, {"0", "0123456789"}, {"0x", "0123456789abcdefABCDEF"},
		{"0X", "0123456789abcdefABCDEFg"}, {"0o", "01234567"}, {"0o", "012345678"}, {"0O", "01234567"}, {"0b", "01"},
		{"0b", "012"}, {"0B", "01"}, {"0_", "01234567"}, {"0b-", "01"}, {"0b+", "01"}, {"0x-", "01"}, {"00x", "01"}}
	b := pick(r, bases)
	most := 6
	if r.once(4) {
		most = 70
	}
	return pick(r, signs) + b.prefix + r.digits(b.alphabet, most)
}

// boundary lies around a power of two where a type ends, in any base.
func (r *rng) boundary() string {
	bits := pick(r, []uint{7, 8, 15, 16, 24, 31, 32, 53, 62, 63, 63, 63, 64, 64, 64, 65, 127, 128})
	n := new(big.Int).Lsh(big.NewInt(1), bits)
	n.Add(n, big.NewInt(int64(r.below(7)-3)))
	spellings := []string{"%d", "%d", "%d", "0x%x", "0X%X", "0o%o", "0%o", "0b%b", "%d.0", "%d.", "%de0", "0%d"}
	return pick(r, signs) + fmt.Sprintf(pick(r, spellings), n)
}

func (r *rng) float() string {
	most := 5
	if r.once(5) {
		most = 40
	}
	s := pick(r, signs) + r.digits("0123456789", most)
	if !r.once(4) {
		s += "." + r.digits("0123456789", most)
	}
	if r.once(2) {
		s += pick(r, []string{"e", "E", "e+", "e-", "E+", "E-", "p", "_e", "e_"})
		switch r.below(4) {
		case 0:
			s += fmt.Sprint(300 + r.below(30))
		case 1:
			s += fmt.Sprint(30 + r.below(20))
		default:
			s += r.digits("0123456789", 3)
		}
	}
	return s
}

// overflow lies around the largest float64.
func (r *rng) overflow() string {
	digits := "179769313486231580793728971405303415079934132710037826936173778980444968292764750946649017977587207096330286"
	n := 1 + r.below(len(digits))
	s := digits[:1] + "." + digits[1:n] + pick(r, []string{"", "", "0", "1", "9"}) + "e" + fmt.Sprint(307+r.below(3))
	return pick(r, signs) + s
}

func (r *rng) time() string {
	n := func(most int) int { return r.below(most) }
	forms := []func() string{
		func() string { return fmt.Sprintf("%d:%d", n(200), n(70)) },
		func() string { return fmt.Sprintf("%d:%02d:%02d", n(30), n(61), n(61)) },
		func() string { return fmt.Sprintf("%d:%02d.%d", n(30), n(61), n(9)) },
		func() string { return fmt.Sprintf("%04d-%02d-%02d", 1900+n(200), n(14), n(33)) },
		func() string { return fmt.Sprintf("%d-%d-%d", n(12000), n(14), n(33)) },
		func() string {
			return fmt.Sprintf("%04d-%02d-%02d%s%02d:%02d:%02d%s", 1900+n(200), 1+n(12), 1+n(28),
				pick(r, []string{"T", "t", " ", "  ", "_"}), n(25), n(61), n(61),
				pick(r, []string{"", "Z", "z", " Z", ".5", ".123456789Z", "+01:00", "-5:00", " +1", ",5Z", "-24:60", "+0000"}))
		},
	}
	return forms[r.below(len(forms))]()
}

var texts = []string{"a", "foo", "a b", "web", "x: y", "a:b", "a: ", ": a", "a #b", "a#b", "# a", "- a", "-a", "--", "---",
	"--- a", "...", "... ", "-", "?", "? a", "?a", "a?", ":", "::", ":a", "&a", "&a b", "*a", "&", "*", "!", "!a", "!!", "!!str",
	"|", ">", "|-", "% a", "%", "@a", "`a", ",", "a,b", "a, b", "[a", "a]", "{a", "a}", "[]", "{}", "[a]", "{a: b}", "'a", "a'", "\"a",
	"a\"b", "'a''b'", "\"a\\nb\"", "\"\\/\"", "\"\\x41\\u00e9\\U0001f600\"", "\"\\ud83d\\ude00\"", "\"\\q\"", "\"\\_\\N\\L\\P\\e\\0\"",
	"é", "日本", "😀", "a\u00a0b", "a\u0085b", "a\u2028b", "\ufeffa", "a\ufeff", "\u00a0", "\ufffe", "a\tb", "\ta", "a\t", "a\t#b", "a\rb",
	"{{ a }}", "{{a}}", "{% a %}", "$(A)", "${A}", "10m", "1Gi", "100Mi", "0.5", "1.10", "v1", "80/tcp", "1.2.3.4", "::1",
	"10.0.0.0/8", "1e3m", "a=b", "=a", "==", "<", "<<<", "<a", ">a", "|a", "\\", "a\\b", "a\n  b", "a\n\n  b", "'a\n  b'", "\"a\\\n  b\"",
	"|\n  a\n  b", "|-\n  a", "|+\n  a\n\n", ">\n  a\n  b\n", "|2\n    a", "|1-\n a", ">-\n  a\n   b\n  c", "| # c\n  a", "|0\n a", "|\n",
	"1 2", "1,2", "1, 2", "0 1", "0x 1", "+", "+a", "0", "-0", "+0", "00", "0.0", "-0.0", "0e0", "-0e5", "1e400", "-1e400",
	"1e-400", "0x", "0b", "0o", "_", "__", "_1", "1_", "1__0", "._1", "1._0", "1_.0", "0x_1", "0_x1", "0o8", "08", "09.5", "018", "1e3", "5.", ".5",
	"0x1.8p1", "0x1p-2", "1p3", "1_000", "1_000.5", "0.1_0", "1e1_0", "-.5", "+.5", "-5.", "1.e5", ".e5", "e5", "0b11", "-0b11", "0b-11", "+0b1"}

var alphabet = []string{"0", "1", "7", "8", "9", "_", "+", "-", ".", ":", "e", "E", "x", "X", "o", "O", "b", "B", "a", "f", "A", "F", "n", "y", "~", "<",
	"=", "*", "&", "!", "?", "#", "|", ">", "%", "@", "`", "'", "\"", ",", "[", "]", "{", "}", " ", "\t", ": ", " #", "\\", "\\n", "/", "é", "\u00a0",
	"\u0085", "\u2028", "\ufeff", "😀", "i", "inf", "0x", "\n ", "\r", "(", ")", ";", "$", "^"}

// plain is a scalar or a neighbour of one.
func (r *rng) plain() string {
	var s string
	switch r.below(10) {
	case 0, 1:
		s = r.caseOf(pick(r, words))
	case 2, 3:
		s = r.integer()
	case 4:
		s = r.boundary()
	case 5, 6:
		s = r.float()
	case 7:
		s = r.time()
	case 8:
		s = r.overflow()
	default:
		s = pick(r, texts)
	}
	if r.once(3) {
		s = r.edit(s)
	}
	if r.once(12) {
		s = r.edit(s)
	}
	return s
}

func (r *rng) edit(s string) string {
	at := r.below(len(s) + 1)
	for at > 0 && at < len(s) && s[at]&0xc0 == 0x80 {
		at--
	}
	end := at
	if end < len(s) {
		for end++; end < len(s) && s[end]&0xc0 == 0x80; end++ {
		}
	}
	switch r.below(4) {
	case 0:
		return s[:at] + s[end:]
	case 1:
		return s[:at] + pick(r, alphabet) + s[end:]
	case 2:
		return s[:at] + s[at:end] + s[at:]
	}
	return s[:at] + pick(r, alphabet) + s[at:]
}

func (r *rng) base64() string {
	raw := make([]byte, r.below(9))
	for i := range raw {
		raw[i] = byte(r.next())
		if !r.once(4) {
			raw[i] &= 0x7f
		}
	}
	s := base64.StdEncoding.EncodeToString(raw)
	if r.once(3) {
		s = r.edit(s)
	}
	return s
}

var tags = []string{"!!str", "!!int", "!!float", "!!bool", "!!null", "!!binary", "!!timestamp", "!!seq", "!!map", "!!merge", "!!set", "!!omap",
	"!!value", "!mine", "!", "!<tag:yaml.org,2002:int>", "!<tag:yaml.org,2002:str>", "!<x>", "!!", "!a!b", "!!Str", "!int", "!!yaml", "!<>", "!%41", "!!st%72"}

func quoted(r *rng, s string) string {
	if r.once(2) {
		return "'" + strings.ReplaceAll(s, "'", "''") + "'"
	}
	return "\"" + strings.NewReplacer("\\", "\\\\", "\"", "\\\"", "\n", "\\n").Replace(s) + "\""
}

// scalar is any scalar as it is written, properties and quotes included.
func (r *rng) scalar() string {
	s := r.plain()
	if r.once(16) {
		return quoted(r, s)
	}
	if r.once(6) {
		tag := pick(r, tags)
		switch {
		case tag == "!!binary" || r.once(12):
			s = r.base64()
		case tag == "!!timestamp" && r.once(2):
			s = r.time()
		}
		if r.once(3) {
			s = quoted(r, s)
		}
		s = tag + pick(r, []string{" ", " ", " ", " ", " ", "", "  ", "\n  "}) + s
	}
	if r.once(40) {
		s = "&a " + s
	}
	return s
}

// Where a scalar may stand: %s twice is another spelling, or another scalar. As a value and as a key, in block and in
// flow style.
var (
	blockValues = []string{"k: %s\n", "k: %s\n", "k: %s # c\n", "- %s\n", "%s\n", "k:\n  %s\n", "- - %s\n", "k: %s\nl: w\n", "k: %s", "k: %s\r\n",
		"? k\n: %s\n", "a:\n  b: %s\n  c: %s\n", "k: &a %s\nl: *a\n"}
	blockKeys  = []string{"%s: v\n", "%s: v\n", "%s : v\n", "? %s\n: v\n", "? %s\n", "- %s: v\n", "%s:\n  a: v\n", "%s:\n", "k: &a %s\n*a : v\n", "%s:\tv\n"}
	flowValues = []string{"- [%s]\n", "- {k: %s}\n", "- [%s, x]\n", "- [x, %s ]\n", "- {k: %s, l: w}\n", "{k: %s}\n", "- {k: %s }\n", "[%s]\n",
		"{\"k\": %s}\n", "- {k: v,\n   l: %s\n  }\n", "- [\n  %s,\n  y\n  ]\n", "- {\"k\":%s}\n", "- {k:\n  %s}\n"}
	flowKeys = []string{"- {%s: v}\n", "- {%s : v}\n", "- {%s: v, l: w}\n", "- [%s: v]\n", "- {? %s : v}\n", "- {%s}\n", "- {%s, l: w}\n", "{%s: v}\n",
		"- {%s: }\n", "- {%s:v}\n", "- {%s: [v]}\n"}
	twoKeys = []string{"%s: v\n%s: w\n", "{%s: v, %s: w}\n", "a: &a {%s: v}\nb:\n  <<: *a\n  %s: w\n", "a: &a {%s: v}\nb:\n  %s: w\n  <<: *a\n",
		"a: &a {%s: v}\nb: &b {%s: w}\nc: {<<: [*a, *b]}\n", "a: &a {%s: v}\nb: &b {%s: w}\nc: {<<: *a, <<: *b}\n"}
	alike = [][]string{{"1", "'1'", "0x1", "01", "1_", "+1", "1.0", "1e0", "!!int '1'", "!!str 1", "0b1", "0o1"},
		{"y", "yes", "true", "'true'", "on", "Y", "!!bool 'y'", "TRUE"}, {"n", "false", "'false'", "off", "No"},
		{"0", "-0", "'0'", "0x0", "00", "0.0", "-0.0", "0e5", "'-0'"}, {"a", "'a'", "\"a\"", "!!str a", "!mine a", "!!binary YQ=="},
		{"1.5", "1.50", "'1.5'", "15e-1", "+1.5"}, {"1e10", "10000000000", "1e+10", "'1e+10'", "10000000000.0"},
		{"16777217.0", "16777216.0", "1.6777216e+07"}, {"0.1", ".1", "0.10000000149011612", "1e-1"}, {"<<", "'<<'", "!!str <<", "!!merge <<", "!!merge '<<'"},
		{"1e300", "1e301", ".inf", "'.inf'"}, {"null", "~", "'null'", ""}, {"=", "'='"}}
)

func fill(form string, a, b string) []byte {
	if strings.Count(form, "%s") == 1 {
		return []byte(fmt.Sprintf(form, a))
	}
	return []byte(fmt.Sprintf(form, a, b))
}

const scalarsAtOnce = 500

func scalarSource(count int, seed uint64) source {
	return source{name: "scalars", chunks: (count + scalarsAtOnce - 1) / scalarsAtOnce, make: func(chunk int) [][]byte {
		r := newRng(seed, "scalars", chunk)
		var out [][]byte
		for range scalarsAtOnce {
			s := r.scalar()
			for _, forms := range [][]string{blockValues, blockKeys, flowValues, flowKeys} {
				out = append(out, fill(pick(r, forms), s, r.plain()))
			}
			if r.once(16) {
				a, b := s, r.scalar()
				if !r.once(4) {
					group := pick(r, alike)
					a, b = pick(r, group), pick(r, group)
				}
				out = append(out, fill(pick(r, twoKeys), a, b))
			}
		}
		return out
	}}
}
