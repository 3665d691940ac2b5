// A judge of published logs that shares no line with this project: Go's own sumdb/note and sumdb/tlog.
//
//	gojudge FOLDER VKEY [PROOF ENTRY]...
//	gojudge -follow URL VKEY ROUNDS PAUSE_MS SIZE    (live.go)
//
// It opens the checkpoint, hashes every entry of every bundle again, compares every published tile of every level and
// the signed root, and checks each .tlog-proof against its entry. It prints one line and exits 0, or says what is wrong.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

type memory []tlog.Hash

func (m memory) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if index >= int64(len(m)) {
			return nil, fmt.Errorf("hash %d is not there", index)
		}
		out[i] = m[index]
	}
	return out, nil
}

func fail(format string, args ...any) {
	fmt.Printf("REFUSED "+format+"\n", args...)
	os.Exit(1)
}

func must(err error) {
	if err != nil {
		fail("%v", err)
	}
}

// path turns x/mod's "tile/8/L/N" into C2SP's "tile/L/N".
func path(tile tlog.Tile) string { return strings.Replace(tile.Path(), "tile/8/", "tile/", 1) }

func openCheckpoint(raw []byte, verifier note.Verifier) (int64, tlog.Hash) {
	opened, err := note.Open(raw, note.VerifierList(verifier))
	must(err)
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		fail("the checkpoint is not three lines of %s", verifier.Name())
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err)
	root, err := base64.StdEncoding.DecodeString(lines[2])
	must(err)
	var hash tlog.Hash
	if copy(hash[:], root) != len(hash) {
		fail("the root has %d bytes", len(root))
	}
	return size, hash
}

func entries(folder string, size int64) [][]byte {
	var all [][]byte
	for first := int64(0); first < size; first += 256 {
		width := int(size - first)
		if width > 256 {
			width = 256
		}
		name := strings.Replace(path(tlog.Tile{H: height, L: 0, N: first / 256, W: width}), "tile/0/", "tile/entries/", 1)
		raw, err := os.ReadFile(filepath.Join(folder, name))
		must(err)
		for i := 0; i < width; i++ {
			if len(raw) < 2 || len(raw) < 2+int(binary.BigEndian.Uint16(raw)) {
				fail("%s ends early", name)
			}
			length := int(binary.BigEndian.Uint16(raw))
			all = append(all, raw[2:2+length])
			raw = raw[2+length:]
		}
		if len(raw) != 0 {
			fail("%s has %d bytes too many", name, len(raw))
		}
	}
	return all
}

func checkProof(proofFile, entryFile string, verifier note.Verifier) {
	raw, err := os.ReadFile(proofFile)
	must(err)
	entry, err := os.ReadFile(entryFile)
	must(err)
	cut := bytes.Index(raw, []byte("\n\n"))
	if cut < 0 {
		fail("%s has no checkpoint", proofFile)
	}
	size, root := openCheckpoint(raw[cut+2:], verifier)
	lines := strings.Split(string(raw[:cut]), "\n")
	if lines[0] != "c2sp.org/tlog-proof@v1" || !strings.HasPrefix(lines[1], "index ") {
		fail("%s is no tlog-proof", proofFile)
	}
	index, err := strconv.ParseInt(lines[1][6:], 10, 64)
	must(err)
	var proof tlog.RecordProof
	for _, line := range lines[2:] {
		step, err := base64.StdEncoding.DecodeString(line)
		must(err)
		var hash tlog.Hash
		copy(hash[:], step)
		proof = append(proof, hash)
	}
	must(tlog.CheckRecord(proof, size, root, index, tlog.RecordHash(entry)))
}

func main() {
	if len(os.Args) == 7 && os.Args[1] == "-follow" {
		follow(os.Args[2], os.Args[3], os.Args[4:])
		return
	}
	folder, vkey := os.Args[1], os.Args[2]
	verifier, err := note.NewVerifier(vkey)
	must(err)
	raw, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	must(err)
	size, root := openCheckpoint(raw, verifier)
	var hashes memory
	for index, entry := range entries(folder, size) {
		added, err := tlog.StoredHashes(int64(index), entry, hashes)
		must(err)
		hashes = append(hashes, added...)
	}
	computed, err := tlog.TreeHash(size, hashes)
	must(err)
	if size > 0 && computed != root {
		fail("the entries give another root")
	}
	// tlog.NewTiles would also name every narrower partial tile, which nobody has to publish.
	var tiles []tlog.Tile
	for level, count := 0, size; count > 0; level, count = level+1, count/256 {
		for n := int64(0); n < (count+255)/256; n++ {
			width := int(count - 256*n)
			if width > 256 {
				width = 256
			}
			tiles = append(tiles, tlog.Tile{H: height, L: level, N: n, W: width})
		}
	}
	for _, tile := range tiles {
		want, err := tlog.ReadTileData(tile, hashes)
		must(err)
		got, err := os.ReadFile(filepath.Join(folder, path(tile)))
		must(err)
		if !bytes.Equal(got, want) {
			fail("%s differs", path(tile))
		}
	}
	for i := 3; i+1 < len(os.Args); i += 2 {
		checkProof(os.Args[i], os.Args[i+1], verifier)
	}
	fmt.Printf("ACCEPTED size %d, %d tiles, %d proofs\n", size, len(tiles), (len(os.Args)-3)/2)
}
