//! How much memory there is.

/// Assumed where the operating system does not say how much memory is available: 16 GiB.
const FALLBACK: u64 = 16 << 30;

/// Bytes that a program can get without swapping: Linux's estimate, and less in a container with a lower limit.
#[must_use]
pub fn available_memory() -> u64 {
    let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let limit = std::fs::read_to_string("/sys/fs/cgroup/memory.max").unwrap_or_default();
    // `max` means that there is no limit.
    let limit = limit.trim().parse().unwrap_or(u64::MAX);
    from_meminfo(&meminfo).unwrap_or(FALLBACK).min(limit)
}

/// The line `MemAvailable:   12345678 kB`, in bytes.
fn from_meminfo(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn available_memory_is_read_in_kibibytes() {
        let meminfo = "MemTotal:       16000000 kB\nMemAvailable:   12000000 kB\n";
        assert_eq!(from_meminfo(meminfo), Some(12_288_000_000));
        assert_eq!(from_meminfo("MemTotal: 1 kB\n"), None);
        assert!(available_memory() > 1 << 20);
    }
}
