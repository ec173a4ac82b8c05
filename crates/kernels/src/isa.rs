//! Which vector instructions run: chosen once and passed on.

use std::fmt;

use pulp::{Arch, Scalar, Simd, WithSimd};

/// A set of vector instructions that this CPU has.
///
/// Every kernel takes one as its first argument, so that tests and benchmarks can compare them all on one machine. The
/// sets group sums differently, so results differ in the last bits between two sets, and never within one.
#[derive(Clone, Copy, Debug)]
pub struct Isa(Arch);

impl Isa {
    /// The widest set that this CPU has: AVX-512, else AVX2 with FMA, else portable code.
    #[must_use]
    pub fn best() -> Self {
        Self::available()[0]
    }

    /// All sets that this CPU has, widest first; the last is portable code, which runs everywhere.
    #[must_use]
    pub fn available() -> Vec<Self> {
        let mut all = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            all.extend(pulp::x86::V4::try_new().map(|simd| Self(Arch::V4(simd))));
            all.extend(pulp::x86::V3::try_new().map(|simd| Self(Arch::V3(simd))));
        }
        all.push(Self(Arch::Scalar));
        all
    }

    /// Whether the set includes AVX2.
    pub(crate) fn has_avx2(self) -> bool {
        !matches!(self.0, Arch::Scalar)
    }

    /// Compiles `op` for the set and runs it.
    #[inline(always)]
    pub(crate) fn run<Op: WithSimd>(self, op: Op) -> Op::Output {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Arch::V4(simd) => Simd::vectorize(simd, op),
            #[cfg(target_arch = "x86_64")]
            Arch::V3(simd) => Simd::vectorize(simd, op),
            _ => Simd::vectorize(Scalar, op),
        }
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            #[cfg(target_arch = "x86_64")]
            Arch::V4(_) => "AVX-512",
            #[cfg(target_arch = "x86_64")]
            Arch::V3(_) => "AVX2",
            _ => "portable",
        })
    }
}
