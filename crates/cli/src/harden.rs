//! What a process that holds secrets does first: no core dumps, no looking in from outside.
//!
//! Both are best effort: a system that refuses them is no reason not to work.

use std::sync::OnceLock;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Forbids core dumps and, on Linux, makes the process not dumpable (which also keeps other processes of the same user
/// from attaching to it).
pub fn harden() {
    // The upper limit stays: a command of the person's gets its own limit back.
    let found = ORIGINAL.get_or_init(|| getrlimit(Resource::Core));
    let _best_effort = setrlimit(Resource::Core, Rlimit { current: Some(0), ..*found });
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _best_effort = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

/// Starts a command of the person's, which is to have the limits that we were started with: whether it leaves core dumps is
/// their business. Linux makes none of us in between either, because the process is not dumpable.
pub fn with_own_limits<T>(start: impl FnOnce() -> T) -> T {
    let Some(found) = ORIGINAL.get() else { return start() };
    let now = getrlimit(Resource::Core);
    let _best_effort = setrlimit(Resource::Core, *found);
    let started = start();
    let _best_effort = setrlimit(Resource::Core, now);
    started
}

/// The limit of core dumps that the process was started with.
static ORIGINAL: OnceLock<Rlimit> = OnceLock::new();
