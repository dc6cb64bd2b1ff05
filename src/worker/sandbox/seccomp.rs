//! A filter of system calls (seccomp(2)): a program for the kernel's packet filter, made here, that every call of the worker passes.

use super::calls::{Action, Allowed, Rule};
use std::io;

/// Audit numbers of the architectures whose calls we know (linux/audit.h).
#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: Option<u32> = Some(0xc000_003e);
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: Option<u32> = Some(0xc000_00b7);
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const ARCHITECTURE: Option<u32> = None;

/// x86-64 has calls of another kind from here on (x32), with numbers that no rule here knows.
const X32_FROM: u32 = 0x4000_0000;

// linux/bpf_common.h
const LOAD: u16 = 0x20;
const IF_EQUAL: u16 = 0x15;
const IF_AT_LEAST: u16 = 0x35;
const IF_BIT: u16 = 0x45;
const JUMP: u16 = 0x05;
const RETURN: u16 = 0x06;

// struct seccomp_data
const NUMBER_AT: u32 = 0;
const ARCHITECTURE_AT: u32 = 4;
const ARGUMENTS_AT: u32 = 16;

const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;

fn value_of(action: Action) -> u32 {
    match action {
        Action::Stop => libc::SECCOMP_RET_TRAP,
        Action::Errno(errno) => libc::SECCOMP_RET_ERRNO | errno as u32,
    }
}

fn step(code: u16, k: u32, jt: u8, jf: u8) -> libc::sock_filter {
    libc::sock_filter { code, jt, jf, k }
}

/// What is done when the call's number was that of the rule.
fn body(rule: &Rule) -> Vec<libc::sock_filter> {
    let refuse = value_of(rule.action);
    // The lower half: where a register is looked at here, the kernel takes 32 bits of it too, or a bit of them.
    let load = |argument: u32| step(LOAD, ARGUMENTS_AT + 8 * argument, 0, 0);
    let among = |argument: u32, values: &[u32], found: u32, otherwise: u32| {
        let mut steps = vec![load(argument)];
        for value in values {
            steps.extend([step(IF_EQUAL, *value, 0, 1), step(RETURN, found, 0, 0)]);
        }
        steps.push(step(RETURN, otherwise, 0, 0));
        steps
    };
    match &rule.allowed {
        Allowed::Never => vec![step(RETURN, refuse, 0, 0)],
        Allowed::If(argument, values) => among(*argument, values, ALLOW, refuse),
        Allowed::Unless(argument, values) => among(*argument, values, refuse, ALLOW),
        Allowed::IfBoth([(first, firsts), (second, seconds)]) => {
            let otherwise = among(*second, seconds, ALLOW, refuse);
            let mut steps = vec![load(*first)];
            // To the second, over what is left of these and the refusal.
            let left = |index: usize| (firsts.len() - index) as u8;
            steps.extend(firsts.iter().enumerate().map(|(index, value)| step(IF_EQUAL, *value, left(index), 0)));
            steps.push(step(RETURN, refuse, 0, 0));
            steps.extend(otherwise);
            steps
        }
        Allowed::IfBit(argument, bit) => {
            vec![load(*argument), step(IF_BIT, *bit, 0, 1), step(RETURN, ALLOW, 0, 0), step(RETURN, refuse, 0, 0)]
        }
    }
}

fn program(rules: &[Rule], architecture: u32) -> Vec<libc::sock_filter> {
    let kill = step(RETURN, libc::SECCOMP_RET_KILL_PROCESS, 0, 0);
    let mut steps = vec![step(LOAD, ARCHITECTURE_AT, 0, 0), step(IF_EQUAL, architecture, 1, 0), kill];
    steps.push(step(LOAD, NUMBER_AT, 0, 0));
    if cfg!(target_arch = "x86_64") {
        steps.extend([step(IF_AT_LEAST, X32_FROM, 0, 1), kill]);
    }
    let mut rules: Vec<&Rule> = rules.iter().collect();
    rules.sort_by_key(|rule| rule.call);
    rules.dedup_by_key(|rule| rule.call);
    steps.extend(choose(&rules));
    steps
}

/// By halves: of a list that has to be read from its beginning the kernel, which tries every call when it takes the program, would make a tenth of a millisecond.
/// `rules` are in the order of their calls, each of which has one.
fn choose(rules: &[&Rule]) -> Vec<libc::sock_filter> {
    const FEW: usize = 4;
    if rules.len() > FEW {
        let (low, high) = rules.split_at(rules.len() / 2);
        let lower = choose(low);
        let over = [step(IF_AT_LEAST, high[0].call as u32, 0, 1), step(JUMP, lower.len() as u32, 0, 0)];
        return [&over[..], &lower, &choose(high)].concat();
    }
    let mut steps = Vec::new();
    for rule in rules {
        let body = body(rule);
        steps.push(step(IF_EQUAL, rule.call as u32, 0, body.len() as u8));
        steps.extend(body);
    }
    steps.push(step(RETURN, ALLOW, 0, 0));
    steps
}

/// Installs the filter for the calling thread and those that it starts, for good. PR_SET_NO_NEW_PRIVS must be set.
pub fn install(rules: &[Rule]) -> io::Result<()> {
    let Some(architecture) = ARCHITECTURE else {
        return Err(io::Error::other("the system calls of this architecture are not known here"));
    };
    let mut steps = program(rules, architecture);
    let program = libc::sock_fprog { len: steps.len() as u16, filter: steps.as_mut_ptr() };
    // The filter keeps a process from calls, and no thread from memory of its own process: without this, kernels before 5.16 slow every thread down
    // for the latter (Speculative Store Bypass).
    for flags in [libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW, 0] {
        // SAFETY: a program of as many steps as are said, which the kernel copies.
        let done =
            unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const program) };
        if done == 0 {
            return Ok(());
        }
    }
    Err(io::Error::last_os_error())
}

/// Whether a filter could be installed: the kernel knows the two actions that stop and refuse. Changes nothing.
pub fn probe() -> Result<(), String> {
    if ARCHITECTURE.is_none() {
        return Err("the system calls of this architecture are not known here".into());
    }
    for action in [libc::SECCOMP_RET_TRAP, libc::SECCOMP_RET_ERRNO] {
        // SAFETY: asks about a number of ours.
        let ret = unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_GET_ACTION_AVAIL, 0, &raw const action) };
        if ret != 0 {
            return Err(format!("seccomp: {}", io::Error::last_os_error()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::calls::rules;
    use super::super::needs::Needs;
    use super::*;

    /// What the kernel would do: the few instructions that we use.
    fn decide(steps: &[libc::sock_filter], architecture: u32, call: u32, arguments: [u32; 6]) -> u32 {
        let (mut at, mut a) = (0, 0);
        loop {
            let step = steps[at];
            at += 1;
            let jump = |is: bool| usize::from(if is { step.jt } else { step.jf });
            match step.code {
                LOAD => {
                    a = match step.k {
                        NUMBER_AT => call,
                        ARCHITECTURE_AT => architecture,
                        at => arguments[(at - ARGUMENTS_AT) as usize / 8],
                    }
                }
                IF_EQUAL => at += jump(a == step.k),
                IF_AT_LEAST => at += jump(a >= step.k),
                IF_BIT => at += jump(a & step.k != 0),
                JUMP => at += step.k as usize,
                _ => return step.k,
            }
        }
    }

    fn of(needs: &Needs, call: i64, arguments: [u32; 6]) -> u32 {
        let steps = program(&rules(needs, 77), 5);
        decide(&steps, 5, call as u32, arguments)
    }

    #[test]
    fn what_a_job_does_passes_and_what_an_exploit_does_not() {
        let job = Needs::default();
        for call in [libc::SYS_read, libc::SYS_openat, libc::SYS_futex, libc::SYS_mmap, libc::SYS_socketpair] {
            assert_eq!(of(&job, call, [0; 6]), ALLOW, "{call}");
        }
        for call in [libc::SYS_execve, libc::SYS_ptrace, libc::SYS_mount, libc::SYS_userfaultfd, libc::SYS_keyctl] {
            assert_eq!(of(&job, call, [0; 6]), libc::SECCOMP_RET_TRAP, "{call}");
        }
        assert_eq!(of(&job, libc::SYS_clone3, [0; 6]), libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32);
    }

    #[test]
    fn every_call_has_its_rule_and_no_other() {
        for needs in [Needs::default(), Needs { network: true, hardware: true, devices: true }] {
            let rules = rules(&needs, 77);
            for call in 0..600 {
                let rule = rules.iter().find(|rule| i64::from(call) == rule.call);
                let expected = match rule.map(|rule| (&rule.allowed, rule.action)) {
                    None => ALLOW,
                    Some((Allowed::Never, action)) => value_of(action),
                    Some((Allowed::If(_, values), action)) if !values.contains(&1000) => value_of(action),
                    _ => continue,
                };
                assert_eq!(of(&needs, call.into(), [1000; 6]), expected, "{call}");
            }
        }
    }

    #[test]
    fn threads_are_made_and_processes_are_not() {
        let job = Needs::default();
        let thread = libc::CLONE_THREAD as u32 | libc::CLONE_VM as u32;
        assert_eq!(of(&job, libc::SYS_clone, [thread, 0, 0, 0, 0, 0]), ALLOW);
        assert_eq!(of(&job, libc::SYS_clone, [libc::SIGCHLD as u32, 0, 0, 0, 0, 0]), libc::SECCOMP_RET_TRAP);
        let driver = Needs { hardware: true, ..Needs::default() };
        assert_eq!(of(&driver, libc::SYS_execve, [0; 6]), libc::SECCOMP_RET_ERRNO | libc::EPERM as u32);
    }

    #[test]
    fn signals_go_to_the_worker_alone() {
        let job = Needs::default();
        assert_eq!(of(&job, libc::SYS_tgkill, [77, 0, 0, 0, 0, 0]), ALLOW);
        assert_eq!(of(&job, libc::SYS_kill, [78, 9, 0, 0, 0, 0]), libc::SECCOMP_RET_ERRNO | libc::EPERM as u32);
    }

    #[test]
    fn priorities_are_those_of_the_worker_alone() {
        let job = Needs::default();
        let refused = libc::SECCOMP_RET_ERRNO | libc::EPERM as u32;
        let who = |call: i64, which: u32, who: u32| of(&job, call, [which, who, 0, 0, 0, 0]);
        for (call, process) in [(libc::SYS_setpriority, 0), (libc::SYS_ioprio_set, 1)] {
            assert_eq!([who(call, process, 0), who(call, process, 77)], [ALLOW; 2], "{call}");
            assert_eq!(
                [who(call, process, 78), who(call, process + 1, 0), who(call, process + 2, 0)],
                [refused; 3],
                "{call}"
            );
        }
        for call in [libc::SYS_sched_setscheduler, libc::SYS_sched_setparam, libc::SYS_sched_setattr] {
            assert_eq!([of(&job, call, [0; 6]), of(&job, call, [78, 0, 0, 0, 0, 0])], [ALLOW, refused], "{call}");
        }
        assert_eq!(of(&job, libc::SYS_sched_setaffinity, [78, 0, 0, 0, 0, 0]), ALLOW, "a thread's");
    }

    #[test]
    fn a_job_without_network_makes_no_socket() {
        let (alone, online) = (Needs::default(), Needs { network: true, ..Needs::default() });
        let socket = |needs: &Needs, family: i32| of(needs, libc::SYS_socket, [family as u32, 0, 0, 0, 0, 0]);
        let refused = libc::SECCOMP_RET_ERRNO | libc::EACCES as u32;
        assert_eq!(socket(&alone, libc::AF_INET), refused);
        assert_eq!(socket(&alone, libc::AF_UNIX), refused);
        assert_eq!(socket(&online, libc::AF_INET6), ALLOW);
        assert_eq!(socket(&online, libc::AF_PACKET), refused);
    }

    #[test]
    fn another_architecture_ends_the_process() {
        let steps = program(&rules(&Needs::default(), 1), 5);
        assert_eq!(decide(&steps, 6, 0, [0; 6]), libc::SECCOMP_RET_KILL_PROCESS);
        if cfg!(target_arch = "x86_64") {
            assert_eq!(decide(&steps, 5, X32_FROM + 59, [0; 6]), libc::SECCOMP_RET_KILL_PROCESS);
        }
    }
}
