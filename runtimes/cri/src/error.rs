//! Why a call came to nothing, in one line that says what to do.

use std::path::PathBuf;
use std::time::Duration;

use tonic::{Code, Status};

/// Longer messages of a runtime are cut.
const LONGEST: usize = 600;

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no such socket.
    #[error(
        "there is no CRI socket at {path}: start containerd or CRI-O, or name the socket with --socket",
        path = .0.display()
    )]
    Absent(PathBuf),
    /// The variable names something else.
    #[error(
        "{variable} is {value}, which is not a socket on this node: set it to unix:// and a path, or name the socket with \
         --socket"
    )]
    Endpoint {
        /// The variable.
        variable: &'static str,
        /// What it says.
        value: String,
    },
    /// There is a file, but nothing listens there.
    #[error("nothing listens at {path}: start containerd or CRI-O, or name another socket with --socket", path = .0.display())]
    Deaf(PathBuf),
    /// The socket cannot be opened.
    #[error("open {path}: {why}: run as root, or name another socket with --socket", path = .path.display())]
    Closed {
        /// The socket.
        path: PathBuf,
        /// The system's words.
        why: String,
    },
    /// What answers is something else.
    #[error(
        "{path} does not answer as a CRI runtime does ({why}): name the socket of containerd or CRI-O with --socket",
        path = .path.display()
    )]
    Foreign {
        /// The socket.
        path: PathBuf,
        /// What came back.
        why: String,
    },
    /// It is too old.
    #[error(
        "{path} speaks CRI v1alpha2 and not v1, which came with containerd 1.6 and CRI-O 1.23: update it",
        path = .0.display()
    )]
    Old(PathBuf),
    /// containerd without its plugin.
    #[error(
        "{path} has no service of CRI v1, which came with containerd 1.6 and CRI-O 1.23: update it if it is older; or else take \"cri\" out of disabled_plugins in containerd's config.toml and restart it; \
         if it is not there, `ctr plugins ls` and containerd's log say why the plugin did not load",
        path = .0.display()
    )]
    Disabled(PathBuf),
    /// Something accepts a connection, and says nothing.
    #[error(
        "{path} accepts connections, and does not answer within {} s: restart containerd or CRI-O, or name another \
         socket with --socket",
        .limit.as_secs_f32(), path = .path.display()
    )]
    Silent {
        /// The socket.
        path: PathBuf,
        /// How long it was waited for.
        limit: Duration,
    },
    /// No answer in time.
    #[error("{call} got no answer within {} s: see the log of containerd or CRI-O", .limit.as_secs_f32())]
    Late {
        /// The call.
        call: &'static str,
        /// The limit.
        limit: Duration,
    },
    /// The connection ended.
    #[error(
        "{call}: the connection to the runtime is lost ({why}): see whether containerd or CRI-O runs still"
    )]
    Lost {
        /// The call.
        call: &'static str,
        /// What is known.
        why: String,
    },
    /// The node has no such handler.
    #[error(
        "the node has no runtime handler `{handler}`: add it to the config of containerd or CRI-O and restart it ({why})"
    )]
    Handler {
        /// What was asked for.
        handler: String,
        /// Its words.
        why: String,
    },
    /// The pod's own image.
    #[error(
        "the node's sandbox image is not there, and nothing is pulled: import the one that `sandbox_image` of its \
         config names ({0})"
    )]
    SandboxImage(String),
    /// The container's image.
    #[error("the node does not have the image {image}, and nothing is pulled: import it first ({why})")]
    Image {
        /// What was asked for.
        image: String,
        /// Its words.
        why: String,
    },
    /// The runtime refused.
    #[error("{why}")]
    Refused {
        /// The call.
        call: &'static str,
        /// Its words.
        why: String,
        /// Whether the object of the call does not exist.
        is_gone: bool,
        /// Whether the runtime itself gave up waiting.
        is_late: bool,
        /// Whether it does not take such a request.
        is_invalid: bool,
    },
    /// An answer that lacks something required.
    #[error("{call}: the answer has no {what}")]
    Lacks {
        /// The call.
        call: &'static str,
        /// What is missing.
        what: &'static str,
    },
}

impl Error {
    /// Whether what the call was about does not exist.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        matches!(self, Self::Refused { is_gone: true, .. })
    }

    /// The words of a runtime that refused; `None` if it did not answer.
    #[must_use]
    pub fn refusal(&self) -> Option<String> {
        match self {
            Self::Refused { .. } | Self::Handler { .. } | Self::SandboxImage(_) | Self::Image { .. } => {
                Some(self.to_string())
            }
            _ => None,
        }
    }

    pub(crate) fn of(call: &'static str, status: &Status) -> Self {
        let why = line(status.message());
        let is_transport = std::error::Error::source(status).is_some();
        if status.code() == Code::Unavailable || is_transport {
            return Self::Lost {
                call,
                why: line(&causes(status)),
            };
        }
        Self::Refused {
            call,
            why,
            is_gone: status.code() == Code::NotFound,
            is_late: status.code() == Code::DeadlineExceeded,
            is_invalid: matches!(status.code(), Code::InvalidArgument | Code::OutOfRange),
        }
    }
}

/// A status with what it came from.
pub(crate) fn causes(status: &Status) -> String {
    let mut text = status.message().to_owned();
    let mut next = std::error::Error::source(status);
    while let Some(error) = next {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        next = error.source();
    }
    text
}

/// Words from elsewhere as one line without control characters, not too long: the middle is left out, since the cause
/// is at the end.
pub(crate) fn line(text: &str) -> String {
    let clean: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let words: Vec<&str> = clean.split_whitespace().collect();
    let whole: Vec<char> = words.join(" ").chars().collect();
    if whole.len() <= LONGEST {
        return whole.into_iter().collect();
    }
    let half = LONGEST / 2;
    let (head, tail) = (&whole[..half], &whole[whole.len() - half..]);
    head.iter().chain(&['.', '.', '.']).chain(tail).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_others_are_one_line_that_ends() {
        assert_eq!(line("a\n\u{1b}[31mb\t c"), "a [31mb c");
        let long = line(&format!("create: {}: no such file", "x".repeat(5000)));
        assert_eq!(long.len(), LONGEST + 3);
        assert!(
            long.starts_with("create: ") && long.ends_with(": no such file"),
            "{long}"
        );
    }

    #[test]
    fn what_does_not_exist_is_gone() {
        assert!(Error::of("StopPodSandbox", &Status::not_found("x")).is_gone());
        assert!(!Error::of("StopPodSandbox", &Status::internal("x")).is_gone());
    }
}
