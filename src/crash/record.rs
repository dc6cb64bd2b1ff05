//! A report: what is known of a crash, as lines and as one line of JSON, written without allocating.

use super::modules::Table;
use super::slots::Slot;
use super::unwind::{Frame, How, MOST_FRAMES, REGISTER_NAMES, Registers};
use super::writer::Writer;

/// The version of the format; `mt-transcode symbolize` reads this one.
const VERSION: u64 = 1;

pub struct Record<'a> {
    pub time_ms: u64,
    pub signal: i32,
    pub code: i32,
    pub address: u64,
    /// With SIGSYS: number and name of the system call.
    pub call: Option<(i32, &'a str)>,
    /// The line of /proc/self/maps that the address lies in.
    pub mapping: &'a [u8],
    pub process: i32,
    pub thread: i32,
    pub thread_name: &'a [u8],
    pub stage: &'a str,
    pub job: Option<&'a Slot>,
    pub versions: &'a str,
    pub registers: &'a Registers,
    pub frames: &'a [Frame],
}

impl Record<'_> {
    /// What is known without looking at the stack.
    pub fn head(&self, out: &mut Writer) {
        out.text("mt-transcode crash report ").number(VERSION).end_line();
        out.key("time_ms").number(self.time_ms).end_line();
        out.key("signal").signed(self.signal).text(" ").text(signal_name(self.signal)).end_line();
        out.key("code").signed(self.code).text(" ").text(code_name(self.signal, self.code)).end_line();
        if has_address(self.signal) {
            out.key("address").hex(self.address).end_line();
            out.key("mapping").line_of(if self.mapping.is_empty() { b"none" } else { self.mapping }).end_line();
        }
        if let Some((number, name)) = self.call {
            out.key("system_call").signed(number).text(" ").text(name).end_line();
        }
        out.key("process").signed(self.process).end_line();
        out.key("thread").signed(self.thread).text(" ").line_of(self.thread_name).end_line();
        if let Some(job) = self.job {
            out.key("job").number(job.job.load(std::sync::atomic::Ordering::SeqCst)).end_line();
            out.key("label").line_of(job.label.get()).end_line();
            out.key("command").line_of(job.command.get()).end_line();
            out.key("host_call").line_of(job.call_site.get()).end_line();
        }
        out.key("stage").text(self.stage).end_line();
        out.key("versions").text(self.versions).end_line();
        out.key("registers");
        for (name, value) in REGISTER_NAMES.iter().zip(self.registers) {
            out.text(name).text("=").hex(*value).text(" ");
        }
        out.end_line();
    }

    pub fn frames(&self, table: Option<&Table>, out: &mut Writer) {
        for (index, frame) in self.frames.iter().enumerate() {
            frame_line(index, frame, table, out);
        }
        if self.frames.len() == MOST_FRAMES {
            out.text("frames: more follow\n");
        }
    }

    pub fn json(&self, table: Option<&Table>, out: &mut Writer) {
        out.text("{\"report\":\"mt-transcode crash\",\"version\":").number(VERSION);
        out.json_key("time_ms").number(self.time_ms);
        out.json_key("signal").signed(self.signal).json_key("signal_name").quoted(signal_name(self.signal).as_bytes());
        out.json_key("code")
            .signed(self.code)
            .json_key("code_name")
            .quoted(code_name(self.signal, self.code).as_bytes());
        if has_address(self.signal) {
            out.json_key("address").quoted_hex(self.address).json_key("mapping").quoted(self.mapping);
        }
        if let Some((number, name)) = self.call {
            out.json_key("system_call").signed(number).json_key("system_call_name").quoted(name.as_bytes());
        }
        out.json_key("process").signed(self.process).json_key("thread").signed(self.thread);
        out.json_key("thread_name").quoted(self.thread_name);
        if let Some(job) = self.job {
            out.json_key("job").number(job.job.load(std::sync::atomic::Ordering::SeqCst));
            out.json_key("label").quoted(job.label.get()).json_key("command").quoted(job.command.get());
            out.json_key("host_call").quoted(job.call_site.get());
        }
        out.json_key("stage").quoted(self.stage.as_bytes()).json_key("versions").quoted(self.versions.as_bytes());
        out.json_key("registers").text("{");
        for (index, (name, value)) in REGISTER_NAMES.iter().zip(self.registers).enumerate() {
            out.text(if index == 0 { "" } else { "," }).quoted(name.as_bytes()).text(":").quoted_hex(*value);
        }
        out.text("}").json_key("frames").text("[");
        for (index, frame) in self.frames.iter().enumerate() {
            out.text(if index == 0 { "{" } else { ",{" }).text("\"address\":").quoted_hex(frame.address);
            if let Some(module) = table.and_then(|table| table.find(frame.address)) {
                out.json_key("module").quoted(&module.path).json_key("offset").quoted_hex(frame.address - module.base);
                out.json_key("build_id").quoted(&module.build_id);
            }
            out.json_key("how").quoted(how(frame.how).trim_ascii_start().as_bytes());
            out.json_key("repeats").number(frame.repeats.into()).text("}");
        }
        out.text("]}\n");
    }
}

/// "frame 0: ADDRESS FILE+OFFSET BUILD-ID".
pub fn frame_line(index: usize, frame: &Frame, table: Option<&Table>, out: &mut Writer) {
    out.text("frame ").number(index as u64).text(": ").hex(frame.address).text(" ");
    match table.and_then(|table| table.find(frame.address)) {
        Some(module) => {
            out.line_of(&module.path).text("+").hex(frame.address - module.base).text(" ");
            out.line_of(if module.build_id.is_empty() { b"-" } else { &module.build_id });
        }
        None => _ = out.text("-"),
    }
    out.text(how(frame.how));
    if frame.repeats > 0 {
        out.text(" and ").number(frame.repeats.into()).text(" times more");
    }
    out.end_line();
}

fn how(how: How) -> &'static str {
    match how {
        How::Unwound => "",
        How::Searched => " searched",
        How::Interrupted => " interrupted",
    }
}

fn has_address(signal: i32) -> bool {
    matches!(signal, libc::SIGSEGV | libc::SIGBUS | libc::SIGILL | libc::SIGFPE)
}

fn signal_name(signal: i32) -> &'static str {
    match signal {
        libc::SIGSEGV => "SIGSEGV",
        libc::SIGBUS => "SIGBUS",
        libc::SIGILL => "SIGILL",
        libc::SIGFPE => "SIGFPE",
        libc::SIGABRT => "SIGABRT",
        libc::SIGSYS => "SIGSYS",
        _ => "?",
    }
}

/// sigaction(2). Codes that are not positive come from a process, not from a fault.
fn code_name(signal: i32, code: i32) -> &'static str {
    match (signal, code) {
        (libc::SIGSEGV, 1) => "SEGV_MAPERR: nothing is mapped there",
        (libc::SIGSEGV, 2) => "SEGV_ACCERR: the mapping forbids it",
        (libc::SIGSEGV, 128) => "SI_KERNEL: no address (not canonical, or a wild jump)",
        (libc::SIGBUS, 1) => "BUS_ADRALN: alignment",
        (libc::SIGBUS, 2) => "BUS_ADRERR: behind the end of a mapped file",
        (libc::SIGBUS, 4 | 5) => "BUS_MCEERR: broken memory",
        (libc::SIGILL, 1) => "ILL_ILLOPC: no instruction",
        (libc::SIGILL, 2) => "ILL_ILLOPN: no instruction with this operand",
        (libc::SIGFPE, 1) => "FPE_INTDIV: integer divided by zero",
        (libc::SIGFPE, 2) => "FPE_INTOVF: integer overflow",
        (libc::SIGFPE, 3..=8) => "FPE_FLT: floating point",
        (libc::SIGSYS, 1) => "SYS_SECCOMP: a system call that a filter forbids",
        (_, 0) => "SI_USER: kill",
        (_, -1) => "SI_QUEUE: sigqueue",
        (_, -6) => "SI_TKILL: raise, abort or tgkill",
        _ => "?",
    }
}
