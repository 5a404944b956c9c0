// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	height = 8
	width  = 1 << height
)

// ecdsaVerifier is a note.Verifier for signature type 2, which the library does
// not have: SHA-256 of the text, ASN.1 signature, id out of the key alone.
type ecdsaVerifier struct {
	name string
	hash uint32
	key  *ecdsa.PublicKey
}

func (v *ecdsaVerifier) Name() string    { return v.name }
func (v *ecdsaVerifier) KeyHash() uint32 { return v.hash }
func (v *ecdsaVerifier) Verify(msg, sig []byte) bool {
	digest := sha256.Sum256(msg)
	return ecdsa.VerifyASN1(v.key, digest[:], sig)
}

func newECDSAVerifier(name, id string, spki []byte) (note.Verifier, error) {
	digest := sha256.Sum256(spki)
	if hex.EncodeToString(digest[:4]) != id {
		return nil, fmt.Errorf("%s: id %s is not that of the key", name, id)
	}
	key, err := x509.ParsePKIXPublicKey(spki)
	if err != nil {
		return nil, err
	}
	ec, ok := key.(*ecdsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("%s: not an EC key", name)
	}
	return &ecdsaVerifier{name, binary.BigEndian.Uint32(digest[:4]), ec}, nil
}

func newVerifier(vkey string) (v note.Verifier, kind byte, err error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return nil, 0, fmt.Errorf("not a verifier key: %q", vkey)
	}
	key, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(key) < 2 {
		return nil, 0, fmt.Errorf("not a verifier key: %q", vkey)
	}
	if key[0] == 2 {
		v, err = newECDSAVerifier(parts[0], parts[1], key[1:])
	} else {
		v, err = note.NewVerifier(vkey)
	}
	return v, key[0], err
}

type checkpoint struct {
	origin string
	tlog.Tree
}

func parseHash(line string) (h tlog.Hash, err error) {
	b, err := base64.StdEncoding.Strict().DecodeString(line)
	if err != nil || len(b) != len(h) {
		return h, fmt.Errorf("not a hash: %q", line)
	}
	copy(h[:], b)
	return h, nil
}

func parseCheckpoint(text string) (c checkpoint, err error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return c, fmt.Errorf("not three lines: %q", text)
	}
	c.origin = lines[0]
	c.N, err = strconv.ParseInt(lines[1], 10, 64)
	if err != nil || strconv.FormatInt(c.N, 10) != lines[1] || c.N < 0 {
		return c, fmt.Errorf("not a size: %q", lines[1])
	}
	c.Hash, err = parseHash(lines[2])
	return c, err
}

// folder is a log as files, as C2SP tlog-tiles names them.
type folder struct {
	dir       string
	verifiers map[byte][]note.Verifier // by signature type
	alter     string                   // this file reads as if damaged
}

func openFolder(dir string) (*folder, error) {
	f := &folder{dir: dir, verifiers: map[byte][]note.Verifier{}}
	text, err := os.ReadFile(filepath.Join(dir, "vkeys"))
	if err != nil {
		return nil, err
	}
	for _, line := range strings.Fields(string(text)) {
		v, kind, err := newVerifier(line)
		if err != nil {
			return nil, err
		}
		f.verifiers[kind] = append(f.verifiers[kind], v)
	}
	return f, nil
}

// open wants the note signed by one key of each kind that there is.
func (f *folder) open(msg []byte) (c checkpoint, err error) {
	if len(f.verifiers) == 0 {
		return c, fmt.Errorf("no keys")
	}
	for kind, list := range f.verifiers {
		n, err := note.Open(msg, note.VerifierList(list...))
		if err != nil {
			return c, fmt.Errorf("signature of type %d: %w", kind, err)
		}
		if c, err = parseCheckpoint(n.Text); err != nil {
			return c, err
		}
		if n.Sigs[0].Name != c.origin {
			return c, fmt.Errorf("%s signed for %s", n.Sigs[0].Name, c.origin)
		}
	}
	return c, nil
}

func (f *folder) read(name string) ([]byte, error) {
	b, err := os.ReadFile(filepath.Join(f.dir, name))
	if err == nil && name == f.alter {
		b[len(b)/2] ^= 4
	}
	return b, err
}

func tileName(level string, n int64, w int) string {
	s := fmt.Sprintf("%03d", n%1000)
	for n /= 1000; n > 0; n /= 1000 {
		s = fmt.Sprintf("x%03d/%s", n%1000, s)
	}
	if w < width {
		s += ".p/" + strconv.Itoa(w)
	}
	return "tile/" + level + "/" + s
}

func hashTileName(t tlog.Tile) string {
	return tileName(strconv.Itoa(t.L), t.N, t.W)
}

// tilesOf lists the tiles of a tree of that size, each at its width there.
func tilesOf(size int64) (tiles []tlog.Tile) {
	for level := 0; size>>(height*level) > 0; level++ {
		hashes := size >> (height * level)
		for n := int64(0); n*width < hashes; n++ {
			w := hashes - n*width
			if w > width {
				w = width
			}
			tiles = append(tiles, tlog.Tile{H: height, L: level, N: n, W: int(w)})
		}
	}
	return tiles
}

// The folder as a tlog.TileReader.
func (f *folder) Height() int { return height }
func (f *folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	for i, t := range tiles {
		b, err := f.read(hashTileName(t))
		if err != nil {
			return nil, err
		}
		if len(b) != t.W*tlog.HashSize {
			return nil, fmt.Errorf("%s: %d bytes", hashTileName(t), len(b))
		}
		data[i] = b
	}
	return data, nil
}
func (f *folder) SaveTiles(tiles []tlog.Tile, data [][]byte) {}

// bundle reads entries: 16 bits of length and the bytes, w times.
func (f *folder) bundle(n int64, w int) (entries [][]byte, err error) {
	name := tileName("entries", n, w)
	b, err := f.read(name)
	if err != nil {
		return nil, err
	}
	for len(b) >= 2 && len(entries) < w {
		size := int(binary.BigEndian.Uint16(b))
		if len(b) < 2+size {
			break
		}
		entries = append(entries, b[2:2+size])
		b = b[2+size:]
	}
	if len(b) != 0 || len(entries) != w {
		return nil, fmt.Errorf("%s: not %d entries", name, w)
	}
	return entries, nil
}

// entries reads those of a tree of that size.
func (f *folder) entries(size int64) (all [][]byte, err error) {
	for n := int64(0); n*width < size; n++ {
		w := size - n*width
		if w > width {
			w = width
		}
		list, err := f.bundle(n, int(w))
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	return all, nil
}

type proofFile struct {
	index int64
	path  tlog.RecordProof
	note  []byte
}

// parseProof reads a C2SP tlog-proof.
func parseProof(b []byte) (p proofFile, err error) {
	end := bytes.Index(b, []byte("\n\n"))
	if end < 0 {
		return p, fmt.Errorf("no empty line")
	}
	p.note = b[end+2:]
	lines := strings.Split(string(b[:end]), "\n")
	if lines[0] != "c2sp.org/tlog-proof@v1" || len(lines) < 2 ||
		!strings.HasPrefix(lines[1], "index ") {
		return p, fmt.Errorf("not a proof: %q", lines)
	}
	p.index, err = strconv.ParseInt(lines[1][6:], 10, 64)
	if err != nil {
		return p, err
	}
	p.path, err = parsePath(lines[2:])
	return p, err
}

func parsePath(lines []string) (path []tlog.Hash, err error) {
	for _, line := range lines {
		h, err := parseHash(line)
		if err != nil {
			return nil, err
		}
		path = append(path, h)
	}
	return path, nil
}

// files lists what is under a folder of the log.
func (f *folder) files(under string) (names []string, err error) {
	err = filepath.WalkDir(filepath.Join(f.dir, under),
		func(path string, d fs.DirEntry, err error) error {
			if os.IsNotExist(err) {
				return nil
			}
			if err != nil || d.IsDir() {
				return err
			}
			name, err := filepath.Rel(f.dir, path)
			names = append(names, name)
			return err
		})
	return names, err
}
