//! Who goes first where threads want the same core: HTTP, then computation, then loading.
//!
//! By a thread's "niceness" and its scheduling policy (sched(7)). Linux gives every thread its own; elsewhere a process has
//! one for all, and nothing is changed.

/// Two thirds of the default's share: a request takes microseconds, also to refuse, and a batch
/// milliseconds. At 0 batches are smaller and fewer requests are answered; at 5 the tails at 0.8 of
/// capacity double.
pub(crate) const WORKER: i32 = 2;

/// Lowers the priority of the calling thread.
pub(crate) fn lower(niceness: i32) {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), niceness);
    #[cfg(not(target_os = "linux"))]
    let _ = niceness;
}

/// Leaves the calling thread what nobody else wants, for good: whoever waits for an answer waits for no reload. Even the
/// highest niceness has a share, and holds a core for some milliseconds once it has it.
pub(crate) fn idle() {
    #[cfg(target_os = "linux")]
    // SAFETY: zeros are a valid parameter, and the only one for this policy; the call reads them, and concerns this thread
    // alone.
    unsafe {
        let parameters: libc::sched_param = std::mem::zeroed();
        libc::sched_setscheduler(0, libc::SCHED_IDLE, &raw const parameters);
    }
}
