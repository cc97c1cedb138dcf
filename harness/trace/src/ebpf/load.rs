//! Loading the kernel's side: once for a whole run of the program. It goes when the loader's process goes.

use std::os::fd::AsFd;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use libbpf_rs::libbpf_sys::bpf_map_create_opts;
use libbpf_rs::{Link, MapCore, MapFlags, MapHandle, MapType, Object, ObjectBuilder};
use serde::{Deserialize, Serialize};

use super::layout::MAX_RUNS;
use super::shapes;
use crate::Error;

static OBJECT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/recorder.bpf.o"));

/// The loaded programs. Dropping it detaches them.
#[derive(Debug)]
pub struct Loaded {
    object: Object,
    _links: Vec<Link>,
    took: Duration,
}

/// Where one run's events go: ids of maps, so that another process of root can open them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Index of the run, below 256.
    pub slot: u32,
    /// Size of the ring, in bytes.
    pub size: u32,
    pub(super) ring: u32,
    pub(super) members: u32,
    pub(super) runs: u32,
    pub(super) counts: u32,
}

impl Loaded {
    /// Loads the programs into the kernel and attaches them.
    ///
    /// # Errors
    /// The kernel has no BTF, or does not allow it: CAP_BPF and CAP_PERFMON are needed, or root.
    pub fn load() -> Result<Self, Error> {
        let started = Instant::now();
        // What libbpf itself says about a failure is long; the error says the part that matters.
        libbpf_rs::set_print(None);
        let mut builder = ObjectBuilder::default();
        let open = builder.open_memory(OBJECT).map_err(failed("read the programs"))?;
        let object = open.load().map_err(refused)?;
        let links = object
            .progs_mut()
            .map(|program| program.attach())
            .collect::<Result<Vec<_>, _>>()
            .map_err(failed("attach the programs"))?;
        let this = Self {
            object,
            _links: links,
            took: started.elapsed(),
        };
        let table = this.map("shapes")?;
        for (index, shape) in shapes::all() {
            table
                .update(&index.to_ne_bytes(), &shape.to_ne_bytes(), MapFlags::ANY)
                .map_err(failed("write the table of calls"))?;
        }
        Ok(Self {
            took: started.elapsed(),
            ..this
        })
    }

    /// How long loading took.
    #[must_use]
    pub fn took(&self) -> Duration {
        self.took
    }

    /// Makes a place for one run at a time, with a ring of at least `size` bytes. Whatever was at that slot
    /// is removed.
    ///
    /// # Errors
    /// There is no such slot, or no memory.
    pub fn place(&self, slot: u32, size: u32) -> Result<Place, Error> {
        if slot >= MAX_RUNS {
            return Err(Error::Ebpf {
                doing: "make a place for a run",
                why: format!("there are {MAX_RUNS} of them, and this is number {slot}"),
            });
        }
        let size = size.next_power_of_two().max(4096);
        let options = bpf_map_create_opts {
            sz: size_of::<bpf_map_create_opts>() as u64,
            ..Default::default()
        };
        let ring = MapHandle::create(MapType::RingBuf, Some("ocidiff_ring"), 0, 0, size, &options);
        let ring = ring.map_err(failed("make a ring"))?;
        self.map("rings")?
            .update(
                &slot.to_ne_bytes(),
                &ring.as_fd().as_raw_fd().to_ne_bytes(),
                MapFlags::ANY,
            )
            .map_err(failed("put the ring in its place"))?;
        let id = |map: &dyn MapCore| {
            map.info()
                .map(|info| info.info.id)
                .map_err(failed("ask for a map's id"))
        };
        Ok(Place {
            slot,
            size,
            ring: id(&ring)?,
            members: id(&self.map("members")?)?,
            runs: id(&self.map("runs")?)?,
            counts: id(&self.map("counts")?)?,
        })
    }

    fn map(&self, name: &str) -> Result<libbpf_rs::Map<'_>, Error> {
        let found = self.object.maps().find(|map| map.name() == name);
        found.ok_or_else(|| Error::Ebpf {
            doing: "find a map",
            why: format!("there is no {name}"),
        })
    }
}

/// The kernel's own message is often only "invalid argument": on a kernel that is too old, the reason is
/// known.
fn refused(error: libbpf_rs::Error) -> Error {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let why = match too_old(&release) {
        true => format!(
            "they take Linux {}.{} or newer, and this is {}",
            FIRST.0,
            FIRST.1,
            release.trim()
        ),
        false => format!("{error:#}"),
    };
    Error::Ebpf {
        doing: "load the programs",
        why,
    }
}

/// The first kernel that has all that the programs call: `bpf_loop` came last.
const FIRST: (u32, u32) = (5, 17);

fn too_old(release: &str) -> bool {
    let mut parts = release
        .split(|c: char| !c.is_ascii_digit())
        .map(str::parse::<u32>);
    match (parts.next(), parts.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) < FIRST,
        _ => false,
    }
}

pub(super) fn failed(doing: &'static str) -> impl FnOnce(libbpf_rs::Error) -> Error {
    move |error| Error::Ebpf {
        doing,
        why: format!("{error:#}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_is_too_old_by_its_numbers() {
        for (release, expected) in [
            ("5.10.0-32-cloud-amd64", true),
            ("5.16.20", true),
            ("5.17.1", false),
            ("6.1.0-50-cloud-amd64", false),
            ("10.2", false),
            ("odd", false),
        ] {
            assert_eq!(too_old(release), expected, "{release}");
        }
    }
}
