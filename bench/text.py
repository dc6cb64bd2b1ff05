"""The words of docs/benchmarks.md."""

PAGE = """\
# Benchmarks

Written by `make bench`; do not edit it. `make bench-quick` takes two minutes, `make bench` about ten. The measuring programs are
in `bench/`, the raw numbers of this run in `bench/results/*.csv`.

{machine}
## Targets

The worst case of each kind counts. In brackets: lowest and highest of the rounds.

{verdicts}
## Method

Whatever is compared runs in the same rounds: each variant has a short slice, one after another, again and again, in processes
that stay warm between their slices. A ratio is made of two slices of the same round; tables show the median of the rounds, and in
brackets the lowest and the highest. CPU time is user and system time from getrusage, of children too.

## Small files, memory to memory

The input is in memory, and the output goes to memory: `-i … -map 0 -c copy -f …`. H.264 and AAC, made by FFmpeg's test sources;
the index of an MP4 stands at its beginning.

- **C loop**: the least that a C program does with FFmpeg's libraries (`bench/c/loop.c`), with two settings that the ffmpeg
  program makes too and that decide how much work there is (`scan_all_pmts`, `max_delay`). Its input and output cannot seek.
- **C loop, glibc tuned**: the same in a process that has freed a large block before, after which glibc no longer gives memory back
  to the system at the end of each job: otherwise it takes up to twice the time. The library does this for its host. The column of
  ratios is against this one, and against the one that can seek for what can.
- **C, memory**: this library's C interface, the input's bytes bound as they are, the output taken from a buffer of the library's and
  copied to where the others write.
- **C, pipes** and **C, callbacks**: the same with default pipes and one thread of the host for each job; and with callbacks that can
  seek.
- **Go, memory**: the Go package, from a `bytes.Reader` to a `bytes.Buffer`, which is what a program with a file in memory writes.
- **Go, pipes** and **Go, seekable**: the same as streams, from an `io.Reader` or an `io.ReadSeeker` of the program's to an
  `io.Writer` of its: what a request's body, or a file, costs.
- **Go, exec**: `exec.Command("ffmpeg", … "pipe:0" … "pipe:1")` with the same options.

MPEG-TS that can seek is read at its end, too, for its duration: so what can seek is compared with a loop that can.

{small}
## Pipes

One thread writes and one reads, 64 KiB at a time; a pipe of ours has 1 MiB. "Touched": the writer fills each chunk before, and
the reader adds it up after; otherwise the same chunk is written again and again, and nobody looks at what was read. A pipe
without copies (acquire and commit, peek and consume) has nothing to do where nothing is touched. A ratio is that to the better
one of pipe(2)'s two sizes, to the thread that copies, or to the ffmpeg program.

{pipes}
## Memory

Live remuxes of MPEG-TS (1080p, 2.8 Mbit/s) to MPEG-TS through default pipes, whose consumers have stopped reading: nothing has
moved for 3 s, pipes are full. Memory of their own is Private_Dirty of /proc/self/smaps_rollup, less what it was before, less the
pipes, divided by the jobs; the peak is VmHWM. One job ran before. "In use" is what is left after malloc_trim(0): the rest is free
memory that malloc keeps.

{memory}
{soak}"""

MACHINE = """\
| | |
|---|---|
| machine | {cpus} CPUs, {model} |
| system | Linux {kernel}, {libc} |
| mt-transcode | {revision} |
| FFmpeg | {ffmpeg} |
| compilers | {go}; {cc} |
| this run | `{length}`, {seconds} s; load before it {load_before}; others took {others_cpu_percent} % of the CPUs, the hypervisor {stolen_percent} % |
"""

SOAK = """\
## Soak

`make soak`: small remuxes in memory through one engine, started at a fixed rate however long each takes (`bench/soak`).

```
{output}
```
"""

SMALL_HEAD = ("", "jobs/s", "lowest–highest", "CPU ms a job", "× C loop, tuned", "× exec")
PIPE_HEAD = ("", "GB/s", "lowest–highest", "CPU s a GB", "ratio")
MEMORY_HEAD = ("", "jobs", "MiB a job", "lowest–highest", "in use, MiB a job", "pipes, MiB a job")
VERDICT_HEAD = ("", "target", "measured", "met")

VARIANTS = {
    "c_loop_plain": "C loop",
    "c_loop": "C loop, glibc tuned",
    "c_loop_seek_plain": "C loop, seekable",
    "c_loop_seek": "C loop, glibc tuned, seekable",
    "c_memory": "C, memory",
    "c_pipe": "C, pipes",
    "c_io": "C, callbacks",
    "go_memory": "Go, memory",
    "go_pipe": "Go, pipes",
    "go_io": "Go, seekable",
    "go_exec": "Go, exec",
}

# The system's pipes: the better one of each round counts.
SYSTEM = "system_64k,system_1m"
SYSTEM_TOUCH = "system_64k_touch,system_1m_touch"
# What each is, and what it is compared with.
PIPES = {
    "system_64k": ("pipe(2), 64 KiB, its default", None),
    "system_1m": ("pipe(2), F_SETPIPE_SZ 1 MiB", None),
    "mt": ("our pipe: write and read", SYSTEM),
    "system_64k_touch": ("touched: pipe(2), 64 KiB", None),
    "system_1m_touch": ("touched: pipe(2), 1 MiB", None),
    "mt_touch": ("touched: our pipe, write and read", SYSTEM_TOUCH),
    "mt_zero_copy_touch": ("touched: our pipe, without copies", SYSTEM_TOUCH),
    "system_cat": ("pipe(2) → thread that copies → pipe(2), 1 MiB each", None),
    "mt_job_data": ("our pipe → job, `-f data -c copy`, packets of 64 KiB → our pipe", "system_cat"),
    "ffmpeg_data": ("pipe(2) → the ffmpeg program, the same → pipe(2)", "system_cat"),
    "mt_job_mpegts": ("our pipe → job, MPEG-TS to MPEG-TS → our pipe", "ffmpeg_mpegts"),
    "ffmpeg_mpegts": ("pipe(2) → the ffmpeg program, the same → pipe(2)", None),
}

MEMORY = {
    "stalled": "consumer stops after 12 MB",
    "at_start": "consumer never reads",
    "probing": "highest until then (consumer never reads)",
}

TARGETS = {
    "pipe": ("Pipe, write and read, against pipe(2)", 1),
    "zero_copy": ("Pipe without copies, against pipe(2), touched", 1.5),
    "job": ("host → pipe → copy job → pipe → host, against pipe(2) → thread that copies → pipe(2)", 1),
    "exec_small": ("Remux in memory from Go against exec of ffmpeg, about 200 kB", 20),
    "exec_large": ("The same at 2 MB, 1080p", 5),
    "exec_small_pipe": ("As a stream, through pipes, against exec of ffmpeg, about 200 kB", 20),
    "exec_large_pipe": ("The same at 2 MB, 1080p", 5),
    "loop_go": ("Remux in memory from Go, bytes.Reader to bytes.Buffer, against the C loop that can seek, about 200 kB", 0.9),
    "loop_c": ("Remux in memory by the C interface, memory to buffer, against that", 0.9),
    "loop_go_tuned": ("Go, against that loop in a process that has freed a block of 8 MiB before (glibc tuned)", 0.9),
    "loop_c_tuned": ("The C interface, against that", 0.9),
    "loop_go_pipe": ("As a stream: Go, pipes, against the tuned C loop that cannot seek", 0.9),
    "loop_c_pipe": ("As a stream: the C interface, pipes, against that", 0.9),
    "loop_go_io": ("As a stream: Go, an io.ReadSeeker, against the tuned C loop that can seek", 0.9),
    "loop_c_io": ("The C interface, callbacks that seek, against that", 0.9),
    "loop_go_large": ("Go, bytes.Reader to bytes.Buffer, against that, 2 MB", 0.9),
    "memory": ("Job with a stalled consumer: memory beyond the capacities of its pipes", "≤ 2 MiB"),
}
