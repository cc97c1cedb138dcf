//! The text below the options in `--help`: what people look up while they read a result.

/// Of `run`.
pub(super) const VERDICTS: &str = "\
Verdicts (`ocidiff explain VERDICT` says more):
  agree        all facts are equal, and all expectations hold
  known        every difference is written down, or accounted for by a finding
  fixed        as written, but a newer version of a runtime no longer does it
  new          a difference that is not known; it showed in each of three runs
  gone         a difference that is written down did not show
  violation    what a clause of the spec demands does not hold, and that is not known
  unexpected   an expectation of the case itself does not hold, and that is not known
  unsupported  the runtime says that it does not support what the case asks for
  unstable     not the same each time
  broken       the harness, the machine or the case failed, not the runtime
  skipped      the machine does not have what the case needs

Exit status: 0 nothing new; 1 a case is new, gone, a violation or unexpected (or fixed or unstable, with --strict), or, with \
--bundle, a known difference breaks the workload or confines it less for those who move; 2 wrong use, \
or an error in a case, a known file or a manifest; 3 a case is broken, every case was skipped, the run was interrupted, or \
the results could not be written.";

/// Of `check`.
pub(super) const CHECK: &str = "\
A workload is checked at three depths:
  read    which findings concern its config, and what the runtimes list in their features
  filter  its seccomp profile, decided exactly for every call
  probe   the same config with the probe as its process, under both runtimes, its files read-only
With --run, its own command runs too. Runtimes run in cells; no container, file or engine of the node is changed.

Impact: security, the workload is confined less than its config asks for; breaks; may-break; cosmetic.

Exit status: 0 safe; 1 something breaks, may break or is confined less; 2 wrong use; 3 something could not be checked.";

/// Of `seccomp`.
pub(super) const SECCOMP: &str = "\
Exit status: 0 all filters are equal, all runtimes refuse the profile, or a cure is printed; 1 they differ, a runtime \
refuses the profile, or no cure is proven; 2 wrong use, or no profile; 3 the machine failed.";
