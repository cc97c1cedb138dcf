//! Versions in their order, and ranges of them.

use super::*;

fn version(text: &str) -> Version {
    text.parse().expect(text)
}

#[test]
fn versions_are_ordered_as_their_authors_mean() {
    let mut all = [
        "1.21",
        "1.8.1",
        "1.1.15+ds1",
        "1.0.0-rc93",
        "1.0.0-rc9",
        "1.0.0",
        "0.17",
        "6.18.44-fc-v595",
    ];
    all.sort_by_key(|text| version(text));
    assert_eq!(
        all,
        [
            "0.17",
            "1.0.0-rc9",
            "1.0.0-rc93",
            "1.0.0",
            "1.1.15+ds1",
            "1.8.1",
            "1.21",
            "6.18.44-fc-v595"
        ]
    );
}

#[test]
fn two_versions_are_the_same_only_if_neither_is_newer() {
    assert_eq!(version("v1.2"), version("1.2.0"));
    assert_ne!(version("1.2"), version("1.3"));
    assert_ne!(version("1.2-rc1"), version("1.2"));
}

#[test]
fn a_build_is_at_or_after_the_version_that_it_opens_with() {
    for (build, at) in [
        ("1.28-dirty", "1.28"),
        ("1.8.1.24-cdd5", "1.8.1"),
        ("0.20.1.5-925d-dirty", "0.20.1"),
        ("1.4.0+dev", "1.4"),
        ("v1.2.0-12-gdeadbee", "1.2"),
        ("1.3.0-rc.1+dev", "1.3.0-rc1"),
        ("1.3.0-rc5-12-gdeadbee", "1.3.0-rc5"),
        ("20240729.0", "20240729"),
    ] {
        assert_eq!(version(build), version(at), "{build}");
        let at_least: VersionRange = format!(">={at}").parse().expect("a range");
        let before: VersionRange = format!("<{at}").parse().expect("a range");
        assert!(
            at_least.holds(&version(build)) && !before.holds(&version(build)),
            "{build}"
        );
    }
    for (text, is_build) in [
        ("1.28-dirty", true),
        ("1.8.1.24", true),
        ("1.28", false),
        ("1.0-rc1", false),
    ] {
        assert_eq!(version(text).is_build(), is_build, "{text}");
    }
}

#[test]
fn one_that_cannot_be_read_is_newer_than_all() {
    let local = Version::local();
    assert_eq!(version("local"), local);
    assert!(local > version("999.9.9") && local.is_local() && local.as_str() == "local");
    for (range, expected) in [
        (">=1.21", true),
        ("", true),
        ("<1.21", false),
        ("=1.28", false),
        (">=1, <2", false),
    ] {
        let holds = range.parse::<VersionRange>().expect(range).holds(&local);
        assert_eq!(holds, expected, "{range}");
    }
    for text in ["UNKNOWN", "", "-", "v", ".", "99999999999999999999"] {
        assert!(text.parse::<Version>().is_err(), "{text}");
    }
}

#[test]
fn a_bound_that_is_met_exactly() {
    for (range, below, at, above) in [
        ("<1.21", true, false, false),
        ("<=1.21", true, true, false),
        ("=1.21", false, true, false),
        (">=1.21", false, true, true),
        (">1.21", false, false, true),
    ] {
        let holds = |text: &str| range.parse::<VersionRange>().expect(range).holds(&version(text));
        assert_eq!(
            [holds("1.20.9"), holds("1.21"), holds("1.21.1")],
            [below, at, above],
            "{range}"
        );
    }
}

#[test]
fn ranges() {
    for (range, text, expected) in [
        ("", "1.0", true),
        (">=1.21", "1.21", true),
        (">=1.21", "1.8.1", false),
        (">=1.8, <1.21", "1.8.1", true),
        ("<1.3", "1.1.5", true),
        ("1.1.5", "1.1.5", true),
        ("=1.1.5", "1.1.15", false),
        ("<1.2.7 or >=1.3, <1.3.1", "1.2.6", true),
        ("<1.2.7 or >=1.3, <1.3.1", "1.2.7", false),
        ("<1.2.7 or >=1.3, <1.3.1", "1.3.0", true),
        ("<1.2.7 or >=1.3, <1.3.1", "1.3.1", false),
    ] {
        let range: VersionRange = range.parse().expect(range);
        assert_eq!(range.holds(&version(text)), expected, "{range:?} {text}");
    }
    for wrong in [
        ">=one",
        ">=1.0 <1.5",
        "1.0 <1.5",
        ">=1.8.1 or so",
        "<1.2 or ",
        " or <1.2",
        "<1.2 or , or >2",
        "<=1.5;>=1.8",
        "<1.8.l",
        ">=6.6x",
        ">=99.x",
        ">=1.2.3.4",
        ">=1.28-dirty",
        "=1.2l",
        "1.1O, <2",
        "=1.28 dirty",
        "=1.28\u{1b}",
    ] {
        assert!(wrong.parse::<VersionRange>().is_err(), "{wrong}");
    }
    for right in [
        "=1.28-dirty",
        "=1.8.1.24-cdd5",
        "=local",
        ">=1.0.0-rc93",
        "<v1.2",
        "> 1.2",
    ] {
        assert!(right.parse::<VersionRange>().is_ok(), "{right}");
    }
}

#[test]
fn some_ranges_hold_for_no_version() {
    for (range, expected) in [
        ("", true),
        (">=1, <2", true),
        ("<2, >=1", true),
        (">=1, <=1", true),
        ("1.1.5", true),
        (">1", true),
        (">=2, <1", false),
        (">1, <1", false),
        (">=1, <1", false),
        (">1, <=1", false),
        ("1.1, 1.2", false),
        ("=1.1, <1", false),
    ] {
        assert_eq!(
            range.parse::<VersionRange>().expect(range).can_hold(),
            expected,
            "{range}"
        );
    }
}

#[test]
fn what_cannot_be_read_is_local_and_a_release_is_no_build() {
    assert!(Version::local().is_local());
    for (text, local, build) in [
        ("1.2.3", false, false),
        ("1.2", false, false),
        ("1.1.15+ds1", false, false),
        ("1.28-dirty", false, true),
        ("1.8.1.24-cdd5", false, true),
        ("1.0.0-rc93", false, false),
    ] {
        let version = version(text);
        assert_eq!((version.is_local(), version.is_build()), (local, build), "{text}");
    }
}

#[test]
fn what_a_person_types_is_a_version_as_a_whole() {
    for text in [
        "1.21",
        "v1.2.3",
        "1.0.0-rc93",
        "1.0.0~rc93",
        "1.28-dirty",
        "1.1.15+ds1",
        "1.8.1.24-cdd5",
        "local",
    ] {
        assert!(Version::typed(text).is_ok(), "{text}");
    }
    for text in [
        "",
        "1.21,youki",
        "1.21xyz",
        "1.21/x",
        "1.28;youki",
        "1.21 ",
        "1.21.fc",
        "1.21.",
        "1.21-",
        "x1",
        "1..2",
    ] {
        assert!(Version::typed(text).is_err(), "{text}");
    }
}
