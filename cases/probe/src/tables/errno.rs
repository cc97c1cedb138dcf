//! Errors by name.

use alloc::string::String;

/// Linux' error names from 1 on; `-` where a number is not used.
const NAMES: &str = "\
    EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES EFAULT \
    ENOTBLK EBUSY EEXIST EXDEV ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG \
    ENOSPC ESPIPE EROFS EMLINK EPIPE EDOM ERANGE EDEADLK ENAMETOOLONG ENOLCK ENOSYS ENOTEMPTY ELOOP \
    - ENOMSG EIDRM ECHRNG EL2NSYNC EL3HLT EL3RST ELNRNG EUNATCH ENOCSI EL2HLT EBADE EBADR EXFULL \
    ENOANO EBADRQC EBADSLT - EBFONT ENOSTR ENODATA ETIME ENOSR ENONET ENOPKG EREMOTE ENOLINK EADV \
    ESRMNT ECOMM EPROTO EMULTIHOP EDOTDOT EBADMSG EOVERFLOW ENOTUNIQ EBADFD EREMCHG ELIBACC ELIBBAD \
    ELIBSCN ELIBMAX ELIBEXEC EILSEQ ERESTART ESTRPIPE EUSERS ENOTSOCK EDESTADDRREQ EMSGSIZE \
    EPROTOTYPE ENOPROTOOPT EPROTONOSUPPORT ESOCKTNOSUPPORT EOPNOTSUPP EPFNOSUPPORT EAFNOSUPPORT \
    EADDRINUSE EADDRNOTAVAIL ENETDOWN ENETUNREACH ENETRESET ECONNABORTED ECONNRESET ENOBUFS EISCONN \
    ENOTCONN ESHUTDOWN ETOOMANYREFS ETIMEDOUT ECONNREFUSED EHOSTDOWN EHOSTUNREACH EALREADY \
    EINPROGRESS ESTALE EUCLEAN ENOTNAM ENAVAIL EISNAM EREMOTEIO EDQUOT ENOMEDIUM EMEDIUMTYPE \
    ECANCELED ENOKEY EKEYEXPIRED EKEYREVOKED EKEYREJECTED EOWNERDEAD ENOTRECOVERABLE ERFKILL EHWPOISON";

/// `ENOENT` for 2; `E524` for one without a public name.
pub fn name(code: i32) -> String {
    let known = usize::try_from(code - 1)
        .ok()
        .and_then(|index| NAMES.split_whitespace().nth(index));
    match known {
        Some(name) if name != "-" => name.into(),
        _ => alloc::format!("E{code}"),
    }
}

/// 2 for `ENOENT`.
pub fn number(name: &str) -> Option<i32> {
    let index = NAMES
        .split_whitespace()
        .position(|known| known == name && name != "-")?;
    i32::try_from(index + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::{name, number};

    #[test]
    fn names_are_at_their_numbers() {
        for (code, text) in [
            (libc::EPERM, "EPERM"),
            (libc::ENOSYS, "ENOSYS"),
            (libc::EOPNOTSUPP, "EOPNOTSUPP"),
            (libc::ENOKEY, "ENOKEY"),
            (libc::EHWPOISON, "EHWPOISON"),
        ] {
            assert_eq!(name(code), text);
            assert_eq!(number(text), Some(code));
        }
        assert_eq!(name(41), "E41");
        assert_eq!(name(524), "E524");
        assert_eq!(name(-3), "E-3");
        assert_eq!(number("-"), None);
    }
}
