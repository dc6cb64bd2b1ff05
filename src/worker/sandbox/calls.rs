//! The system calls that a worker has no use for, and what it gets that makes one.
//!
//! It is a list of what is forbidden, and not of what is allowed: workers run whatever codecs, drivers and C library a machine has, and a list of all that those may
//! call would be wrong with the next release of one of them, while a media library has no honest use for any of these.

use super::needs::Needs;

/// What happens to a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// SIGSYS: only an exploit does this. The worker's handler writes which call it was, and the worker ends.
    Stop,
    /// Fails with this errno: code that honestly tries it goes on without.
    Errno(i32),
}

/// For which arguments a call is allowed after all.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Allowed {
    Never,
    /// The argument is one of these.
    If(u32, Vec<u32>),
    /// Both arguments are one of these.
    IfBoth([(u32, Vec<u32>); 2]),
    /// The argument has this bit.
    IfBit(u32, u32),
    /// The argument is none of these.
    Unless(u32, Vec<u32>),
}

pub struct Rule {
    pub call: i64,
    pub allowed: Allowed,
    pub action: Action,
}

macro_rules! calls {
    ($($name:ident)*) => { &[$((numbers::$name, stringify!($name))),*] };
}

/// libc's SYS_ constants under the calls' own names.
#[allow(non_upper_case_globals)]
mod numbers {
    macro_rules! alias {
        ($($name:ident = $number:ident)*) => { $(pub const $name: i64 = libc::$number;)* };
    }
    alias! {
        execve = SYS_execve execveat = SYS_execveat clone = SYS_clone clone3 = SYS_clone3 ptrace = SYS_ptrace
        process_vm_readv = SYS_process_vm_readv process_vm_writev = SYS_process_vm_writev kcmp = SYS_kcmp
        mount = SYS_mount umount2 = SYS_umount2 pivot_root = SYS_pivot_root chroot = SYS_chroot fsopen = SYS_fsopen fsconfig = SYS_fsconfig
        fsmount = SYS_fsmount fspick = SYS_fspick move_mount = SYS_move_mount open_tree = SYS_open_tree mount_setattr = SYS_mount_setattr
        unshare = SYS_unshare setns = SYS_setns bpf = SYS_bpf perf_event_open = SYS_perf_event_open userfaultfd = SYS_userfaultfd
        add_key = SYS_add_key request_key = SYS_request_key keyctl = SYS_keyctl kexec_load = SYS_kexec_load
        init_module = SYS_init_module finit_module = SYS_finit_module delete_module = SYS_delete_module reboot = SYS_reboot swapon = SYS_swapon
        swapoff = SYS_swapoff clock_settime = SYS_clock_settime settimeofday = SYS_settimeofday acct = SYS_acct quotactl = SYS_quotactl
        sethostname = SYS_sethostname setdomainname = SYS_setdomainname syslog = SYS_syslog vhangup = SYS_vhangup
        open_by_handle_at = SYS_open_by_handle_at name_to_handle_at = SYS_name_to_handle_at clock_adjtime = SYS_clock_adjtime adjtimex = SYS_adjtimex
        io_uring_setup = SYS_io_uring_setup io_uring_enter = SYS_io_uring_enter io_uring_register = SYS_io_uring_register
        pidfd_getfd = SYS_pidfd_getfd pidfd_send_signal = SYS_pidfd_send_signal process_madvise = SYS_process_madvise
        kill = SYS_kill tkill = SYS_tkill tgkill = SYS_tgkill rt_sigqueueinfo = SYS_rt_sigqueueinfo rt_tgsigqueueinfo = SYS_rt_tgsigqueueinfo
        fchmod = SYS_fchmod fchmodat = SYS_fchmodat fchown = SYS_fchown fchownat = SYS_fchownat setxattr = SYS_setxattr lsetxattr = SYS_lsetxattr
        fsetxattr = SYS_fsetxattr removexattr = SYS_removexattr lremovexattr = SYS_lremovexattr fremovexattr = SYS_fremovexattr
        setpriority = SYS_setpriority ioprio_set = SYS_ioprio_set sched_setscheduler = SYS_sched_setscheduler sched_setparam = SYS_sched_setparam
        sched_setattr = SYS_sched_setattr migrate_pages = SYS_migrate_pages move_pages = SYS_move_pages prlimit64 = SYS_prlimit64 ioctl = SYS_ioctl socket = SYS_socket
    }
    #[cfg(target_arch = "x86_64")]
    alias! {
        fork = SYS_fork vfork = SYS_vfork iopl = SYS_iopl ioperm = SYS_ioperm modify_ldt = SYS_modify_ldt chmod = SYS_chmod chown = SYS_chown
        lchown = SYS_lchown kexec_file_load = SYS_kexec_file_load
    }
    /// The same on every other architecture; musl's constants lack it.
    #[cfg(not(target_arch = "x86_64"))]
    pub(super) const kexec_file_load: i64 = 294;
    pub(super) const fchmodat2: i64 = 452;
}

type Calls = &'static [(i64, &'static str)];

/// A process is started.
const STARTS: Calls = calls!(execve execveat);
#[cfg(target_arch = "x86_64")]
mod here {
    use super::{Calls, numbers};
    pub const STARTS: Calls = calls!(fork vfork);
    pub const STOPPED: Calls = calls!(iopl ioperm modify_ldt);
    pub const RIGHTS: Calls = calls!(chmod chown lchown);
}
#[cfg(not(target_arch = "x86_64"))]
mod here {
    use super::Calls;
    pub const STARTS: Calls = &[];
    pub const STOPPED: Calls = &[];
    pub const RIGHTS: Calls = &[];
}

/// Another process is looked into, or the kernel is reached in ways that no media needs.
const STOPPED: Calls = calls! {
    ptrace process_vm_writev mount umount2 pivot_root chroot fsopen fsconfig fsmount fspick move_mount open_tree mount_setattr unshare setns bpf
    perf_event_open userfaultfd add_key request_key keyctl kexec_load kexec_file_load init_module finit_module delete_module reboot swapon swapoff
    clock_settime settimeofday acct quotactl sethostname setdomainname open_by_handle_at pidfd_getfd
};

/// What libraries may try and do without.
const REFUSED: Calls = calls! {
    kcmp syslog vhangup name_to_handle_at clock_adjtime adjtimex pidfd_send_signal process_madvise
};

/// Of files, which Landlock does not look at.
const RIGHTS: Calls = calls! {
    fchmod fchmodat fchmodat2 fchown fchownat setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr
};

/// A thread by its number alone, of whatever process: musl's own abort does it.
const TKILL: Calls = if cfg!(target_env = "musl") { &[] } else { calls!(tkill) };

/// Whose want libraries know, from older kernels: threads are made without clone3, whose flags no filter can read.
const UNKNOWN: Calls = calls!(clone3 io_uring_setup io_uring_enter io_uring_register);

/// To this process itself only, which is the first argument.
const OWN: Calls = calls!(process_vm_readv kill tgkill rt_sigqueueinfo rt_tgsigqueueinfo);

/// The same, where 0 is the caller. Not sched_setaffinity: threads that are to run on one processor are told so by whoever makes them, under a number that no
/// filter knows, and would not start.
const OWN_OR_CALLER: Calls = calls!(prlimit64 sched_setscheduler sched_setparam sched_setattr migrate_pages move_pages);

const FURTHER: Calls = calls!(clone setpriority ioprio_set ioctl socket);

/// The name of a call that has a rule.
pub fn name_of(call: i64) -> &'static str {
    let lists = [
        STARTS,
        here::STARTS,
        here::STOPPED,
        here::RIGHTS,
        STOPPED,
        REFUSED,
        RIGHTS,
        TKILL,
        UNKNOWN,
        OWN,
        OWN_OR_CALLER,
        FURTHER,
    ];
    lists.iter().flat_map(|list| list.iter()).find(|(number, _)| *number == call).map_or("?", |(_, name)| name)
}

/// The rules for a job in process `own`.
pub fn rules(needs: &Needs, own: u32) -> Vec<Rule> {
    let mut rules = Vec::new();
    let mut all = |calls: Calls, action: Action| {
        rules.extend(calls.iter().map(|(call, _)| Rule { call: *call, allowed: Allowed::Never, action }));
    };
    // Drivers start helpers (nvidia-modprobe), and go on where they cannot.
    let starting = if needs.hardware { Action::Errno(libc::EPERM) } else { Action::Stop };
    all(STARTS, starting);
    all(here::STARTS, starting);
    all(STOPPED, Action::Stop);
    all(here::STOPPED, Action::Stop);
    for calls in [REFUSED, RIGHTS, here::RIGHTS, TKILL] {
        all(calls, Action::Errno(libc::EPERM));
    }
    all(UNKNOWN, Action::Errno(libc::ENOSYS));
    let refused = Action::Errno(libc::EPERM);
    rules.push(Rule { call: libc::SYS_clone, allowed: Allowed::IfBit(0, libc::CLONE_THREAD as u32), action: starting });
    rules.extend(OWN.iter().map(|(call, _)| Rule { call: *call, allowed: Allowed::If(0, vec![own]), action: refused }));
    let or_caller = || vec![0, own];
    rules.extend(OWN_OR_CALLER.iter().map(|(call, _)| Rule {
        call: *call,
        allowed: Allowed::If(0, or_caller()),
        action: refused,
    }));
    // Of a thread, and not of a group or of all that a user has: PRIO_PROCESS is 0, IOPRIO_WHO_PROCESS 1.
    for (call, of_thread) in [(libc::SYS_setpriority, 0), (libc::SYS_ioprio_set, 1)] {
        let allowed = Allowed::IfBoth([(0, vec![of_thread]), (1, or_caller())]);
        rules.push(Rule { call, allowed, action: refused });
    }
    // What is typed into the host's terminal, which may be standard error.
    let typing = vec![libc::TIOCSTI as u32, libc::TIOCLINUX as u32];
    rules.push(Rule { call: libc::SYS_ioctl, allowed: Allowed::Unless(1, typing), action: refused });
    let families = needs.families().into_iter().map(|family| family as u32).collect();
    rules.push(Rule { call: libc::SYS_socket, allowed: Allowed::If(0, families), action: Action::Errno(libc::EACCES) });
    rules
}
