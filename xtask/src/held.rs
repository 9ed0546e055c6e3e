//! What this process holds of the machine, where the system tells.

use std::fs;

/// What is held.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Held {
    /// Memory in use, in MiB: with what the allocator and drivers keep for themselves.
    pub mib: f64,
    /// Memory that was asked of the allocator and not given back, in KiB, where it tells.
    pub asked_kib: f64,
    /// Threads.
    pub threads: u64,
    /// Open files.
    pub files: u64,
}

/// What is held now; nothing where the system does not tell.
pub fn held() -> Held {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let number = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    };
    Held {
        mib: number("VmRSS:").unwrap_or(0) as f64 / 1024.0,
        asked_kib: asked() as f64 / 1024.0,
        threads: number("Threads:").unwrap_or(0),
        files: fs::read_dir("/proc/self/fd").map_or(0, |entries| entries.count() as u64),
    }
}

/// Bytes that were asked of the allocator and not given back.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn asked() -> usize {
    #[expect(unsafe_code, reason = "the C library tells through a foreign function")]
    // SAFETY: it takes nothing, and returns numbers.
    let told = unsafe { libc::mallinfo2() };
    told.uordblks + told.hblkhd
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn asked() -> usize {
    0
}

impl std::fmt::Display for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { mib, asked_kib, threads, files } = self;
        write!(f, "{mib:.1} MiB, {asked_kib:.0} KiB asked for, {threads} threads, {files} files")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_tells_where_it_can() {
        let now = held();
        if cfg!(target_os = "linux") {
            assert!(now.mib > 1.0 && now.threads >= 1 && now.files >= 3, "{now}");
        }
    }
}
