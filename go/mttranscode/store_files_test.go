package mttranscode

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"testing"
	"testing/fstest"
)

func TestMemoryStoreIsFS(t *testing.T) {
	store := &MemoryStore{}
	write := func(name, text string) {
		file, err := store.Create(name)
		check(t, err)
		_, err = io.WriteString(file, text)
		check(t, err)
		check(t, file.Close())
	}
	write("a.txt", "first")
	write("live/index.m3u8", "#EXTM3U")
	write("live/low/0.ts", "x")
	check(t, fstest.TestFS(store, "a.txt", "live/index.m3u8", "live/low/0.ts"))
	file, err := store.Create("a.txt")
	check(t, err)
	_, err = file.Write([]byte("second"))
	check(t, err)
	wantFile(t, store, "a.txt", "first") // until the Close
	_, err = file.(io.Seeker).Seek(8, io.SeekStart)
	check(t, err)
	_, err = file.Write([]byte("!"))
	check(t, err)
	_, err = file.(io.Seeker).Seek(-20, io.SeekEnd)
	wantIs(t, err, fs.ErrInvalid)
	check(t, file.Close())
	wantFile(t, store, "a.txt", "second\x00\x00!")
	check(t, store.Remove("a.txt"))
	wantIs(t, store.Remove("a.txt"), fs.ErrNotExist)
	_, err = store.ReadFile("a.txt")
	wantIs(t, err, fs.ErrNotExist)
	for _, bad := range []string{"", ".", "../x", "/x"} {
		_, err = store.Create(bad)
		wantIs(t, err, fs.ErrInvalid)
		_, err = DirStore(t.TempDir()).Create(bad)
		wantIs(t, err, fs.ErrInvalid)
	}
}

func wantFile(t testing.TB, store fs.FS, name, want string) {
	t.Helper()
	got, err := fs.ReadFile(store, name)
	check(t, err)
	if string(got) != want {
		t.Errorf("%s holds %q, want %q", name, got, want)
	}
}

func TestDirStoreFiles(t *testing.T) {
	folder := t.TempDir()
	store := DirStore(folder)
	file, err := store.Create("a/b.ts")
	check(t, err)
	_, err = file.Write([]byte("x"))
	check(t, err)
	if _, err := os.Stat(folder + "/a/b.ts"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is there before its Close: %v", err)
	}
	check(t, file.Close())
	wantFile(t, os.DirFS(folder), "a/b.ts", "x")
	file, err = store.Create("a/b.ts")
	check(t, err)
	check(t, finishFile(file, ErrCancelled))
	wantFile(t, os.DirFS(folder), "a/b.ts", "x")
	check(t, store.Remove("a/b.ts"))
	wantIs(t, store.Remove("a/b.ts"), os.ErrNotExist)
	if left := names(t, os.DirFS(folder)); len(left) != 0 {
		t.Errorf("%v are left", left)
	}
}
