//! A seeded mutator: the same inputs for the same seed, on any machine.

/// Words that mean something to one of the loaders, or to a parser.
const WORDS: &[&str] = &[
    "&a",
    "*a",
    "*a, *a, *a",
    "<<: *a",
    "!tag ",
    "? ",
    "- - - ",
    "|\n",
    ">-\n",
    "%YAML 1.2\n---\n",
    "\u{feff}",
    "\u{1b}[2J",
    "\u{0}",
    "\u{202e}",
    "[[[[[[[[",
    "{{{{",
    "]",
    "}",
    "\"",
    "'",
    "null",
    "~",
    ".inf",
    "-1",
    "1e999",
    "18446744073709551616",
    "0x1p3",
    "true",
    "''",
    "${for}",
    "${bundle}",
    "$profile: docker-20.10.24",
    "files: {/a: {symlink: /}, /a/x: {text: hi}}",
    "/../x",
    "for: [a, b]",
    "for: {a: {}}",
    "steps: [create, start]",
    "as: x",
    "mounts+: [1]",
    "namespaces-: [{}]",
    "config: ",
    "expect: {process.exit: 0}",
    "because: x",
    "values: {'crun >=1, <2': 1}",
    "\"event\":\"run-started\"",
    "\"linux\":{}",
    "\"syscalls\":[{\"names\":[\"read\"]}]",
    "\"args\":[{\"index\":99}]",
    "\"path\":\"../..\"",
    "\\ud800",
    "\\u0000",
    "\n\n",
    "\t",
];

/// Numbers without a pattern: xorshift64*.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn below(&mut self, most: usize) -> usize {
        let most = u64::try_from(most.max(1)).expect("64 bits");
        usize::try_from(self.next() % most).expect("64 bits")
    }
}

/// A seed's bytes, changed a few times.
pub(crate) fn mutated(seeds: &[String], random: &mut Random) -> Vec<u8> {
    let mut bytes = seeds[random.below(seeds.len())].clone().into_bytes();
    for _ in 0..=random.below(6) {
        change(&mut bytes, seeds, random);
    }
    bytes
}

fn change(bytes: &mut Vec<u8>, seeds: &[String], random: &mut Random) {
    let at = random.below(bytes.len() + 1);
    let length = match random.below(4) {
        0 => random.below(bytes.len() + 1),
        _ => random.below(16),
    };
    let end = (at + length).min(bytes.len());
    match random.below(10) {
        0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
        1 => drop(bytes.drain(at..end)),
        2 => bytes.truncate(at),
        3 => {
            let part = bytes[at..end].to_vec();
            let times = if part.len() < 64 { random.below(300) } else { 2 };
            insert(bytes, at, &part.repeat(times));
        }
        4 | 5 => insert(bytes, at, WORDS[random.below(WORDS.len())].as_bytes()),
        6 => {
            let word = WORDS[random.below(WORDS.len())].as_bytes();
            drop(bytes.splice(at..end, word.iter().copied()));
        }
        7 => {
            let other = seeds[random.below(seeds.len())].as_bytes();
            let from = random.below(other.len() + 1);
            bytes.truncate(at);
            bytes.extend_from_slice(&other[from..]);
        }
        8 => lines(bytes, random),
        _ => {
            if let Some(digit) = (at..bytes.len()).find(|at| bytes[*at].is_ascii_digit()) {
                drop(bytes.splice(
                    digit..=digit,
                    (random.next() >> random.below(64)).to_string().bytes(),
                ));
            }
        }
    }
}

fn insert(bytes: &mut Vec<u8>, at: usize, part: &[u8]) {
    drop(bytes.splice(at..at, part.iter().copied()));
}

/// Swaps two lines.
fn lines(bytes: &mut Vec<u8>, random: &mut Random) {
    let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    let (one, other) = (random.below(lines.len()), random.below(lines.len()));
    lines.swap(one, other);
    *bytes = lines.join(&b'\n');
}
