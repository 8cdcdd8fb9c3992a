//! What a process that holds secrets does first: no core dumps, no looking in from outside.
//!
//! Both are best effort: a system that refuses them is no reason not to work.

/// Forbids core dumps and, on Linux, makes the process not dumpable (which also keeps other processes of the same user
/// from attaching to it).
pub fn harden() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let _best_effort = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _best_effort = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}
