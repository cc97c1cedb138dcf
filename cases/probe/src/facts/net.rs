//! Network interfaces.

use alloc::format;
use alloc::vec::Vec;

use crate::json::Value;
use crate::report::Report;
use crate::sys::words::Words;
use crate::sys::{self, Errno, fs};

/// The kernel's `ifreq`: a name of 16 bytes, then 24 bytes whose meaning depends on the request.
type Request = [u8; 40];

const NAME: usize = 16;

/// How far interface numbers are tried. A new namespace starts at 1.
const MAX_INDEX: i32 = 64;

const FLAGS: [(i32, &str); 8] = [
    (libc::IFF_UP, "up"),
    (libc::IFF_BROADCAST, "broadcast"),
    (libc::IFF_LOOPBACK, "loopback"),
    (libc::IFF_POINTOPOINT, "pointopoint"),
    (libc::IFF_RUNNING, "running"),
    (libc::IFF_NOARP, "noarp"),
    (libc::IFF_PROMISC, "promisc"),
    (libc::IFF_MULTICAST, "multicast"),
];

/// Asked through ioctl: neither /sys nor /proc needs to be there.
pub(super) fn interfaces(_: &Words, report: &mut Report) {
    let socket = match fs::socket(libc::AF_INET).or_else(|_| fs::socket(libc::AF_UNIX)) {
        Ok(socket) => socket,
        Err(errno) => return report.fact("net.interfaces", Value::Failed(errno)),
    };
    let names: Vec<Vec<u8>> = (1..=MAX_INDEX)
        .filter_map(|index| name(socket.0, index))
        .collect();
    report.fact("net.interfaces", names.clone());
    for name in names {
        let told = [&b"net."[..], &name].concat();
        report.fact(&told, flags(socket.0, &name));
        report.fact([&told[..], b".addr"].concat(), address(socket.0, &name));
        report.fact(
            [&told[..], b".mtu"].concat(),
            number(socket.0, &name, libc::SIOCGIFMTU),
        );
    }
}

fn name(socket: i32, index: i32) -> Option<Vec<u8>> {
    let mut request: Request = [0; 40];
    request[NAME..NAME + 4].copy_from_slice(&index.to_ne_bytes());
    fs::ioctl(socket, libc::SIOCGIFNAME, &mut request).ok()?;
    request[..NAME]
        .split(|byte| *byte == 0)
        .next()
        .map(<[u8]>::to_vec)
}

/// Asks about an interface; returns the 24 bytes after its name.
fn ask(socket: i32, name: &[u8], what: u64) -> sys::Result<[u8; 24]> {
    let mut request: Request = [0; 40];
    request
        .get_mut(..name.len())
        .ok_or(Errno(libc::ENAMETOOLONG))?
        .copy_from_slice(name);
    fs::ioctl(socket, what, &mut request)?;
    let mut answer = [0; 24];
    answer.copy_from_slice(&request[NAME..]);
    Ok(answer)
}

fn number(socket: i32, name: &[u8], what: u64) -> sys::Result<i32> {
    ask(socket, name, what).map(|[a, b, c, d, ..]| i32::from_ne_bytes([a, b, c, d]))
}

fn flags(socket: i32, name: &[u8]) -> sys::Result<Vec<u8>> {
    let flags = number(socket, name, libc::SIOCGIFFLAGS)? & 0xffff;
    let names: Vec<&[u8]> = FLAGS
        .iter()
        .filter(|(flag, _)| flags & flag != 0)
        .map(|(_, name)| name.as_bytes())
        .collect();
    Ok(names.join(&b","[..]))
}

/// The IPv4 address, after the family and the port of a `sockaddr_in`.
fn address(socket: i32, name: &[u8]) -> sys::Result<Vec<u8>> {
    ask(socket, name, libc::SIOCGIFADDR)
        .map(|[_, _, _, _, a, b, c, d, ..]| format!("{a}.{b}.{c}.{d}").into_bytes())
}
