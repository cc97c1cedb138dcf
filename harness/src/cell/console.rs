//! The terminal of a container: the runtime sends the pty's master over a socket (`--console-socket`), which is
//! how engines receive it.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

use crate::paths;

/// A socket that waits for the runtime.
#[derive(Debug)]
pub(crate) struct Console(UnixListener);

impl Console {
    /// Listens for the container's terminal.
    pub(crate) fn listen(container: &str) -> io::Result<Self> {
        std::fs::create_dir_all(paths::CONSOLES)?;
        let path = paths::console(container);
        // There may be a second create of the same container.
        let _ = std::fs::remove_file(&path);
        let listener = UnixListener::bind(path)?;
        listener.set_nonblocking(true)?;
        Ok(Self(listener))
    }

    /// The master, if the runtime sent one: the call has ended, so anything it sent is waiting in the socket.
    pub(crate) fn master(&self) -> Option<OwnedFd> {
        let (stream, _) = self.0.accept().ok()?;
        stream.set_nonblocking(true).ok()?;
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let mut name = [0_u8; 4096];
        let mut parts = [io::IoSliceMut::new(&mut name)];
        recvmsg(&stream, &mut parts, &mut ancillary, RecvFlags::CMSG_CLOEXEC).ok()?;
        ancillary.drain().find_map(|message| match message {
            RecvAncillaryMessage::ScmRights(mut fds) => fds.next(),
            _ => None,
        })
    }
}
