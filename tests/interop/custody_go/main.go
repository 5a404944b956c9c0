// SPDX-License-Identifier: Apache-2.0

// A verifier of a custody log that knows nothing of camca: golang.org/x/mod's
// note and tlog over a folder of files (checkpoint.*, tile/..., vkeys, and
// proof/... where there is one). Prints a line for each thing that holds, and
// exits 1 where one does not.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

var failed bool

func check(name string, err error) {
	if err != nil {
		failed = true
		fmt.Printf("not ok %s: %v\n", name, err)
		return
	}
	fmt.Printf("ok %s\n", name)
}

// memory has the hashes of all entries, computed out of the entries.
type memory []tlog.Hash

func (m memory) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	list := make([]tlog.Hash, len(indexes))
	for i, at := range indexes {
		if at < 0 || at >= int64(len(m)) {
			return nil, fmt.Errorf("no hash %d", at)
		}
		list[i] = m[at]
	}
	return list, nil
}

func hashAll(entries [][]byte) (m memory, err error) {
	for i, e := range entries {
		h, err := tlog.StoredHashes(int64(i), e, m)
		if err != nil {
			return nil, err
		}
		m = append(m, h...)
	}
	return m, nil
}

func (m memory) root(size int64) (tlog.Hash, error) {
	if size == 0 {
		return sha256.Sum256(nil), nil // RFC 6962; the library has zeros
	}
	return tlog.TreeHash(size, m)
}

type verifier struct {
	*folder
	checkpoints []checkpoint
	msgs        [][]byte
	entries     [][]byte
	hashes      memory
}

func (v *verifier) readCheckpoints() error {
	names, err := filepath.Glob(filepath.Join(v.dir, "checkpoint.*"))
	if err != nil {
		return err
	}
	newest, err := v.read("checkpoint")
	if err != nil {
		return err
	}
	for _, path := range names {
		name := filepath.Base(path)
		msg, err := v.read(name)
		if err != nil {
			return err
		}
		c, err := v.folder.open(msg)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if name != "checkpoint."+strconv.FormatInt(c.N, 10) {
			return fmt.Errorf("%s has size %d", name, c.N)
		}
		v.checkpoints = append(v.checkpoints, c)
		v.msgs = append(v.msgs, msg)
	}
	sort.Sort(v)
	if len(v.msgs) == 0 || !bytes.Equal(v.msgs[len(v.msgs)-1], newest) {
		return fmt.Errorf("the newest checkpoint is not the largest one")
	}
	return nil
}

func (v *verifier) Len() int           { return len(v.msgs) }
func (v *verifier) Less(i, j int) bool { return v.checkpoints[i].N < v.checkpoints[j].N }
func (v *verifier) Swap(i, j int) {
	v.checkpoints[i], v.checkpoints[j] = v.checkpoints[j], v.checkpoints[i]
	v.msgs[i], v.msgs[j] = v.msgs[j], v.msgs[i]
}

// roots: each checkpoint's root out of the entries.
func (v *verifier) roots() error {
	for _, c := range v.checkpoints {
		root, err := v.hashes.root(c.N)
		if err != nil {
			return err
		}
		if root != c.Hash {
			return fmt.Errorf("size %d: root %v, entries give %v", c.N, c.Hash, root)
		}
	}
	return nil
}

// tiles: each one that a checkpoint needs, against the hashes of the entries;
// bundles at each of their widths; and nothing else is there.
func (v *verifier) tiles() error {
	done := map[string]bool{}
	for _, c := range v.checkpoints {
		for _, t := range tilesOf(c.N) {
			name := hashTileName(t)
			if done[name] {
				continue
			}
			done[name] = true
			got, err := v.read(name)
			if err != nil {
				return err
			}
			want, err := tlog.ReadTileData(t, v.hashes)
			if err != nil {
				return err
			}
			if !bytes.Equal(got, want) {
				return fmt.Errorf("%s is not that of the entries", name)
			}
			if t.L == 0 {
				if err := v.sameEntries(t, done); err != nil {
					return err
				}
			}
		}
	}
	names, err := v.files("tile")
	if err != nil {
		return err
	}
	for _, name := range names {
		if !done[name] {
			return fmt.Errorf("%s: no checkpoint needs it", name)
		}
	}
	return nil
}

func (v *verifier) sameEntries(t tlog.Tile, done map[string]bool) error {
	list, err := v.bundle(t.N, t.W)
	if err != nil {
		return err
	}
	done[tileName("entries", t.N, t.W)] = true
	for i, e := range list {
		if !bytes.Equal(e, v.entries[t.N*width+int64(i)]) {
			return fmt.Errorf("entry %d differs between widths", t.N*width+int64(i))
		}
	}
	return nil
}

// some picks leaves of a tree: ends, borders of tiles, and a spread.
func some(size int64) (list []int64) {
	seen := map[int64]bool{}
	add := func(i int64) {
		if i >= 0 && i < size && !seen[i] {
			seen[i] = true
			list = append(list, i)
		}
	}
	for _, i := range []int64{0, 1, 2, 127, 255, 256, 257, 65535, 65536, 65537} {
		add(i)
		add(size - 1 - i)
	}
	for i := int64(1); i < 12; i++ {
		add(size * i / 12)
	}
	return list
}

// byTiles: the library walks the tiles, which it checks against the root, and
// proves leaves and older trees out of them.
func (v *verifier) byTiles(c checkpoint) error {
	if c.N == 0 {
		return nil
	}
	r := tlog.TileHashReader(c.Tree, v.folder)
	for _, i := range some(c.N) {
		p, err := tlog.ProveRecord(c.N, i, r)
		if err != nil {
			return fmt.Errorf("record %d: %w", i, err)
		}
		h := tlog.RecordHash(v.entries[i])
		if err := tlog.CheckRecord(p, c.N, c.Hash, i, h); err != nil {
			return fmt.Errorf("record %d: %w", i, err)
		}
		older, err := v.hashes.root(i + 1)
		if err != nil {
			return err
		}
		q, err := tlog.ProveTree(c.N, i+1, r)
		if err != nil {
			return fmt.Errorf("tree %d: %w", i+1, err)
		}
		if err := tlog.CheckTree(q, c.N, c.Hash, i+1, older); err != nil {
			return fmt.Errorf("tree %d: %w", i+1, err)
		}
	}
	return nil
}

// given: the proofs that camca made, with the library's checks.
func (v *verifier) given(c checkpoint) (count int, err error) {
	names, err := v.files(fmt.Sprintf("proof/%d", c.N))
	for _, name := range names {
		b, err := v.read(name)
		if err != nil {
			return count, err
		}
		base := filepath.Base(name)
		if strings.HasPrefix(base, "from.") {
			err = v.givenTree(c, base[len("from."):], b)
		} else {
			err = v.givenRecord(c, base, b)
		}
		if err != nil {
			return count, fmt.Errorf("%s: %w", name, err)
		}
		count++
	}
	return count, err
}

func (v *verifier) givenRecord(c checkpoint, base string, b []byte) error {
	p, err := parseProof(b)
	if err != nil {
		return err
	}
	if base != fmt.Sprintf("%d.tlog-proof", p.index) {
		return fmt.Errorf("index %d", p.index)
	}
	signed, err := v.folder.open(p.note)
	if err != nil {
		return err
	}
	if signed != c {
		return fmt.Errorf("another checkpoint")
	}
	h := tlog.RecordHash(v.entries[p.index])
	if err := tlog.CheckRecord(p.path, c.N, c.Hash, p.index, h); err != nil {
		return err
	}
	return v.wrongRecord(c, p, h)
}

func wrong(what string, err error) error {
	if err == nil {
		return fmt.Errorf("accepted with another %s", what)
	}
	return nil
}

// wrongRecord: what holds must not hold with anything changed.
func (v *verifier) wrongRecord(c checkpoint, p proofFile, h tlog.Hash) error {
	root, leaf := c.Hash, h
	root[31] ^= 1
	leaf[0] ^= 0x80
	tests := map[string]error{
		"root":  tlog.CheckRecord(p.path, c.N, root, p.index, h),
		"leaf":  tlog.CheckRecord(p.path, c.N, c.Hash, p.index, leaf),
		"entry": tlog.CheckRecord(p.path, c.N, c.Hash, p.index, tlog.RecordHash(append([]byte{'x'}, v.entries[p.index]...))),
		"size":  tlog.CheckRecord(p.path, 2*c.N+1, c.Hash, p.index, h),
		"end":   tlog.CheckRecord(append(append([]tlog.Hash{}, p.path...), h), c.N, c.Hash, p.index, h),
	}
	if c.N > 1 {
		tests["index"] = tlog.CheckRecord(p.path, c.N, c.Hash, p.index^1, h)
		short := p.path[:len(p.path)-1]
		tests["length"] = tlog.CheckRecord(short, c.N, c.Hash, p.index, h)
	}
	for i := range p.path {
		path := append([]tlog.Hash{}, p.path...)
		path[i][i%32] ^= 1 << (i % 8)
		tests[fmt.Sprintf("hash %d", i)] = tlog.CheckRecord(path, c.N, c.Hash, p.index, h)
	}
	for what, err := range tests {
		if err := wrong(what, err); err != nil {
			return err
		}
	}
	return nil
}

func (v *verifier) givenTree(c checkpoint, older string, b []byte) error {
	n, err := strconv.ParseInt(older, 10, 64)
	if err != nil {
		return err
	}
	path, err := parsePath(strings.Fields(string(b)))
	if err != nil {
		return err
	}
	root, err := v.hashes.root(n)
	if err != nil {
		return err
	}
	if err := tlog.CheckTree(path, c.N, c.Hash, n, root); err != nil {
		return err
	}
	want, err := tlog.ProveTree(c.N, n, v.hashes)
	if err != nil || fmt.Sprint(want) != fmt.Sprint(tlog.TreeProof(path)) {
		return fmt.Errorf("not the library's proof: %v", err)
	}
	other := root
	other[5] ^= 2
	if err := wrong("older root", tlog.CheckTree(path, c.N, c.Hash, n, other)); err != nil {
		return err
	}
	other = c.Hash
	other[5] ^= 2
	if err := wrong("root", tlog.CheckTree(path, c.N, other, n, root)); err != nil {
		return err
	}
	for i := range path {
		bad := append([]tlog.Hash{}, path...)
		bad[i][i%32] ^= 1 << (i % 8)
		if err := wrong("hash", tlog.CheckTree(bad, c.N, c.Hash, n, root)); err != nil {
			return err
		}
	}
	return nil
}

// wrongNotes: size, root, origin and text of a checkpoint changed, and every byte
// of each signature and of its key id. (Not of the base64: Go's decoder does not
// look at the bits behind the last byte.)
func (v *verifier) wrongNotes(msg []byte) error {
	text := bytes.Index(msg, []byte("\n\n")) + 1
	for i := range msg[:text] {
		bad := append([]byte{}, msg...)
		bad[i] ^= 1
		_, err := v.folder.open(bad)
		if err := wrong(fmt.Sprintf("byte %d", i), err); err != nil {
			return err
		}
	}
	for _, line := range strings.Split(strings.TrimSpace(string(msg[text:])), "\n") {
		if err := v.wrongLine(string(msg), strings.Fields(line)[2]); err != nil {
			return err
		}
	}
	// The library's own rule: a known key's wrong signature spoils the note.
	for kind, list := range v.verifiers {
		bad := append([]byte("x"), msg...)
		if _, err := note.Open(bad, note.VerifierList(list...)); err == nil {
			return fmt.Errorf("type %d holds for another text", kind)
		}
	}
	return nil
}

func (v *verifier) wrongLine(msg, sig string) error {
	raw, err := base64.StdEncoding.DecodeString(sig)
	if err != nil {
		return err
	}
	for i := range raw {
		raw[i] ^= 1
		bad := strings.Replace(msg, sig, base64.StdEncoding.EncodeToString(raw), 1)
		raw[i] ^= 1
		_, err := v.folder.open([]byte(bad))
		if err := wrong(fmt.Sprintf("byte %d of a signature", i), err); err != nil {
			return err
		}
	}
	return nil
}

// wrongTiles: with one bit of one tile or bundle changed, it must be seen.
func (v *verifier) wrongTiles(c checkpoint) error {
	if c.N == 0 {
		return nil
	}
	for _, t := range tilesOf(c.N) {
		if t.N%37 != 0 && t.W == width {
			continue
		}
		f := *v.folder
		f.alter = hashTileName(t)
		// Either the library refuses the tile, or what it reads is not
		// what the entries hash to, and no proof comes out of it. (Debian's
		// release 0.7.0 does not look at every tile: where some
		// of the tree's own tiles coincide, they skip as many others.)
		h := tlog.StoredHashIndex(height*t.L, t.N*width+int64(t.W)/2)
		got, err := tlog.TileHashReader(c.Tree, &f).ReadHashes([]int64{h})
		if err == nil && got[0] == v.hashes[h] {
			return fmt.Errorf("accepted with another %s", f.alter)
		}
		if t.L != 0 {
			continue
		}
		f.alter = tileName("entries", t.N, t.W)
		list, err := f.bundle(t.N, t.W)
		same := err == nil
		for i := 0; same && i < t.W; i++ {
			same = tlog.RecordHash(list[i]) == v.hashes[tlog.StoredHashIndex(0, t.N*width+int64(i))]
		}
		if same {
			return fmt.Errorf("%s: a changed entry hashes the same", f.alter)
		}
	}
	return nil
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: custody_go FOLDER")
		os.Exit(2)
	}
	f, err := openFolder(os.Args[1])
	if err != nil {
		fmt.Println("not ok vkeys:", err)
		os.Exit(1)
	}
	v := &verifier{folder: f}
	if err = v.readCheckpoints(); err != nil {
		fmt.Println("not ok checkpoints:", err)
		os.Exit(1)
	}
	largest := v.checkpoints[len(v.checkpoints)-1].N
	if v.entries, err = v.folder.entries(largest); err == nil {
		v.hashes, err = hashAll(v.entries)
	}
	if err != nil {
		fmt.Println("not ok entries:", err)
		os.Exit(1)
	}
	check(fmt.Sprintf("%d checkpoints are signed by each kind of key", v.Len()), nil)
	check("every root is that of the entries", v.roots())
	check("every tile is that of the entries, and no other is there", v.tiles())
	for i, c := range v.checkpoints {
		name := fmt.Sprintf("size %d: ", c.N)
		check(name+"the library proves leaves and older trees by our tiles", v.byTiles(c))
		count, err := v.given(c)
		check(fmt.Sprintf("%sour %d proofs hold, and none with anything changed", name, count), err)
		if i == 0 || i == v.Len()-1 || v.Len() < 20 {
			check(name+"a checkpoint with any byte changed is rejected", v.wrongNotes(v.msgs[i]))
			check(name+"a tile or entry with a bit changed is seen", v.wrongTiles(c))
		}
	}
	if failed {
		os.Exit(1)
	}
}
