// Following a log over HTTP while it grows, with Go's own sumdb/note and sumdb/tlog.
//
//	gojudge -follow URL VKEY ROUNDS PAUSE_MS SIZE
//
// It goes ROUNDS rounds, and on until the log has SIZE entries.
// Each round fetches the checkpoint, opens the note, proves by fetched tiles that the tree of the round before is a
// prefix of this one, fetches every bundle with entries that are new, compares the hash of each entry with the tiles,
// and checks the inclusion of each new entry under the signed root. Every tile that is read is first led to that root
// (tlog.TileHashReader). A line a round; the last line is ACCEPTED, or REFUSED with what is wrong.
package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	bodyMax   = 256 * 65537
	roundsMax = 1000
)

// live reads tiles over HTTP and keeps those that were led to a signed root.
type live struct {
	url   string
	kept  map[tlog.Tile][]byte
	fetch int
}

func (l *live) Height() int { return height }

func (l *live) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	out := make([][]byte, len(tiles))
	for i, tile := range tiles {
		if data, ok := l.kept[tile]; ok {
			out[i] = data
			continue
		}
		data, err := l.get(path(tile))
		if err != nil {
			return nil, err
		}
		out[i] = data
	}
	return out, nil
}

func (l *live) SaveTiles(tiles []tlog.Tile, data [][]byte) {
	for i, tile := range tiles {
		l.kept[tile] = data[i]
	}
}

func (l *live) get(name string) ([]byte, error) {
	l.fetch++
	answer, err := http.Get(l.url + "/" + name)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != 200 {
		return nil, fmt.Errorf("%s answers %d", name, answer.StatusCode)
	}
	return io.ReadAll(io.LimitReader(answer.Body, bodyMax))
}

// split cuts a bundle into exactly its entries.
func split(name string, raw []byte, width int) [][]byte {
	var found [][]byte
	for i := 0; i < width; i++ {
		if len(raw) < 2 || len(raw) < 2+int(binary.BigEndian.Uint16(raw)) {
			fail("%s ends early", name)
		}
		end := 2 + int(binary.BigEndian.Uint16(raw))
		found = append(found, raw[2:end])
		raw = raw[end:]
	}
	if len(raw) != 0 {
		fail("%s has %d bytes too many", name, len(raw))
	}
	return found
}

// newEntries checks the entries [from, size) one by one against the tree, and proves each of them.
func newEntries(l *live, from, size int64, root tlog.Hash) {
	reader := tlog.TileHashReader(tlog.Tree{N: size, Hash: root}, l)
	for n := from / 256; n*256 < size; n++ {
		width := int(size - n*256)
		if width > 256 {
			width = 256
		}
		name := strings.Replace(path(tlog.Tile{H: height, L: 0, N: n, W: width}), "tile/0/", "tile/entries/", 1)
		raw, err := l.get(name)
		must(err)
		for i, entry := range split(name, raw, width) {
			index := n*256 + int64(i)
			if index < from {
				continue
			}
			leaf := tlog.RecordHash(entry)
			stored, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(0, index)})
			must(err)
			if stored[0] != leaf {
				fail("entry %d is not what its tile says", index)
			}
			proof, err := tlog.ProveRecord(size, index, reader)
			must(err)
			if err := tlog.CheckRecord(proof, size, root, index, leaf); err != nil {
				fail("entry %d: %v", index, err)
			}
		}
	}
}

func follow(url, vkey string, numbers []string) {
	verifier, err := note.NewVerifier(vkey)
	must(err)
	var given [3]int64
	for i, text := range numbers {
		given[i], err = strconv.ParseInt(text, 10, 64)
		must(err)
	}
	rounds, pause, until := int(given[0]), time.Duration(given[1])*time.Millisecond, given[2]
	l := &live{url: url, kept: map[tlog.Tile][]byte{}}
	var old tlog.Tree
	grown, round := 0, 0
	for round < rounds || old.N < until {
		round++
		if round > roundsMax {
			fail("size %d after %d rounds", old.N, round)
		}
		raw, err := l.get("checkpoint")
		must(err)
		size, root := openCheckpoint(raw, verifier)
		if size < old.N {
			fail("rolled back from %d to %d", old.N, size)
		}
		if size == old.N && root != old.Hash {
			fail("two roots at size %d", size)
		}
		if size > old.N {
			grown++
			if old.N > 0 {
				proof, err := tlog.ProveTree(size, old.N, tlog.TileHashReader(tlog.Tree{N: size, Hash: root}, l))
				must(err)
				if err := tlog.CheckTree(proof, size, root, old.N, old.Hash); err != nil {
					fail("from %d to %d: %v", old.N, size, err)
				}
			}
			newEntries(l, old.N, size, root)
		}
		old = tlog.Tree{N: size, Hash: root}
		fmt.Printf("round %d size %d\n", round, size)
		time.Sleep(pause)
	}
	fmt.Printf("ACCEPTED size %d, grown %d times in %d rounds, %d fetched\n", old.N, grown, round, l.fetch)
}
