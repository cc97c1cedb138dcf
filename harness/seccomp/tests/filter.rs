//! One filter, read in every way: decided as a table, written as text.

use ocidiff_seccomp::data::{ARCH_AARCH64, ARCH_I386, ARCH_X86_64};
use ocidiff_seccomp::{Action, Filter, Instruction, SeccompData};

const LOAD: u16 = 0x20;
const EQUAL: u16 = 0x15;
const AT_LEAST: u16 = 0x35;
const SET: u16 = 0x45;
const RETURN: u16 = 0x06;

/// Shaped like engines' filters: architectures first, then calls, one of them by its arguments.
fn filter() -> Filter {
    let plain = Instruction::plain;
    let test = Instruction::test;
    Filter(vec![
        plain(LOAD, 4),
        test(EQUAL, ARCH_X86_64, 2, 0),
        test(EQUAL, ARCH_I386, 10, 0),
        plain(RETURN, 0x8000_0000),
        plain(LOAD, 0),
        test(AT_LEAST, 0x4000_0000, 9, 0),
        test(EQUAL, 452, 8, 0), // fchmodat2: ENOSYS
        test(EQUAL, 101, 8, 0), // ptrace: EPERM
        test(EQUAL, 56, 0, 9),  // clone: by its flags
        plain(LOAD, 16),        // low half of the flags
        test(SET, 0x1000_0000, 5, 0),
        plain(LOAD, 20),
        test(EQUAL, 0, 5, 3),
        plain(LOAD, 0),        // i386
        test(EQUAL, 26, 1, 3), // ptrace: EPERM
        plain(RETURN, 0x0005_0026),
        plain(RETURN, 0x0005_0001),
        plain(RETURN, 0x7ffc_0000),
        plain(RETURN, 0x7fff_0000),
    ])
}

#[test]
fn decides_as_the_table_says() {
    let none = [0; 6];
    let flags = |flags: u64| [flags, 0, 0, 0, 0, 0];
    let table = [
        (ARCH_X86_64, 39, none, Action::Allow),
        (ARCH_X86_64, 452, none, Action::Errno(38)),
        (ARCH_X86_64, 0x4000_0000 | 39, none, Action::Errno(38)),
        (ARCH_X86_64, 101, none, Action::Errno(1)),
        (ARCH_X86_64, 56, flags(0x11), Action::Allow),
        (ARCH_X86_64, 56, flags(0x1000_0000), Action::Errno(1)),
        (ARCH_X86_64, 56, flags(0x1_0000_0011), Action::Errno(1)),
        (ARCH_I386, 26, none, Action::Errno(1)),
        (ARCH_I386, 20, none, Action::Allow),
        (ARCH_AARCH64, 20, none, Action::KillProcess),
    ];
    let filter = filter();
    assert_eq!(filter.validate(), Ok(()));
    for (arch, nr, args, action) in table {
        let call = SeccompData::new(arch, nr, args);
        assert_eq!(filter.evaluate(&call), Ok(action), "{arch:#x} {nr} {args:?}");
    }
}

#[test]
fn reads_as_text() {
    let expected = "
   0  ld [arch]
   1  jeq #0xc000003e (AUDIT_ARCH_X86_64), true->4, false->2
   2  jeq #0x40000003 (AUDIT_ARCH_I386), true->13, false->3
   3  ret KILL_PROCESS
   4  ld [nr]
   5  jge #0x40000000, true->15, false->6
   6  jeq #452 (fchmodat2), true->15, false->7
   7  jeq #101 (ptrace), true->16, false->8
   8  jeq #56 (clone), true->9, false->18
   9  ld [args[0] low]
  10  jset #0x10000000, true->16, false->11
  11  ld [args[0] high]
  12  jeq #0x0, true->18, false->16
  13  ld [nr]
  14  jeq #26 (ptrace), true->16, false->18
  15  ret ERRNO(ENOSYS)
  16  ret ERRNO(EPERM)
  17  ret LOG
  18  ret ALLOW";
    assert_eq!(
        filter().disassemble().join("\n"),
        expected.trim_start_matches('\n')
    );
}

#[test]
fn scratch_arithmetic_and_division_by_zero() {
    let plain = Instruction::plain;
    // M[1] = nr; A = 4; X = M[1]; A = A / X; ret A
    let filter = Filter(vec![
        plain(LOAD, 0),
        plain(0x02, 1),
        plain(0x00, 0x7fff_0000),
        plain(0x61, 1),
        plain(0x3c, 0),
        plain(0x16, 0),
    ]);
    assert_eq!(filter.validate(), Ok(()));
    let answer = |nr| filter.evaluate(&SeccompData::new(ARCH_X86_64, nr, [0; 6]));
    assert_eq!(answer(1), Ok(Action::Allow));
    assert_eq!(answer(0), Ok(Action::KillThread));
}

#[test]
fn an_invalid_filter_is_an_error_and_no_panic() {
    let call = SeccompData::default();
    let jump = Filter(vec![Instruction::plain(0x05, u32::MAX)]);
    assert!(jump.evaluate(&call).is_err());
    assert_eq!(jump.disassemble().len(), 1);
    assert!(Filter::default().evaluate(&call).is_err());
    let unknown = Filter(vec![Instruction::plain(0xffff, 1)]);
    assert!(unknown.evaluate(&call).is_err());
    assert_eq!(unknown.disassemble(), ["   0  unknown 0xffff 0 0 0x1"]);
}
