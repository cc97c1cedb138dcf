//! Text as a profile, of any of the three kinds: it has a meaning or gives an error, what it means for a call is based
//! on some rule, and it can be written, read back, and cured.
#![no_main]

use std::collections::BTreeSet;

use libfuzzer_sys::fuzz_target;
use ocidiff_seccomp::cure::{Cure, Of, cure};
use ocidiff_seccomp::profile::{For, Ruling};
use ocidiff_seccomp::{Decider, Profile, SeccompData};

fuzz_target!(|text: &str| {
    let container = For {
        goarch: "amd64".to_owned(),
        capabilities: BTreeSet::from(["CAP_SYS_ADMIN".to_owned()]),
        kernel: (6, 18),
    };
    let Ok((profile, _)) = Profile::read(text, &container) else {
        return;
    };
    let (again, _) = Profile::read(&profile.to_json().to_string(), &container).expect("what was written");
    assert_eq!(again, profile);
    let native = "SCMP_ARCH_X86_64";
    let mut decider = Decider::default();
    if let Ok(written) = decider.written(&profile, native) {
        for nr in [0, 56, 135, 0x4000_0000, u32::MAX] {
            for arch in [0xc000_003e, 0x4000_0003, 0] {
                let call = SeccompData::new(arch, nr, [u64::from(nr) << 30; 6]);
                if let Ruling::Rule(at) | Ruling::Conflict(_, at) = *written.ruling(&decider, &call) {
                    assert!(at < profile.syscalls.len());
                }
            }
        }
        let empty = decider.stack(&[]).expect("no filter allows everything");
        let _ = decider.departures(&profile, &written, empty);
    }
    let _ = cure(&mut decider, &profile, native, Cure::Allow, &Of::default());
});
