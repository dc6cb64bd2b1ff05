package mttranscode

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
)

// DirStore is a [Store] that keeps its files in the folder that it names, and makes folders in it as needed. A file gets its
// name at its Close: until then it is written under another one, which begins with a dot, and its older version stays.
type DirStore string

var dirFiles atomic.Uint64

// Create makes a file, which is broken off by CloseWithError.
func (s DirStore) Create(name string) (io.WriteCloser, error) {
	path, err := s.path("create", name)
	if err != nil {
		return nil, err
	}
	folder, base := filepath.Split(path)
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return nil, err
	}
	temporary := filepath.Join(folder, fmt.Sprintf(".%s.%d-%d", base, os.Getpid(), dirFiles.Add(1)))
	file, err := os.OpenFile(temporary, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return nil, err
	}
	return &dirFile{file, path}, nil
}

// Remove deletes a file.
func (s DirStore) Remove(name string) error {
	path, err := s.path("remove", name)
	if err != nil {
		return err
	}
	return os.Remove(path)
}

func (s DirStore) path(doing, name string) (string, error) {
	if !fs.ValidPath(name) || name == "." || !filepath.IsLocal(name) {
		return "", &fs.PathError{Op: doing, Path: name, Err: fs.ErrInvalid}
	}
	return filepath.Join(string(s), filepath.FromSlash(name)), nil
}

type dirFile struct {
	*os.File
	path string
}

func (f *dirFile) Close() error {
	if err := f.File.Close(); err != nil {
		os.Remove(f.Name())
		return err
	}
	return os.Rename(f.Name(), f.path)
}

// CloseWithError deletes what was written.
func (f *dirFile) CloseWithError(error) error {
	f.File.Close()
	return os.Remove(f.Name())
}
