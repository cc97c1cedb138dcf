//! Names of images, in the form that registries accept.

/// Reads an image's name: `[HOST[:PORT]/]PATH[:TAG][@sha256:DIGEST]`, in the form that registries accept.
///
/// # Errors
///
/// One line: what is wrong with it.
pub(super) fn image(text: &str) -> Result<String, String> {
    const FORM: &str = "an image is [HOST[:PORT]/]PATH[:TAG][@sha256:DIGEST]";
    let (rest, digest) = text
        .split_once('@')
        .map_or((text, None), |(rest, digest)| (rest, Some(digest)));
    if digest.is_some_and(|digest| !is_digest(digest)) {
        return Err(format!(
            "the digest is not sha256: and 64 hexadecimal digits; {FORM}"
        ));
    }
    // A colon after the last slash begins a tag; one before it, a port.
    let last = rest.rfind('/').map_or(0, |at| at + 1);
    let (name, tag) = match rest[last..].split_once(':') {
        Some((_, tag)) => (&rest[..rest.len() - tag.len() - 1], Some(tag)),
        None => (rest, None),
    };
    if tag.is_some_and(|tag| !is_tag(tag)) {
        return Err(format!(
            "the tag has other characters than A-Z a-z 0-9 _ . - or more than 128; {FORM}"
        ));
    }
    let (host, path) = match name.split_once('/') {
        Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => (Some(host), path),
        _ => (None, name),
    };
    if host.is_some_and(|host| !is_host(host)) {
        return Err(format!("the registry is not a HOST[:PORT]; {FORM}"));
    }
    if name.len() > 255 || !path.split('/').all(is_component) {
        return Err(format!(
            "the path has other characters than a-z 0-9 and . _ - within; {FORM}"
        ));
    }
    Ok(text.to_owned())
}

fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(|digits| {
        digits.len() == 64
            && digits
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

fn is_tag(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.starts_with(fits) && text.len() <= 128 && text.chars().all(|c| fits(c) || c == '.' || c == '-')
}

fn is_host(text: &str) -> bool {
    let (name, port) = text
        .split_once(':')
        .map_or((text, None), |(name, port)| (name, Some(port)));
    let labels = name.split('.').all(|label| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    });
    labels && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

fn is_component(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.starts_with(plain)
        && text.ends_with(plain)
        && text.chars().all(|c| plain(c) || matches!(c, '.' | '_' | '-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_read_as_registries_read_them() {
        let digest = format!("tools/ocidiff@sha256:{}", "0a".repeat(32));
        for good in [
            "ocidiff",
            "tools/ocidiff:1.0",
            "example.invalid/tools/ocidiff",
            "example.invalid:5000/a/b:T_1.x-y",
            "localhost/a",
            "127.0.0.1:1/a",
            &digest,
        ] {
            assert_eq!(image(good).as_deref(), Ok(good));
        }
        for bad in [
            "",
            " ",
            "Tools/ocidiff",
            "a b",
            "a:",
            "a:b:c",
            "a@sha256:12",
            "a@md5:00",
            "/a",
            "a/",
            "a//b",
            "example.invalid:x/a",
            "example.invalid:0/a",
            "-a",
            "a\nb",
            "a\"b",
            "a: {b}",
            "a#b",
            "-x.y/a",
        ] {
            let error = image(bad).expect_err(bad);
            assert!(
                error.contains("an image is") && !error.contains('\n'),
                "{bad}: {error}"
            );
        }
    }
}
