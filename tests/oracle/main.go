// oracle reads YAML as Kubernetes does: sigs.k8s.io/yaml, after a cut as k8s.io/apimachinery cuts.
//
//	oracle            frames in, frames out: "LENGTH\n" and that many bytes; a line "flush" sends off what was answered.
//	                  An answer has a line for each document: its JSON, or `refused` and the reason
//	oracle compare    reads generated and given texts twice, here and by a program that answers frames in the same way,
//	                  and reports where the two differ without a row in the list of known differences (compare.go); then
//	                  reads texts that the program edited (edits.go)
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

func main() {
	var err error
	switch {
	case len(os.Args) == 1:
		err = serve(os.Stdin, os.Stdout)
	case os.Args[1] == "compare":
		err = compare(os.Args[2:])
	default:
		err = fmt.Errorf("unknown command %q", os.Args[1])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "oracle:", err)
		os.Exit(1)
	}
}

func serve(from io.Reader, to io.Writer) error {
	in, out := bufio.NewReaderSize(from, 1<<16), bufio.NewWriterSize(to, 1<<16)
	for {
		frame, err := readFrame(in, out)
		if err == io.EOF {
			return out.Flush()
		}
		if err != nil {
			return err
		}
		var answer bytes.Buffer
		docs, _ := readStream(frame)
		for _, d := range docs {
			if d.json != nil {
				answer.Write(d.json)
				answer.WriteByte('\n')
			} else {
				fmt.Fprintf(&answer, "refused %s\n", d.refusal)
			}
		}
		writeFrame(out, answer.Bytes())
	}
}

func writeFrame(out *bufio.Writer, text []byte) {
	out.WriteString(strconv.Itoa(len(text)))
	out.WriteByte('\n')
	out.Write(text)
}

// readFrame flushes out, if there is one, where the other side asks for it.
func readFrame(in *bufio.Reader, out *bufio.Writer) ([]byte, error) {
	for {
		head, err := in.ReadString('\n')
		if err != nil {
			return nil, err
		}
		if head == "flush\n" {
			if out != nil {
				out.Flush()
			}
			continue
		}
		n, err := strconv.Atoi(strings.TrimSuffix(head, "\n"))
		if err != nil {
			return nil, fmt.Errorf("a broken frame: %w", err)
		}
		text := make([]byte, n)
		_, err = io.ReadFull(in, text)
		return text, err
	}
}
