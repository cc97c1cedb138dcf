//! What a seccomp agent needs: a socket through which descriptors arrive, and answers to notifications.
//!
//! unix(7), recvmsg(2), seccomp_unotify(2). The structures are written as words, so that no libc's layout matters.

use alloc::vec::Vec;

use super::fs::Fd;
use super::{Errno, Result, call, int, word};

/// What can be read, or is gone, on a descriptor that is waited for.
pub const READABLE: i16 = libc::POLLIN;
/// The other side is gone.
pub const GONE: i16 = libc::POLLHUP;

/// A stream socket at a path to which others can connect.
pub fn listener(path: &[u8]) -> Result<Fd> {
    let args = [
        word(libc::AF_UNIX),
        word(libc::SOCK_STREAM | libc::SOCK_CLOEXEC),
        0,
    ];
    // SAFETY: no pointers.
    let socket = Fd(int(unsafe { call(libc::SYS_socket, args) }?));
    let address = [&(libc::AF_UNIX as u16).to_ne_bytes()[..], path, b"\0"].concat();
    let args = [word(socket.0), address.as_ptr() as usize, address.len()];
    // SAFETY: an address with the given length.
    unsafe { call(libc::SYS_bind, args) }?;
    // SAFETY: no pointers.
    unsafe { call(libc::SYS_listen, [word(socket.0), 8]) }?;
    Ok(socket)
}

/// The next connection.
pub fn accept(listener: &Fd) -> Result<Fd> {
    let args = [word(listener.0), 0, 0, word(libc::SOCK_CLOEXEC)];
    // SAFETY: no address is asked for.
    unsafe { call(libc::SYS_accept4, args) }.map(|fd| Fd(int(fd)))
}

/// What happened on each of the descriptors, [`READABLE`] and [`GONE`]; waits for the first that has something,
/// or for this many milliseconds.
pub fn wait(fds: &[i32], milliseconds: i32) -> Result<Vec<i16>> {
    let mut polled: Vec<libc::pollfd> = fds
        .iter()
        .map(|fd| libc::pollfd {
            fd: *fd,
            events: READABLE,
            revents: 0,
        })
        .collect();
    loop {
        let args = [polled.as_mut_ptr() as usize, polled.len(), word(milliseconds)];
        // SAFETY: as many structures as given.
        match unsafe { call(libc::SYS_poll, args) } {
            Err(Errno(libc::EINTR)) => {}
            other => return other.map(|_| polled.iter().map(|polled| polled.revents).collect()),
        }
    }
}

/// Receives once: returns how many bytes, and the descriptors that came with them.
pub fn receive(connection: &Fd, buffer: &mut [u8]) -> Result<(usize, Vec<Fd>)> {
    let mut control = [0_u64; 32];
    let part = [buffer.as_mut_ptr() as usize, buffer.len()];
    // A msghdr: name, its length, parts, their count, control, its length, flags.
    let mut message = [
        0,
        0,
        part.as_ptr() as usize,
        1,
        control.as_mut_ptr() as usize,
        size_of_val(&control),
        0,
    ];
    let args = [
        word(connection.0),
        message.as_mut_ptr() as usize,
        word(libc::MSG_CMSG_CLOEXEC),
    ];
    // SAFETY: a message with one part and a control buffer, each with the given length.
    let count = unsafe { call(libc::SYS_recvmsg, args) }?;
    Ok((count, descriptors(&control, message[5])))
}

/// The descriptors in the first control message: its length, level and type in two words, then numbers.
fn descriptors(control: &[u64], length: usize) -> Vec<Fd> {
    const HEAD: usize = 16;
    let rights = libc::SOL_SOCKET as u64 | (libc::SCM_RIGHTS as u64) << 32;
    if length < HEAD || control[1] != rights {
        return Vec::new();
    }
    let count = (usize::try_from(control[0]).unwrap_or(0).saturating_sub(HEAD)) / size_of::<i32>();
    control[2..]
        .iter()
        .flat_map(|pair| [*pair as i32, (*pair >> 32) as i32])
        .take(count)
        .map(Fd)
        .collect()
}

/// A call that waits for an answer.
pub struct Notification {
    id: u64,
    /// The call's number.
    pub number: i32,
}

/// Takes the next call that waits.
pub fn notification(filter: &Fd) -> Result<Notification> {
    // SECCOMP_IOCTL_NOTIF_RECV. The structure: id; pid and flags; number and architecture; and eight words more.
    let mut words = [0_u64; 10];
    ioctl(filter, 0xc050_2100, &mut words)?;
    Ok(Notification {
        id: words[0],
        number: words[2] as i32,
    })
}

/// What a call gets as its result.
#[derive(Clone, Copy)]
pub enum Answer {
    /// This error.
    Errno(i32),
    /// This value, without being made.
    Value(i64),
    /// It is made.
    Continue,
}

/// Answers a call.
pub fn answer(filter: &Fd, to: &Notification, answer: Answer) -> Result<()> {
    let (value, error, flags) = match answer {
        Answer::Errno(errno) => (0, -errno, 0),
        Answer::Value(value) => (value, 0, 0),
        // SECCOMP_USER_NOTIF_FLAG_CONTINUE
        Answer::Continue => (0, 0, 1_u64),
    };
    // SECCOMP_IOCTL_NOTIF_SEND
    let mut words = [to.id, value as u64, u64::from(error as u32) | flags << 32];
    ioctl(filter, 0xc018_2101, &mut words)
}

/// The request encodes how long the structure is for the kernel: in its second highest byte.
fn ioctl(filter: &Fd, request: u32, words: &mut [u64]) -> Result<()> {
    if size_of_val(words) < (request >> 16 & 0xff) as usize {
        return Err(Errno(libc::EINVAL));
    }
    let args = [word(filter.0), request as usize, words.as_mut_ptr() as usize];
    // SAFETY: as long as the request says.
    unsafe { call(libc::SYS_ioctl, args) }.map(drop)
}
