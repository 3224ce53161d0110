package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"

	yamlv2 "go.yaml.in/yaml/v2"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// A document as Kubernetes reads it.
type document struct {
	json    []byte // nil: refused
	refusal string
	lenient []byte // of a document that only the strict reading refuses: what kubectl reads
	text    []byte // of YAML
}

// drops answers whether Kubernetes leaves something of the text unread: it takes the first document that YAML sees.
func (d document) drops() bool {
	if d.text == nil {
		return false
	}
	decoder := yamlv2.NewDecoder(bytes.NewReader(d.text))
	var value any
	return decoder.Decode(&value) == nil && !errors.Is(decoder.Decode(&value), io.EOF)
}

// readStream reads as kubectl does: what is JSON to the end as JSON, anything else cut at its separators and each part
// as YAML, strictly. broken: a separator line was refused, where kubectl stops.
func readStream(text []byte) (docs []document, broken bool) {
	if docs, ok := readJSON(text); ok {
		return docs, false
	}
	r := utilyaml.NewYAMLReader(bufio.NewReaderSize(bytes.NewReader(text), min(4096, len(text)+1)))
	for {
		part, err := r.Read()
		if errors.Is(err, io.EOF) {
			return docs, broken
		}
		if err != nil {
			docs = append(docs, document{refusal: oneLine(err)})
			broken = true
			continue
		}
		docs = append(docs, readDocument(bytes.Clone(part)))
	}
}

func readDocument(text []byte) document {
	value, err := yaml.YAMLToJSONStrict(text)
	if err == nil {
		return document{json: value, text: text}
	}
	d := document{refusal: oneLine(err)}
	if strings.Contains(d.refusal, "already set in map") && bytes.Contains(text, []byte("<<")) {
		d.lenient, _ = yaml.YAMLToJSON(text)
	}
	return d
}

// readJSON is the first half of apimachinery's YAMLOrJSONDecoder, for texts that are nothing but JSON.
func readJSON(text []byte) (docs []document, ok bool) {
	if !utilyaml.IsJSONBuffer(text) {
		return nil, false
	}
	d := json.NewDecoder(bytes.NewReader(text))
	for {
		var raw json.RawMessage
		var value any
		err := d.Decode(&raw)
		if errors.Is(err, io.EOF) {
			return docs, true
		}
		// A number that no float64 holds is an error of Decode's, too.
		if err != nil || json.Unmarshal(raw, &value) != nil {
			return nil, false
		}
		// Go's decoder reads 0120 as two numbers.
		rest := text[d.InputOffset():]
		if wordByte(raw[len(raw)-1]) && len(rest) > 0 && wordByte(rest[0]) {
			return nil, false
		}
		docs = append(docs, document{json: raw})
	}
}

func wordByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c == '-'
}

func oneLine(err error) string {
	return strings.Join(strings.Fields(err.Error()), " ")
}
