package mttranscode

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

var hlsDeleting = []Option{
	Opt("c", "copy"), Opt("f", "hls"), Opt("hls_time", "0.2"), Opt("hls_list_size", "2"), Opt("hls_delete_threshold", "1"),
	Opt("hls_flags", "+delete_segments+split_by_time"),
}

// keyed makes a clip with many key frames, so that it can be cut into many segments.
func keyed(t testing.TB) string {
	t.Helper()
	return remuxed(t, "keyed.mp4", "-c:v", "libx264", "-preset", "ultrafast", "-g", "5")
}

func names(t testing.TB, store fs.FS) []string {
	t.Helper()
	var found []string
	check(t, fs.WalkDir(store, ".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			found = append(found, path)
		}
		return err
	}))
	return found
}

// wantPlaylist checks that the segments of the playlist are there, and that older ones were deleted.
func wantPlaylist(t testing.TB, store fs.FS, path string) {
	t.Helper()
	playlist, err := fs.ReadFile(store, path)
	check(t, err)
	folder := filepath.Dir(path)
	listed := 0
	for line := range strings.Lines(string(playlist)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			listed++
			data, err := fs.ReadFile(store, filepath.Join(folder, line))
			check(t, err)
			if len(data) == 0 {
				t.Errorf("%s is empty", line)
			}
		}
	}
	all := names(t, store)
	if listed != 2 || !strings.Contains(string(playlist), "#EXT-X-ENDLIST") || len(all) > 6 {
		t.Errorf("%d segments are listed, %v are there:\n%s", listed, all, playlist)
	}
}

func TestHLSToStores(t *testing.T) {
	engine := newEngine(t)
	folder := t.TempDir()
	memory := &MemoryStore{}
	for name, c := range map[string]struct {
		store Store
		files fs.FS
	}{
		"memory": {memory, memory}, "folder": {DirStore(folder), os.DirFS(folder)},
		"other": {otherStore{memory}, memory},
	} {
		t.Run(name, func(t *testing.T) {
			job := newJob(t, engine)
			check(t, job.InputFrom(open(t, keyed(t))))
			check(t, job.OutputStore(c.store, "live/index.m3u8", hlsDeleting...))
			check(t, job.Run(within(t)))
			wantPlaylist(t, c.files, "live/index.m3u8")
			check(t, job.Close())
		})
	}
	wantNothingLeft(t, engine)
}

// otherStore is one that the package does not know.
type otherStore struct{ Store }

func TestDASHToMemory(t *testing.T) {
	engine := newEngine(t)
	store := &MemoryStore{}
	job := newJob(t, engine, "-i", keyed(t), "-c", "copy", "-f", "dash", "-seg_duration", "0.2", "-window_size", "2",
		"-extra_window_size", "1", "mt:web/a/manifest.mpd")
	check(t, job.BindStore("web", store))
	check(t, job.Run(within(t)))
	manifest, err := store.ReadFile("a/manifest.mpd")
	check(t, err)
	all := names(t, store)
	if !bytes.Contains(manifest, []byte("<MPD")) || len(all) < 5 || len(all) > 12 {
		t.Errorf("%v are there:\n%s", all, manifest)
	}
	if !slices.ContainsFunc(all, func(name string) bool { return strings.HasPrefix(name, "a/init-stream0") }) {
		t.Errorf("no header among %v", all)
	}
}

func TestSegmentsAndSingleFileToMemory(t *testing.T) {
	engine := newEngine(t)
	store := &MemoryStore{}
	job := newJob(t, engine, "-i", keyed(t), "-map", "0", "-c", "copy", "-f", "segment", "-segment_time", "0.5", "mt:s/part%d.ts",
		"-map", "0", "-c", "copy", "-f", "mp4", "mt:s/whole.mp4")
	check(t, job.BindStore("s", store))
	check(t, job.Run(within(t)))
	if all := names(t, store); len(all) < 3 {
		t.Errorf("%v are there", all)
	}
	whole, err := store.ReadFile("whole.mp4")
	check(t, err)
	if want := fileToFile(t, engine, keyed(t), "mp4"); !bytes.Equal(whole, want) {
		t.Errorf("%d bytes, the file has %d", len(whole), len(want))
	}
}

// failingStore fails in one of its methods.
type failingStore struct {
	MemoryStore
	create, write, close, remove func() error
	mu                           sync.Mutex
	open                         int
	brokenOff                    []error
}

type failingStoreFile struct {
	io.WriteCloser
	store *failingStore
}

func (s *failingStore) Create(name string) (io.WriteCloser, error) {
	if s.create != nil {
		return nil, s.create()
	}
	file, err := s.MemoryStore.Create(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open++
	return failingStoreFile{file, s}, err
}

func (s *failingStore) Remove(name string) error {
	if s.remove != nil {
		return s.remove()
	}
	return s.MemoryStore.Remove(name)
}

func (f failingStoreFile) Write(data []byte) (int, error) {
	if f.store.write != nil {
		return 0, f.store.write()
	}
	return f.WriteCloser.Write(data)
}

func (f failingStoreFile) Close() error {
	f.store.ended(nil)
	if f.store.close != nil {
		return f.store.close()
	}
	return f.WriteCloser.Close()
}

func (f failingStoreFile) Abort(why error) { f.store.ended(why) }

func (s *failingStore) ended(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open--
	if why != nil {
		s.brokenOff = append(s.brokenOff, why)
	}
}

func hlsJob(t testing.TB, engine *Engine, store Store) *Job {
	t.Helper()
	job := newJob(t, engine, "-i", keyed(t))
	check(t, job.OutputStore(store, "index.m3u8", hlsDeleting...))
	return job
}

func TestStoreErrs(t *testing.T) {
	engine := newEngine(t)
	cause := errors.New("the bucket is gone")
	fail := func() error { return errors.Join(cause, syscall.ENOSPC) }
	for name, store := range map[string]*failingStore{"create": {create: fail}, "write": {write: fail}, "close": {close: fail}} {
		t.Run(name, func(t *testing.T) {
			err := hlsJob(t, engine, store).Run(within(t))
			wantIs(t, err, cause)
			wantIs(t, err, syscall.ENOSPC)
			if store.open != 0 {
				t.Errorf("%d files are open", store.open)
			}
		})
	}
	check(t, hlsJob(t, engine, &failingStore{remove: fail}).Run(within(t))) // a warning
	wantNothingLeftOf(t, engine)
}

func TestStorePanics(t *testing.T) {
	engine := newEngine(t)
	cause := errors.New("a bug in the store")
	fail := func() error { panic(cause) }
	for name, store := range map[string]*failingStore{
		"create": {create: fail}, "write": {write: fail}, "close": {close: fail}, "remove": {remove: fail},
	} {
		t.Run(name, func(t *testing.T) {
			job := hlsJob(t, engine, store)
			defer func() {
				caught, _ := recover().(*PanicError)
				if caught == nil || caught.Value != cause {
					t.Errorf("Run panics with %v", caught)
				}
				check(t, job.Close())
			}()
			t.Errorf("Run returns %v", job.Run(within(t)))
		})
	}
	wantNothingLeft(t, engine)
}

// A cancelled job ends its open files as broken off, and none of a store that does not return holds it up.
func TestStoreAndCancel(t *testing.T) {
	engine := newEngine(t)
	for _, method := range []string{"create", "write", "close"} {
		t.Run(method, func(t *testing.T) {
			peer := newStuck(t)
			wait := func() error { peer.wait(); return nil }
			store := &failingStore{}
			switch method {
			case "create":
				store.create = func() error { wait(); return fs.ErrInvalid }
			case "write":
				store.write = wait
			case "close":
				store.close = wait
			}
			ctx, cancel := cancelInside(peer)
			defer cancel()
			job := hlsJob(t, engine, store)
			wantIs(t, returns(t, "Run", func() error { return job.Run(ctx) }), context.Canceled)
			check(t, returns(t, "Close", job.Close))
			peer.end()
			eventually(t, "every file is closed", func() bool {
				store.mu.Lock()
				defer store.mu.Unlock()
				return store.open == 0
			})
		})
	}
	store := &failingStore{}
	ctx, cancel := context.WithCancel(context.Background())
	job := newJob(t, engine, "-re", "-i", keyed(t)) // HLS would open a segment only when it is complete
	check(t, job.OutputStore(store, "part%d.ts", Opt("c", "copy"), Opt("f", "segment"), Opt("segment_time", "1")))
	wantIs(t, job.Run(ctx, func(event Event) {
		if progress, ok := event.(Progress); ok && progress.Position > 0 {
			cancel()
		}
	}), context.Canceled)
	if store.open != 0 || len(store.brokenOff) == 0 {
		t.Errorf("%d files are open, %v were broken off", store.open, store.brokenOff)
	}
}
