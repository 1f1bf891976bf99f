// Checkpoints by golang.org/x/mod/sumdb/note, places of leaves by golang.org/x/mod/sumdb/tlog.
//
// usage: note BUNDLES                        each bundle of a folder
//
//	note tlog-proof VKEY FILE...        C2SP tlog-proof texts, whose extra data is the leaf
package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// placed is a leaf with its place: format 2.
type placed struct {
	Index string          `json:"index"`
	Leaf  json.RawMessage `json:"leaf"`
	Path  string          `json:"path"`
}

// logged is a leaf with its tlog-proof: format 1.
type logged struct {
	Leaf  json.RawMessage `json:"leaf"`
	Proof string          `json:"proof"`
}

type bundle struct {
	Format, Log, Checkpoint string
	Place, Edge             placed
	Earlier                 []placed
	Receipt                 logged
	History                 []logged
}

// head is a checkpoint that its log has signed.
type head struct {
	size int64
	root tlog.Hash
}

var failures, proofs int

func fail(what ...any) {
	failures++
	fmt.Println(append([]any{"FAIL"}, what...)...)
}

func hashOf(text string) (hash tlog.Hash, err error) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err == nil && len(raw) != len(hash) {
		err = fmt.Errorf("%d bytes are no hash", len(raw))
	}
	copy(hash[:], raw)
	return hash, err
}

func open(text string, verifier note.Verifier) (head, error) {
	read, err := note.Open([]byte(text), note.VerifierList(verifier))
	if err != nil {
		return head{}, err
	}
	lines := strings.Split(read.Text, "\n")
	if lines[0] != verifier.Name() {
		return head{}, fmt.Errorf("origin %q of log %q", lines[0], verifier.Name())
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return head{}, err
	}
	root, err := hashOf(lines[2])
	return head{size, root}, err
}

func checkPlaced(where string, one placed, under head) {
	proofs++
	index, err := strconv.ParseInt(one.Index, 10, 64)
	if err != nil {
		fail(where, err)
		return
	}
	raw, err := base64.StdEncoding.DecodeString(one.Path)
	if err != nil || len(raw)%tlog.HashSize != 0 {
		fail(where, "no path")
		return
	}
	var path tlog.RecordProof
	for at := 0; at < len(raw); at += tlog.HashSize {
		var hash tlog.Hash
		copy(hash[:], raw[at:])
		path = append(path, hash)
	}
	if err := tlog.CheckRecord(path, under.size, under.root, index, tlog.RecordHash(one.Leaf)); err != nil {
		fail(where, err)
	}
	if len(path) > 0 {
		path[0][0] ^= 1
		if tlog.CheckRecord(path, under.size, under.root, index, tlog.RecordHash(one.Leaf)) == nil {
			fail(where, "a forged path proves")
		}
	}
}

func checkText(where, text string, leaf []byte, verifier note.Verifier) {
	proofs++
	parts := strings.SplitN(text, "\n\n", 2)
	lines := strings.Split(parts[0], "\n")
	if lines[0] != "c2sp.org/tlog-proof@v1" || len(parts) != 2 {
		fail(where, "no tlog-proof")
		return
	}
	lines = lines[1:]
	if strings.HasPrefix(lines[0], "extra ") {
		decoded, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[0], "extra "))
		if err != nil {
			fail(where, err)
		}
		leaf, lines = decoded, lines[1:]
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[0], "index "), 10, 64)
	if err != nil {
		fail(where, err)
		return
	}
	under, err := open(parts[1], verifier)
	if err != nil {
		fail(where, err)
		return
	}
	var path tlog.RecordProof
	for _, line := range lines[1:] {
		hash, err := hashOf(line)
		if err != nil {
			fail(where, err)
		}
		path = append(path, hash)
	}
	if err := tlog.CheckRecord(path, under.size, under.root, index, tlog.RecordHash(leaf)); err != nil {
		fail(where, err)
	}
}

func checkBundle(path string) {
	name := filepath.Base(path)
	raw, err := os.ReadFile(path)
	var read bundle
	if err == nil {
		err = json.Unmarshal(raw, &read)
	}
	if err != nil {
		fail(name, err)
		return
	}
	verifier, err := note.NewVerifier(read.Log)
	if err != nil {
		fail(name, err)
		return
	}
	if read.Format != "chaoschain-bundle/2" {
		for number, one := range append([]logged{read.Receipt}, read.History...) {
			checkText(fmt.Sprintf("%s#%d", name, number), one.Proof, one.Leaf, verifier)
		}
		return
	}
	under, err := open(read.Checkpoint, verifier)
	if err != nil {
		fail(name, err)
		return
	}
	if read.Edge.Index != strconv.FormatInt(under.size-1, 10) {
		fail(name, "the edge is not the last entry")
	}
	checkPlaced(name, read.Place, under)
	checkPlaced(name+"#edge", read.Edge, under)
	for number, one := range read.Earlier {
		checkPlaced(fmt.Sprintf("%s#earlier-%d", name, number), one, under)
	}
}

func main() {
	files := os.Args[1:]
	if len(files) > 2 && files[0] == "tlog-proof" {
		verifier, err := note.NewVerifier(files[1])
		if err != nil {
			fail(err)
		}
		for _, path := range files[2:] {
			text, err := os.ReadFile(path)
			if err != nil {
				fail(err)
				continue
			}
			checkText(filepath.Base(path), string(text), nil, verifier)
		}
	} else {
		paths, _ := filepath.Glob(filepath.Join(files[0], "*.json"))
		sort.Strings(paths)
		for _, path := range paths {
			checkBundle(path)
		}
	}
	verdict := "all agree"
	if failures > 0 || proofs == 0 {
		verdict = "FAILED"
	}
	fmt.Println("note:", proofs, "proofs", verdict)
	if failures > 0 || proofs == 0 {
		os.Exit(1)
	}
}
