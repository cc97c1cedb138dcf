//! A case on which runc and crun differ.

use super::needs;

/// The story in one call: a profile that does not know fchmodat2, and what each runtime makes of it.
pub(crate) const STORY: &str = "\
summary: fchmodat2 is newer than the profile
config:
  process: {args: [/bin/probe, call, fchmodat2, AT_FDCWD, 's:/tmp', '0o755', '0']}
  linux: {seccomp: {$profile: docker-20.10.24}}
";
pub(crate) const FACT: &str = "proc.call.fchmodat2";

/// runc and crun, as arguments.
pub(crate) fn both() -> Option<[String; 4]> {
    let runc = needs::runtime("runc")?;
    let crun = needs::runtime("crun")?;
    let [runc, crun] =
        [("runc", runc), ("crun", crun)].map(|(name, path)| format!("{name}={}", path.display()));
    Some(["--runtime".to_owned(), runc, "--runtime".to_owned(), crun])
}
