//! What a parser says, in the words of the files: serde names the types of our code (`expected struct Needs`), which say
//! nothing to the people who write the files.

/// The message of a parser (serde_yaml, serde_json) in words that the files have.
#[must_use]
pub fn in_plain_words(message: &str) -> String {
    // The parser repeats the position at the end.
    match message.rsplit_once(" at line ") {
        Some((message, place)) => format!("{} at line {place}", plain(message)),
        None => plain(message),
    }
}

fn plain(message: &str) -> String {
    let message = message.replace("unknown variant `", "unknown word `");
    for head in ["invalid type: ", "invalid value: ", "invalid length "] {
        let told = message
            .split_once(head)
            .and_then(|(before, rest)| Some((before, rest.rsplit_once(", expected ")?)));
        if let Some((before, (found, wanted))) = told {
            let found = match head {
                "invalid length " => format!("{found} items"),
                _ => found_in_plain_words(found),
            };
            return format!("{before}expected {}, not {found}", wanted_in_plain_words(wanted));
        }
    }
    match message.split_once("data did not match any variant of untagged enum ") {
        Some((before, _)) => format!("{before}it is written in none of the ways that can be read"),
        None => message,
    }
}

/// What stands there.
fn found_in_plain_words(found: &str) -> String {
    for (type_of_serde, word) in [
        ("boolean ", ""),
        ("integer ", "the number "),
        ("floating point ", "the number "),
        ("string ", "the text "),
        ("character ", "the text "),
    ] {
        if let Some(value) = found.strip_prefix(type_of_serde) {
            return format!("{word}{value}");
        }
    }
    match found {
        "unit value" | "Option value" => "null",
        "sequence" => "a list",
        "map" => "a map",
        found if found.ends_with(" variant") || found == "enum" => "a value with a tag",
        found => found,
    }
    .to_owned()
}

/// What is read there.
fn wanted_in_plain_words(wanted: &str) -> String {
    // `struct X with 2 elements`, `internally tagged enum X`: whatever it is in the code, people write a map.
    let kinds = ["struct ", "enum ", "tuple ", "unit struct ", "newtype struct "];
    if kinds.iter().any(|kind| wanted.starts_with(kind)) || wanted.contains("tagged enum ") {
        return "a map".to_owned();
    }
    let is_integer = |text: &str| {
        let width = text.strip_prefix(['i', 'u']);
        width.is_some_and(|width| width == "size" || width.parse::<u8>().is_ok())
    };
    match wanted {
        "a sequence" => "a list",
        "a string" | "a borrowed string" | "a character" | "string" => "a text",
        "a boolean" => "true or false",
        "unit" => "null",
        "f32" | "f64" => "a number",
        wanted if wanted.strip_prefix('u').is_some() && is_integer(wanted) => "a whole number from 0",
        wanted if is_integer(wanted) => "a whole number",
        "variant identifier" => "a word",
        wanted => wanted,
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_type_of_the_code_is_named() {
        for (message, expected) in [
            (
                "needs: invalid type: unit value, expected struct Needs",
                "needs: expected a map, not null",
            ),
            (
                "steps: invalid type: integer `5`, expected a sequence",
                "steps: expected a list, not the number `5`",
            ),
            (
                "summary: invalid type: sequence, expected a string",
                "summary: expected a text, not a list",
            ),
            (
                "repeat: invalid type: string \"t, expected struct X\", expected u32",
                "repeat: expected a whole number from 0, not the text \"t, expected struct X\"",
            ),
            (
                "repeat: invalid value: integer `-1`, expected u32",
                "repeat: expected a whole number from 0, not the number `-1`",
            ),
            (
                "a: invalid type: floating point `1.5`, expected i64",
                "a: expected a whole number, not the number `1.5`",
            ),
            (
                "invalid type: map, expected a step such as `create`",
                "expected a step such as `create`, not a map",
            ),
            (
                "invalid length 1, expected struct Edit with 2 elements",
                "expected a map, not 1 items",
            ),
            (
                "a[0]: invalid type: sequence, expected a string at line 1 column 19",
                "a[0]: expected a text, not a list at line 1 column 19",
            ),
            (
                "watch: unknown variant `x`, expected one of `a`, `b`",
                "watch: unknown word `x`, expected one of `a`, `b`",
            ),
            (
                "x: data did not match any variant of untagged enum Less",
                "x: it is written in none of the ways that can be read",
            ),
            (
                "unknown field `x`, expected `y`",
                "unknown field `x`, expected `y`",
            ),
        ] {
            assert_eq!(in_plain_words(message), expected);
        }
    }
}
