//! Thread priorities: HTTP before computation before loading a model.
//!
//! They are a thread's niceness and scheduling policy (sched(7)). On Linux each thread has its own; on other systems a
//! process has one for all threads, and nothing is changed.

/// Two thirds of the default share of a core: a request takes microseconds, also to refuse, and a batch milliseconds.
/// At 0 batches are smaller and fewer requests are answered; at 5 the tail latencies at 0.8 of the capacity double.
pub(super) const WORKER_NICENESS: i32 = 2;

/// Sets the niceness of the calling thread.
pub(super) fn set_niceness(niceness: i32) {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), niceness);
    #[cfg(not(target_os = "linux"))]
    let _ = niceness;
}

/// Lets the calling thread run only when no other thread wants the core, permanently: a reload must not delay requests.
/// Even at the highest niceness a thread has a share, and keeps a core for some milliseconds.
pub(super) fn set_idle_policy() {
    #[cfg(target_os = "linux")]
    // SAFETY: zeros are a valid parameter, and the only one for this policy; the call reads it and affects this thread
    // alone.
    unsafe {
        let parameters: libc::sched_param = std::mem::zeroed();
        libc::sched_setscheduler(0, libc::SCHED_IDLE, &raw const parameters);
    }
}
