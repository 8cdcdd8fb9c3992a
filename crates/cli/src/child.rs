//! A command of the person's, run by the shell: with the signals that are for it, and seen to its end.
//!
//! A signal that reaches us alone (a supervisor, `kill`) is passed on, so that the command can finish its work; we end after
//! it and in the same way. Before there is a command, a signal removes what there is to remove and ends us.

use std::{
    ffi::{OsStr, OsString},
    fs::File,
    io,
    process::{Child, Command, ExitCode, ExitStatus, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rustix::{
    io::Errno,
    process::{Pid, Signal, WaitId, WaitIdOptions, getpgrp, kill_process, waitid},
    termios::tcgetpgrp,
};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2},
    iterator::Signals,
    low_level::{emulate_default_handler, signal_name},
};

use crate::{
    environment::Environment,
    exit_code::Code,
    failure::{Failure, io_text},
    harden::with_own_limits,
    private, terminal, ui,
};

/// Returns the command that runs a line of shell in exactly this environment; of a name that stands twice the last counts.
pub fn shell(line: &OsStr, variables: impl IntoIterator<Item = (OsString, OsString)>) -> Command {
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(line).env_clear().envs(variables);
    command
}

/// Starts the command without waiting for it and without our streams.
///
/// # Errors
/// It cannot be started (1).
pub fn start_in_background(mut command: Command) -> Result<ExitCode, Failure> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    with_own_limits(|| command.spawn()).map_err(|error| not_started(&error))?;
    Ok(ExitCode::SUCCESS)
}

/// Puts the command in the place of this process. Returns only if that fails.
pub fn become_command(mut command: Command) -> Failure {
    use std::os::unix::process::CommandExt as _;
    not_started(&with_own_limits(|| command.exec()))
}

/// Returns the failure of a command that did not start. Its environment may be too large for the system.
fn not_started(error: &io::Error) -> Failure {
    Failure::new(Code::Generic, format!("the command cannot be started: {}", io_text(error)))
}

/// Signals on their way to the command.
pub struct Guard {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    child: Running,
    told: Vec<i32>,
}

#[derive(Default)]
enum Running {
    #[default]
    NotYet,
    As(Pid),
    NoMore,
}

impl Guard {
    /// Takes over the signals; once in a process, and before there is anything to clean up.
    ///
    /// # Errors
    /// The system refuses (1).
    pub fn new() -> Result<Guard, Failure> {
        let failure = |error: &io::Error| Failure::new(Code::Generic, format!("signals: {}", io_text(error)));
        let ignored = ignored_signals();
        // What we were started to ignore (`nohup`, a job of a script), the command is to ignore as well.
        let taken = PASSED_ON.into_iter().filter(|signal| ignored & (1 << (signal - 1)) == 0);
        let mut signals = Signals::new(taken).map_err(|error| failure(&error))?;
        let guard = Guard { state: Arc::default() };
        let state = Arc::clone(&guard.state);
        let thread = move || {
            for signal in signals.forever() {
                pass_on(signal, &mut lock(&state));
            }
        };
        std::thread::Builder::new().spawn(thread).map_err(|error| failure(&error))?;
        Ok(guard)
    }

    /// Runs the command to its end.
    ///
    /// # Errors
    /// It cannot be started (1).
    pub fn run(self, mut command: Command) -> Result<Ended, Failure> {
        let mut child = {
            // A signal waits until it is known whom it is for.
            let mut state = lock(&self.state);
            let child = with_own_limits(|| command.spawn()).map_err(|error| not_started(&error))?;
            state.child = pid(&child).map_or(Running::NotYet, Running::As);
            child
        };
        // The command stays a zombie until no signal can be on its way: its number may be another's right after.
        if let Some(pid) = pid(&child) {
            while let Err(Errno::INTR) = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {}
        }
        let mut state = lock(&self.state);
        state.child = Running::NoMore;
        let status = child.wait().map_err(|error| not_started(&error))?;
        Ok(Ended { status, told: std::mem::take(&mut state.told) })
    }
}

/// How the command ended.
pub struct Ended {
    status: ExitStatus,
    told: Vec<i32>,
}

impl Ended {
    /// Ends as the command did: with its status; with 255 where a signal ended it, or by that signal where we passed it on.
    pub fn exit_code(self) -> ExitCode {
        use std::os::unix::process::ExitStatusExt as _;
        match (self.status.code(), self.status.signal()) {
            (Some(0), _) => ExitCode::SUCCESS,
            (Some(code), _) => {
                ui::print(&format!("exit status {code}\n"));
                ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX))
            }
            (None, signal) => {
                let signal = signal.unwrap_or_default();
                if self.told.contains(&signal) {
                    let _does_not_return = emulate_default_handler(signal);
                }
                let name = signal_name(signal).map_or_else(|| signal.to_string(), str::to_owned);
                ui::print(&format!("signal: {name}\n"));
                ExitCode::from(u8::MAX)
            }
        }
    }
}

fn pass_on(signal: i32, state: &mut State) {
    match state.child {
        Running::NotYet => {
            terminal::restore();
            private::remove();
            let _does_not_return = emulate_default_handler(signal);
        }
        Running::As(pid) => {
            // A key that a person pressed reached the command already.
            let is_key = matches!(signal, SIGINT | SIGQUIT) && is_in_foreground();
            if let Some(named) = Signal::from_named_raw(signal).filter(|_| !is_key) {
                let _it_may_have_ended = kill_process(pid, named);
            }
            state.told.push(signal);
        }
        Running::NoMore => {}
    }
}

/// Tells whether keys of the terminal are signals for our whole process group.
fn is_in_foreground() -> bool {
    File::open("/dev/tty").ok().and_then(|tty| tcgetpgrp(tty).ok()) == Some(getpgrp())
}

/// Returns the signals that this process was started to ignore, one bit each from SIGHUP on; none where nobody can tell.
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok()).unwrap_or_default()
}

fn pid(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns our own environment as variables of the command.
pub fn inherited(env: &Environment) -> impl Iterator<Item = (OsString, OsString)> {
    env.without(&[]).map(|(name, value)| (name.clone(), value.clone()))
}

const PASSED_ON: [i32; 6] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2];
