//! Bars devices and sysctls of the machine for a cgroup of version 2 and everything below it, in addition to
//! what the device controllers say. It goes when its owner goes.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::Path;

use libbpf_rs::{Link, MapCore, MapFlags, Object, ObjectBuilder};

use super::load::failed;
use crate::Error;

static OBJECT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/wall.bpf.o"));

/// The longest name of a sysctl, with its end; as in wall.bpf.c.
const NAME: usize = 64;

/// The programs attached to a cgroup. Dropping it detaches them.
#[derive(Debug)]
pub struct Wall {
    object: Object,
    _links: Vec<Link>,
}

impl Wall {
    /// Puts it around a cgroup: from now on, only these sysctls and those of network namespaces can be written
    /// there, and no device can be opened except terminals and what is allowed later.
    ///
    /// # Errors
    /// The kernel has no such programs, or does not allow us to load them.
    pub fn raise(cgroup: &Path, sysctls: &[&str]) -> Result<Self, Error> {
        libbpf_rs::set_print(None);
        let folder = File::open(cgroup).map_err(Error::system("open the cgroup"))?;
        let mut builder = ObjectBuilder::default();
        let open = builder
            .open_memory(OBJECT)
            .map_err(failed("read the wall's programs"))?;
        let object = open.load().map_err(failed("load the wall's programs"))?;
        let this = Self {
            object,
            _links: Vec::new(),
        };
        for sysctl in sysctls.iter().filter(|sysctl| sysctl.len() < NAME) {
            let mut name = [0; NAME];
            name[..sysctl.len()].copy_from_slice(sysctl.as_bytes());
            this.update("sysctls", &name)?;
        }
        let links = this.object.progs_mut();
        let links = links
            .map(|program| program.attach_cgroup(folder.as_raw_fd()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(failed("put up the wall"))?;
        Ok(Self {
            _links: links,
            ..this
        })
    }

    /// Which character devices can be opened in there, by their numbers: these, and not those allowed earlier.
    ///
    /// # Errors
    /// There are too many.
    pub fn allow(&self, devices: &[(u32, u32)]) -> Result<(), Error> {
        let key = |(major, minor): (u32, u32)| [major.to_ne_bytes(), minor.to_ne_bytes()].concat();
        let wanted: Vec<_> = devices.iter().map(|device| key(*device)).collect();
        let map = self.map("devices")?;
        let before: Vec<_> = map.keys().collect();
        for old in before.iter().filter(|old| !wanted.contains(old)) {
            map.delete(old).map_err(failed("bar a device"))?;
        }
        wanted
            .iter()
            .filter(|new| !before.contains(new))
            .try_for_each(|new| self.update("devices", new))
    }

    fn update(&self, map: &'static str, key: &[u8]) -> Result<(), Error> {
        self.map(map)?
            .update(key, &[1], MapFlags::ANY)
            .map_err(failed("write what the wall lets through"))
    }

    fn map(&self, name: &str) -> Result<libbpf_rs::Map<'_>, Error> {
        let found = self.object.maps().find(|map| map.name() == name);
        found.ok_or_else(|| Error::Ebpf {
            doing: "find a map of the wall",
            why: format!("there is no {name}"),
        })
    }
}
