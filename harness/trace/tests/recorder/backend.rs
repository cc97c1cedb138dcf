//! The backends, and what each needs before a program can be recorded.

use ocidiff_trace::{PtraceRecorder, Recorder};

/// Says in which run an init should enrol itself.
pub(crate) const PLACE: &str = "OCIDIFF_TEST_PLACE";

/// A backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backend {
    Ptrace,
    Ebpf,
}

impl Backend {
    pub(crate) const ALL: [Self; 2] = [Self::Ptrace, Self::Ebpf];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ptrace => "ptrace",
            Self::Ebpf => "ebpf",
        }
    }

    /// Why this machine does not have it.
    pub(crate) fn missing(self) -> Option<String> {
        match self {
            Self::Ptrace => None,
            Self::Ebpf => kernel::missing(),
        }
    }
}

/// The recorder for one run.
pub(crate) enum Session {
    Ptrace,
    Ebpf(kernel::Slot),
}

impl Session {
    pub(crate) fn of(backend: Backend) -> Self {
        match backend {
            Backend::Ptrace => Self::Ptrace,
            Backend::Ebpf => Self::Ebpf(kernel::Slot::take(kernel::RING)),
        }
    }

    /// eBPF with a ring of one page.
    pub(crate) fn small() -> Self {
        Self::Ebpf(kernel::Slot::take(4096))
    }

    /// The variable that makes an init enrol itself.
    pub(crate) fn environment(&self) -> Option<(&'static str, String)> {
        match self {
            Self::Ptrace => None,
            Self::Ebpf(slot) => Some((PLACE, slot.text())),
        }
    }

    pub(crate) fn recorder(&self) -> Box<dyn Recorder> {
        match self {
            Self::Ptrace => Box::new(PtraceRecorder),
            Self::Ebpf(slot) => Box::new(slot.recorder()),
        }
    }
}

/// An init that has this variable becomes part of its run.
pub(crate) fn enrol() {
    kernel::enrol();
}

mod kernel {
    use std::sync::{LazyLock, Mutex, PoisonError};

    use ocidiff_trace::EbpfRecorder;
    use ocidiff_trace::ebpf::{Loaded, Place, Role};

    pub(super) const RING: u32 = 8 << 20;

    static LOADED: LazyLock<Result<Loaded, String>> =
        LazyLock::new(|| Loaded::load().map_err(|error| error.to_string()));
    static FREE: LazyLock<Mutex<Vec<u32>>> = LazyLock::new(|| Mutex::new((0..64).collect()));

    /// With OCIDIFF_TEST_ALL=1, a machine without the backend fails the tests.
    pub(super) fn missing() -> Option<String> {
        let why = LOADED.as_ref().err().cloned();
        if let Some(why) = &why {
            let all = std::env::var_os("OCIDIFF_TEST_ALL").is_some_and(|value| value == "1");
            assert!(!all, "OCIDIFF_TEST_ALL=1, and this machine has no eBPF: {why}");
        }
        why
    }

    pub(super) fn enrol() {
        if let Ok(text) = std::env::var(super::PLACE) {
            let place: Place = serde_json::from_str(&text).expect("a place");
            EbpfRecorder::enrol(&place, Role::Runtime).expect("enrol");
        }
    }

    /// A slot, which becomes available to others when this is dropped.
    pub(crate) struct Slot {
        place: Place,
        recorder: EbpfRecorder,
    }

    impl Slot {
        pub(super) fn take(ring: u32) -> Self {
            let number = free().pop().expect("a free slot");
            let loaded = LOADED.as_ref().expect("its trials are left out otherwise");
            let place = loaded.place(number, ring).expect("a place");
            let recorder = EbpfRecorder::open(place).expect("open");
            Self { place, recorder }
        }

        pub(super) fn text(&self) -> String {
            serde_json::to_string(&self.place).expect("it is written")
        }

        pub(super) fn recorder(&self) -> EbpfRecorder {
            self.recorder.clone()
        }
    }

    impl Drop for Slot {
        fn drop(&mut self) {
            free().push(self.place.slot);
        }
    }

    fn free() -> std::sync::MutexGuard<'static, Vec<u32>> {
        FREE.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
