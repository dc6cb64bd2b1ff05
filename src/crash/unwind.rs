//! From the registers of a fault to the frames below it, without allocating. Where code has no unwind tables (FFmpeg's and x264's assembly)
//! the stack is searched for the next address that follows a call.

use super::memory::{Words, read};
use super::modules::{Cache, Table};
use framehop::x86_64::{Reg, UnwindRegsX86_64};
use framehop::{FrameAddress, Unwinder};

/// Frames that a report holds.
pub(super) const MOST_FRAMES: usize = 96;
/// Frames of a recursion into itself that are followed: more than an 8 MiB stack holds.
const MOST_REPEATS: u32 = 200_000;
/// Words of the stack that are searched where tables are missing.
const SEARCHED_WORDS: u64 = 512;

/// A place in code.
#[derive(Clone, Copy, Default)]
pub struct Frame {
    /// The instruction itself for the first frame, and where a signal came in; else the address that the call returns to.
    pub address: u64,
    pub how: How,
    /// How often it follows itself: a recursion is one frame.
    pub repeats: u32,
}

#[derive(Clone, Copy, Default, PartialEq)]
pub enum How {
    #[default]
    Unwound,
    /// Found by searching the stack: it may be a leftover.
    Searched,
    /// What a signal interrupted.
    Interrupted,
}

impl Frame {
    pub const NONE: Frame = Frame { address: 0, how: How::Unwound, repeats: 0 };
}

/// The general registers in the order of ucontext (sys/ucontext.h).
pub type Registers = [u64; 17];

pub(super) const REGISTER_NAMES: [&str; 17] = [
    "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rdi", "rsi", "rbp", "rbx", "rdx", "rax", "rcx", "rsp", "rip",
];

pub(super) const RSP: usize = 15;
pub(super) const RIP: usize = 16;

fn to_unwinder(registers: &Registers) -> UnwindRegsX86_64 {
    let mut regs = UnwindRegsX86_64::new(registers[RIP], registers[RSP], registers[10]);
    for (reg, index) in [(Reg::RBX, 11), (Reg::R12, 4), (Reg::R13, 5), (Reg::R14, 6), (Reg::R15, 7)] {
        regs.set(reg, registers[index]);
    }
    regs
}

/// What a signal handler's frame keeps: `struct rt_sigframe` of the kernel after its return address is a ucontext.
fn interrupted(pc: u64, sp: u64) -> Option<Registers> {
    // mov $15, %rax; syscall: __restore_rt of glibc and musl, and Go's sigreturn.
    const RESTORER: [u8; 9] = [0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05];
    const REGISTERS_AT: u64 = 40;
    let mut code = [0; 9];
    if !read(pc, &mut code) || code != RESTORER {
        return None;
    }
    let mut bytes = [0; 17 * 8];
    read(sp + REGISTERS_AT, &mut bytes).then(|| {
        let mut registers = [0; 17];
        for (register, word) in registers.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *register = u64::from_ne_bytes(*word);
        }
        registers
    })
}

/// Without the registers there is nothing to begin with.
#[cfg(not(target_arch = "x86_64"))]
pub fn walk(_: &Table, _: &Cache, _: &Registers, _: &mut [Frame]) -> usize {
    0
}

/// Fills `frames`; gives how many there are, the first being where `registers` are. `cache` is the caller's alone meanwhile.
#[cfg(target_arch = "x86_64")]
pub fn walk(table: &Table, cache: &Cache, registers: &Registers, frames: &mut [Frame]) -> usize {
    let mut regs = to_unwinder(registers);
    let mut address = FrameAddress::from_instruction_pointer(regs.ip());
    frames[0] = Frame { address: regs.ip(), how: How::Unwound, repeats: 0 };
    let mut count = 1;
    let mut words = Words::new();
    while count < frames.len() {
        let (sp, pc) = (regs.sp(), address.address());
        let frame = if let Some(registers) = interrupted(pc, sp) {
            regs = to_unwinder(&registers);
            address = FrameAddress::from_instruction_pointer(regs.ip());
            Some(Frame { address: regs.ip(), how: How::Interrupted, repeats: 0 })
        } else {
            step(table, cache, &mut words, address, &mut regs, count == 1).inspect(|frame| {
                address = FrameAddress::from_return_address(frame.address).unwrap_or(address);
            })
        };
        let Some(frame) = frame else { break };
        let last = &mut frames[count - 1];
        if count > 1 && last.address == frame.address && last.repeats < MOST_REPEATS {
            last.repeats += 1;
        } else {
            frames[count] = frame;
            count += 1;
        }
    }
    count
}

fn step(
    table: &Table,
    cache: &Cache,
    words: &mut Words,
    address: FrameAddress,
    regs: &mut UnwindRegsX86_64,
    is_first: bool,
) -> Option<Frame> {
    let sp = regs.sp();
    let mut read_stack = |address: u64| words.get(address).ok_or(());
    if table.is_code(address.address_for_lookup()) {
        // SAFETY: each cache has one user at a time: the writer of reports (`handler::report`), the thread
        // that answers (`live`), who took it from the pool (`profile`).
        let cache = unsafe { &mut *cache.get() };
        match table.unwinder.unwind_frame(address, regs, cache, &mut read_stack) {
            Ok(Some(address)) if table.is_code(address) => {
                return Some(Frame { address, how: How::Unwound, repeats: 0 });
            }
            // In the first frame that is no end but assembly, which keeps something else where frame pointers are.
            Ok(None | Some(0)) if !is_first => return None,
            _ => {}
        }
    } else if is_first && let Some(address) = words.get(sp).filter(|address| table.is_code(*address)) {
        // A call of something that is no code: what called it stands on top of the stack.
        regs.set_sp(sp + 8);
        return Some(Frame { address, how: How::Unwound, repeats: 0 });
    }
    search(table, words, sp.max(regs.sp().min(sp + 8 * SEARCHED_WORDS)), regs)
}

fn search(table: &Table, words: &mut Words, sp: u64, regs: &mut UnwindRegsX86_64) -> Option<Frame> {
    for at in (0..SEARCHED_WORDS).map(|index| sp + 8 * index) {
        let address = words.get(at)?;
        if table.is_code(address) && follows_call(address) {
            regs.set_sp(at + 8);
            return Some(Frame { address, how: How::Searched, repeats: 0 });
        }
    }
    None
}

/// Whether a call instruction ends at `address`: E8 with 32 bits, or FF /2 in its lengths.
fn follows_call(address: u64) -> bool {
    let mut before = [0; 7];
    if !read(address - 7, &mut before) {
        return false;
    }
    let is_indirect = |at: usize| before[at] == 0xff && before[at + 1] >> 3 & 7 == 2;
    before[2] == 0xe8 || is_indirect(5) || is_indirect(4) || is_indirect(3) || is_indirect(1) || is_indirect(0)
}
