// Package mttranscode runs FFmpeg jobs inside the process, through the mt-transcode library: what one ffmpeg command
// line says, inputs to outputs, without a child process, with errors that name the file and the stream, and with an
// end that is always reached.
//
// The shortest program:
//
//	engine, err := mttranscode.NewEngine()
//	if err != nil {
//		return err
//	}
//	defer engine.Close()
//	job, err := engine.NewJob("-i", "in.mp4", "-c", "copy", "out.mkv")
//	if err != nil {
//		return err
//	}
//	defer job.Close()
//	return job.Run(ctx)
//
// # Media through memory
//
// An input may be any io.Reader and an output any io.Writer, and outputs of many files go to a [Store]:
//
//	job, err := engine.NewJob()
//	...
//	err = job.InputFrom(request.Body)
//	err = job.OutputTo(response, mttranscode.Opt("c", "copy"), mttranscode.Opt("f", "mpegts"))
//
// In an argument vector they are URLs "mt:NAME": see [Job.BindInput], which also says what becomes of errors, panics and
// calls that do not return. What is between the program and the job is a [Pipe], which can be used by itself too, to look
// at the first bytes before a job is started for them: see [Pipe.Probe].
//
// # Live
//
// Outputs join a job that runs, and leave it, each with an end of its own: see [Job.AddOutput] and [Output]. Inputs with the option
// mt_source come and go while the outputs stay open: see [Source].
//
// # Host names
//
// They are resolved by FFmpeg's C library, or by Go where that cannot be: see [WithGoResolver].
//
// # Waiting
//
// A goroutine that waits for a job, or for its next event, parks in Go's scheduler and holds no thread of the system:
// one goroutine per engine watches the engine's one descriptor through Go's poller and wakes the others. Thousands of
// jobs may be waited for. So does a goroutine that reads or writes a pipe, and those that move bytes between a job and a
// reader or writer. The calls that do hold a thread while they work say so: [Engine.Probe], [Pipe.Probe],
// [Engine.Shutdown], [Engine.Close].
//
// # Ownership
//
// Engines, jobs and pipes are closed by the caller; outputs that joined end by themselves. Close is idempotent and may be called from any goroutine; every method
// may be called at any time, and gives [ErrClosed] after Close. One that is forgotten is closed when the garbage
// collector finds it, but for a job that was started and has not ended: its engine keeps that one until its end.
//
// # Profile
//
// Engines, jobs and pipes that are open are in the profile "mttranscode" of runtime/pprof, with the stack that opened them.
// CPU profiles show what FFmpeg does once the package nativeprof beside this one is imported.
//
// # Errors
//
// Every failure is an [*Error], found by errors.As, whose code is compared by errors.Is: with the constants of this
// package ([ErrDemux], [ErrOption], [ErrCancelled] ...), and where the code is an errno with that ([syscall.ENOSPC])
// and with what the standard library makes of it ([fs.ErrNotExist], [fs.ErrPermission]).
//
// # Log
//
// By default FFmpeg's log is taken over for the life of the process: lines of a job are its events ([LogLine]), and
// go to the logger of [WithLogger] too where one is given. See also [WithLogLeftAlone].
//
// # Linking
//
// The library is found by pkg-config under the name mt_transcode. The build tag mttranscode_static links its archive
// instead of the shared object, by the name mt_transcode-static. Go keeps what pkg-config said: once the library was
// installed in another place, build with -a.
package mttranscode
