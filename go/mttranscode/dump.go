package mttranscode

// #include "library.h"
import "C"

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"slices"
	"sync"
	"syscall"
)

// Dump writes what every job of the engine does at this moment as text: what each of its native threads waits for, since when, with its
// stack; how full its pipes are. It works at any time, also while jobs hang, and holds nothing up: a slow w only makes this call last. The first one
// of a process installs a handler for SIGTRAP, which passes on what is not its own. See docs/hangs.md.
func (e *Engine) Dump(w io.Writer) error {
	defer runtime.KeepAlive(e)
	return e.poller.dump(w)
}

// DebugHandler answers with the dump of the engine, as plain text; a service mounts it beside net/http/pprof. It tells commands and addresses (secrets
// masked): it is not for the public.
func (e *Engine) DebugHandler() http.Handler {
	return dumpHandler(func(w io.Writer) error { return e.Dump(w) })
}

// DebugHandler answers with the dumps of all engines of this process that are open, as [Engine.DebugHandler] does with one.
func DebugHandler() http.Handler {
	return dumpHandler(func(w io.Writer) error {
		for _, p := range openPollers.list() {
			if err := p.dump(w); err != nil {
				return err
			}
		}
		return nil
	})
}

func dumpHandler(dump func(io.Writer) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if err := dump(w); err != nil {
			fmt.Fprintf(w, "dump: %v\n", err)
		}
	})
}

// dump reads through a pipe what the library writes, so that no writer of the host is called from C.
func (p *poller) dump(w io.Writer) error {
	var ends [2]int
	if err := syscall.Pipe2(ends[:], syscall.O_CLOEXEC); err != nil {
		return systemError(err)
	}
	reader := os.NewFile(uintptr(ends[0]), "mt-transcode dump")
	result := make(chan C.int32_t, 1)
	go func() {
		code := C.mt_transcode_engine_dump(p.engine, C.int32_t(ends[1]))
		syscall.Close(ends[1])
		result <- code
	}()
	_, err := io.Copy(w, reader)
	reader.Close() // where w failed, the library finds that nobody reads
	if code := <-result; err == nil && code < 0 {
		return callError(code)
	}
	return err
}

// openPollers are the inner halves of all engines that are open.
var openPollers pollers

type pollers struct {
	mu   sync.Mutex
	next int
	open map[*poller]int
}

func (all *pollers) add(p *poller) {
	all.mu.Lock()
	defer all.mu.Unlock()
	if all.open == nil {
		all.open = map[*poller]int{}
	}
	all.next++
	all.open[p] = all.next
}

func (all *pollers) remove(p *poller) {
	all.mu.Lock()
	defer all.mu.Unlock()
	delete(all.open, p)
}

// list is in the order of their making.
func (all *pollers) list() []*poller {
	all.mu.Lock()
	defer all.mu.Unlock()
	list := make([]*poller, 0, len(all.open))
	for p := range all.open {
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b *poller) int { return cmp.Compare(all.open[a], all.open[b]) })
	return list
}
