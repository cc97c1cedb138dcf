//! Bytes as a filter: whatever they are, there is an answer or an error, and the decision answers as the interpreter does.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ocidiff_seccomp::{Decider, Filter, SeccompData};

/// Calls whose words are constants of the filter, or next to them.
fn calls(filter: &Filter) -> impl Iterator<Item = SeccompData> + '_ {
    let k = |at: usize| {
        let one = filter.0.get(at % filter.len()).map_or(0, |one| one.k);
        one.wrapping_add((at / filter.len() % 3) as u32).wrapping_sub(1)
    };
    let long = move |at: usize| u64::from(k(at)) << 32 | u64::from(k(at * 5 + 1));
    (0..48).map(move |at| SeccompData {
        nr: k(at + 1),
        arch: if at % 2 == 0 { 0xc000_003e } else { k(at) },
        instruction_pointer: long(at + 9),
        args: std::array::from_fn(|arg| long(at * 7 + arg)),
    })
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(filter) = Filter::from_bytes(bytes) else {
        return;
    };
    assert_eq!(filter.disassemble().len(), filter.len());
    let mut decider = Decider::default();
    let Ok(decision) = decider.filter(&filter) else {
        return;
    };
    assert_eq!(filter.validate(), Ok(()));
    for call in calls(&filter) {
        assert_eq!(filter.evaluate(&call), Ok(decider.answer(decision, &call)), "{call:x?}");
    }
    let Ok(classes) = decider.partition(&[decision]) else {
        return;
    };
    for class in classes.iter().take(32) {
        assert_eq!(filter.evaluate(&class.witness), Ok(class.answers[0]));
        assert!(class.has_number(class.witness.nr) && decider.contains(class.arguments, &class.witness));
        // May be too complex, and must terminate.
        let _ = decider.describe(class.arguments, &class.abi);
    }
});
