package mttranscode

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
)

// MemoryStore is a [Store] that keeps its files in memory. It is an fs.FS: http.FileServerFS serves it, also while a job
// writes. A file is seen as a whole from its Close on; until then its older version is seen, if there is one. The zero
// value is an empty store.
type MemoryStore struct {
	mu    sync.RWMutex
	files map[string]*memoryFile
}

var (
	_ Store         = (*MemoryStore)(nil)
	_ fs.ReadFileFS = (*MemoryStore)(nil)
	_ fs.ReadDirFS  = (*MemoryStore)(nil)
)

// memoryFile is complete and never changes.
type memoryFile struct {
	data     []byte
	modified time.Time
}

// Create makes a file that can seek, and is broken off by CloseWithError.
func (s *MemoryStore) Create(name string) (io.WriteCloser, error) {
	if !fs.ValidPath(name) || name == "." {
		return nil, &fs.PathError{Op: "create", Path: name, Err: fs.ErrInvalid}
	}
	return &memoryWriter{store: s, name: name}, nil
}

// Remove deletes a file.
func (s *MemoryStore) Remove(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.files[name] == nil {
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	}
	delete(s.files, name)
	return nil
}

// Open opens a file, or a folder of some.
func (s *MemoryStore) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	s.mu.RLock()
	file := s.files[name]
	s.mu.RUnlock()
	if file != nil {
		return &openFile{Reader: bytes.NewReader(file.data), info: file.info(name)}, nil
	}
	entries, err := s.ReadDir(name)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &openDir{info: memoryInfo{name: path.Base(name), dir: true}, entries: entries}, nil
}

// ReadFile returns the bytes of a file.
func (s *MemoryStore) ReadFile(name string) ([]byte, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if file := s.files[name]; file != nil {
		return bytes.Clone(file.data), nil
	}
	return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
}

// ReadDir lists a folder, sorted by name. There are no empty folders but ".".
func (s *MemoryStore) ReadDir(name string) ([]fs.DirEntry, error) {
	prefix := name + "/"
	if name == "." {
		prefix = ""
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	found := map[string]memoryInfo{}
	for full, file := range s.files {
		rest, inside := strings.CutPrefix(full, prefix)
		if first, _, deeper := strings.Cut(rest, "/"); inside && deeper {
			found[first] = memoryInfo{name: first, dir: true}
		} else if inside {
			found[rest] = file.info(rest)
		}
	}
	if len(found) == 0 && name != "." {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrNotExist}
	}
	entries := make([]fs.DirEntry, 0, len(found))
	for _, info := range found {
		entries = append(entries, fs.FileInfoToDirEntry(info))
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, nil
}

// memoryWriter is a file that is being written.
type memoryWriter struct {
	store *MemoryStore
	name  string
	data  []byte
	at    int64
	ended bool
}

func (w *memoryWriter) Write(data []byte) (int, error) {
	if w.ended {
		return 0, fs.ErrClosed
	}
	end := w.at + int64(len(data))
	if grow := end - int64(len(w.data)); grow > 0 {
		w.data = append(w.data, make([]byte, grow)...)
	}
	copy(w.data[w.at:], data)
	w.at = end
	return len(data), nil
}

// maxMemorySeek keeps a seek that goes astray from taking the machine's memory.
const maxMemorySeek = 1 << 32

func (w *memoryWriter) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += w.at
	case io.SeekEnd:
		offset += int64(len(w.data))
	}
	if offset < 0 || offset > maxMemorySeek {
		return 0, fs.ErrInvalid
	}
	w.at = offset
	return offset, nil
}

// Close makes the file seen.
func (w *memoryWriter) Close() error {
	if w.ended {
		return fs.ErrClosed
	}
	w.ended = true
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	if w.store.files == nil {
		w.store.files = map[string]*memoryFile{}
	}
	w.store.files[w.name] = &memoryFile{data: w.data, modified: time.Now()}
	return nil
}

// CloseWithError drops what was written.
func (w *memoryWriter) CloseWithError(error) error {
	w.ended, w.data = true, nil
	return nil
}

func (f *memoryFile) info(name string) memoryInfo {
	return memoryInfo{name: path.Base(name), size: int64(len(f.data)), modified: f.modified}
}

// memoryInfo describes a file or folder.
type memoryInfo struct {
	name     string
	size     int64
	modified time.Time
	dir      bool
}

func (i memoryInfo) Name() string       { return i.name }
func (i memoryInfo) Size() int64        { return i.size }
func (i memoryInfo) ModTime() time.Time { return i.modified }
func (i memoryInfo) IsDir() bool        { return i.dir }
func (i memoryInfo) Sys() any           { return nil }

func (i memoryInfo) Mode() fs.FileMode {
	if i.dir {
		return fs.ModeDir | 0o555
	}
	return 0o444
}

// openFile can seek too, as http.FileServer wants it.
type openFile struct {
	*bytes.Reader
	info memoryInfo
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *openFile) Close() error               { return nil }

type openDir struct {
	info    memoryInfo
	entries []fs.DirEntry
}

func (d *openDir) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *openDir) Close() error               { return nil }

func (d *openDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.info.name, Err: errors.New("is a folder")}
}

func (d *openDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 {
		n = len(d.entries)
	} else if len(d.entries) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(d.entries))
	taken := d.entries[:n]
	d.entries = d.entries[n:]
	return taken, nil
}
