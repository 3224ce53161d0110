package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// What a text came out as, on both sides.
const (
	same = iota
	bothRefuse
	stricter // tentc refuses, Kubernetes reads
	looser   // tentc reads, Kubernetes refuses
	other    // both read, and not the same
	broken   // tentc contradicts itself, or refuses without a place
)

var outcomes = [...]string{"same", "both refuse", "stricter", "looser", "other", "broken"}

const dropping = " and drops what follows"

type verdict struct {
	outcome       int
	tentc, oracle string // the lines that differ
	lenient       []byte
}

// judge compares document by document. Documents that hold nothing are none: kubectl skips them.
func judge(docs []document, stopped bool, answer string) verdict {
	var theirs []document
	refusal := ""
	for _, d := range docs {
		if string(d.json) == "null" {
			continue
		}
		theirs = append(theirs, d)
		if d.json == nil && refusal == "" {
			refusal = d.refusal
		}
	}
	var ours []string
	refused := ""
	for _, line := range strings.Split(strings.TrimSuffix(answer, "\n"), "\n") {
		switch {
		case strings.HasPrefix(line, "broken"):
			return verdict{outcome: broken, tentc: line}
		case line == "" || line == "-" || line == "null":
			continue
		case strings.HasPrefix(line, "refused"):
			if strings.Contains(line, " 0:0 ") {
				return verdict{outcome: broken, tentc: line}
			}
			if refused == "" {
				refused = line
			}
		}
		ours = append(ours, line)
	}
	if len(ours) == len(theirs) && !stopped {
		result := verdict{outcome: same}
		for i, line := range ours {
			if v := judgeDocument(theirs[i], line); v.outcome > result.outcome {
				result = v
			}
		}
		return result
	}
	switch {
	case refused != "" && refusal != "":
		return verdict{outcome: bothRefuse}
	case refused != "":
		oracle := fmt.Sprintf("%d documents", len(theirs))
		if slices.ContainsFunc(docs, document.drops) {
			oracle += dropping
		}
		return verdict{outcome: stricter, tentc: refused, oracle: oracle}
	case refusal != "":
		return verdict{outcome: looser, tentc: fmt.Sprintf("%d documents", len(ours)), oracle: "refused " + refusal}
	}
	return verdict{outcome: other, tentc: fmt.Sprintf("%d documents", len(ours)),
		oracle: fmt.Sprintf("%d documents", len(theirs))}
}

func judgeDocument(theirs document, ours string) verdict {
	refused := strings.HasPrefix(ours, "refused")
	v := verdict{tentc: ours, oracle: string(theirs.json), lenient: theirs.lenient}
	switch {
	case refused && theirs.json == nil:
		v.outcome = bothRefuse
	case refused:
		v.outcome = stricter
		if theirs.drops() {
			v.oracle += dropping
		}
	case theirs.json == nil:
		v.outcome = looser
		v.oracle = "refused " + theirs.refusal
	case !sameJSON([]byte(ours), theirs.json):
		v.outcome = other
	}
	return v
}

func sameJSON(ours, theirs []byte) bool {
	return bytes.Equal(ours, theirs) || sameValue(decode(ours), decode(theirs))
}

func decode(text []byte) any {
	var value any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&value); err != nil {
		return err
	}
	return value
}

func sameValue(ours, theirs any) bool {
	switch a := ours.(type) {
	case map[string]any:
		b, ok := theirs.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for key, value := range a {
			other, ok := b[key]
			if !ok || !sameValue(value, other) {
				return false
			}
		}
		return true
	case []any:
		b, ok := theirs.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !sameValue(a[i], b[i]) {
				return false
			}
		}
		return true
	case json.Number:
		b, ok := theirs.(json.Number)
		return ok && sameNumber(string(a), string(b))
	case error:
		return false
	}
	return ours == theirs
}

// Integers are the same digit for digit; a float is the same when it is the same float64.
func sameNumber(ours, theirs string) bool {
	if !strings.ContainsAny(ours, ".eE") {
		return ours == theirs || (ours == "-0" && theirs == "0")
	}
	a, err := strconv.ParseFloat(ours, 64)
	b, err2 := strconv.ParseFloat(theirs, 64)
	return err == nil && err2 == nil && a == b
}

// reader is the other program.
type reader struct {
	cmd *exec.Cmd
	in  *bufio.Writer
	out *bufio.Reader
	end func() error
}

func startReader(path string) (*reader, error) {
	cmd := exec.Command(path)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	return &reader{cmd: cmd, in: bufio.NewWriterSize(in, 1<<16), out: bufio.NewReaderSize(out, 1<<16), end: in.Close},
		cmd.Start()
}

// ask sends the texts off, does the work, and returns the answers.
func (r *reader) ask(texts [][]byte, work func()) ([]string, error) {
	var failed error
	answers := make([]string, len(texts))
	var both sync.WaitGroup
	both.Add(2)
	go func() {
		defer both.Done()
		for _, text := range texts {
			writeFrame(r.in, text)
		}
		r.in.WriteString("flush\n")
		r.in.Flush()
	}()
	go func() {
		defer both.Done()
		for i := range answers {
			frame, err := readFrame(r.out, nil)
			if err != nil {
				failed = fmt.Errorf("no answer to one of the %d texts from %q on: %w", len(texts)-i, texts[i], err)
				return
			}
			answers[i] = string(frame)
		}
	}()
	work()
	both.Wait()
	return answers, failed
}

func (r *reader) stop() error {
	r.end()
	return r.cmd.Wait()
}

// A run's texts come in chunks, each made from its number alone, so that the workers can share them.
type source struct {
	name   string
	chunks int
	make   func(chunk int) [][]byte
}

type finding struct {
	chunk, nth int
	text       []byte
	verdict    verdict
}

type tally struct {
	sync.Mutex
	outcomes [len(outcomes)]int
	rows     map[string]int
	shown    map[int]*difference // the row that allows the nth text of a chunk; for the examples
	findings []finding
}

func run(s source, path string, known *differences) (*tally, error) {
	t := &tally{rows: map[string]int{}, shown: map[int]*difference{}}
	var next atomic.Int64
	var failure error
	var all sync.WaitGroup
	for range max(1, min(runtime.NumCPU(), s.chunks)) {
		all.Add(1)
		go func() {
			defer all.Done()
			err := work(s, path, known, t, &next)
			if err != nil {
				t.Lock()
				failure = errors.Join(failure, err)
				t.Unlock()
			}
		}()
	}
	all.Wait()
	sort.Slice(t.findings, func(i, j int) bool {
		a, b := t.findings[i], t.findings[j]
		return a.chunk < b.chunk || (a.chunk == b.chunk && a.nth < b.nth)
	})
	return t, failure
}

func work(s source, path string, known *differences, t *tally, next *atomic.Int64) error {
	r, err := startReader(path)
	if err != nil {
		return err
	}
	for {
		chunk := int(next.Add(1)) - 1
		if chunk >= s.chunks {
			return r.stop()
		}
		texts := s.make(chunk)
		readings := make([][]document, len(texts))
		stopped := make([]bool, len(texts))
		answers, err := r.ask(texts, func() {
			for i, text := range texts {
				readings[i], stopped[i] = readStream(text)
			}
		})
		if err != nil {
			return err
		}
		t.Lock()
		for i, text := range texts {
			v := judge(readings[i], stopped[i], answers[i])
			t.outcomes[v.outcome]++
			if v.outcome <= bothRefuse {
				continue
			}
			if row := known.find(v, text); row != nil {
				t.rows[row.name]++
				t.shown[i] = row
			} else {
				t.findings = append(t.findings, finding{chunk, i, text, v})
			}
		}
		t.Unlock()
	}
}

func compare(args []string) error {
	flags := flag.NewFlagSet("compare", flag.ExitOnError)
	path := flags.String("reader", "", "the program that answers for tentc")
	list := flags.String("differences", "", "the list of known differences")
	corpus := flags.String("corpus", "", "folder with yaml-test-suite; left out when empty")
	manifests := flags.String("manifests", "", "real manifests, a file")
	scalars := flags.Int("scalars", 1000000, "scalars to generate")
	mutants := flags.Int("mutants", 20000, "mutated manifests")
	mutated := flags.Int("suite-mutants", 40000, "mutated cases of the suite")
	edits := flags.Int("edits", 5000, "random patches to edit in")
	seed := flags.Uint64("seed", 1, "where the generators begin")
	show := flags.Int("show", 20, "findings to print")
	only := flags.String("only", "", "one source")
	flags.Parse(args)

	debug.SetGCPercent(800) // garbage is all there is
	known, err := loadDifferences(*list)
	if err != nil {
		return err
	}
	suite, err := loadSuite(*corpus)
	if err != nil {
		return err
	}
	manifest, err := os.ReadFile(*manifests)
	if err != nil {
		return err
	}
	sources := []source{
		known.examples(),
		given("suite", suite),
		scalarSource(*scalars, *seed),
		mutantSource("manifests", *mutants, *seed, splitManifests(manifest)),
		mutantSource("streams", *mutants, *seed, streamTexts),
		mutantSource("json", *mutants, *seed, jsonTexts),
		mutantSource("suite-mutants", *mutated, *seed, suite),
	}
	bad := 0
	for _, s := range sources {
		if s.chunks == 0 || (*only != "" && *only != s.name) {
			continue
		}
		t, err := run(s, *path, known)
		if err != nil {
			return err
		}
		bad += report(s, t, *show)
		if s.name == "examples" {
			bad += known.unshown(t)
		}
	}
	if *only == "" || *only == "edits" {
		n, err := compareEdits(*path, slices.Concat(splitManifests(manifest), suite), *edits)
		if err != nil {
			return err
		}
		bad += n
	}
	if bad > 0 {
		return fmt.Errorf("%d differences that nothing lists", bad)
	}
	return nil
}

func report(s source, t *tally, show int) int {
	total := 0
	var parts []string
	for i, n := range t.outcomes {
		total += n
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, outcomes[i]))
		}
	}
	fmt.Printf("%s: %d texts: %s; %d unlisted\n", s.name, total, strings.Join(parts, ", "), len(t.findings))
	for i, f := range t.findings {
		if i == show {
			fmt.Printf("  and %d more\n", len(t.findings)-show)
			break
		}
		fmt.Printf("  %s: %q\n    tentc:      %s\n    Kubernetes: %s\n", outcomes[f.verdict.outcome], f.text,
			f.verdict.tentc, f.verdict.oracle)
	}
	return len(t.findings)
}

func given(name string, texts [][]byte) source {
	s := source{name: name, make: func(int) [][]byte { return texts }}
	if len(texts) > 0 {
		s.chunks = 1
	}
	return s
}

func loadSuite(corpus string) (texts [][]byte, err error) {
	if corpus == "" {
		return nil, nil
	}
	names, err := filepath.Glob(filepath.Join(corpus, "yaml-test-suite", "*", "in.yaml"))
	if err == nil && len(names) < 300 {
		err = fmt.Errorf("%s holds %d cases of the yaml-test-suite", corpus, len(names))
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		texts = append(texts, text)
	}
	return texts, err
}
