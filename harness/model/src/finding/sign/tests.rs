//! Signs compared with values.

use super::*;
use crate::fact::Fact;
use serde_json::json;

fn sign(yaml: &str) -> Sign {
    serde_yaml::from_str(yaml).expect(yaml)
}

#[test]
fn a_sign_is_about_the_facts_that_its_path_names() {
    let sign = sign("{fact: 'mount.{/,inside./}{proc,sys}*', lacks: ro}");
    for (path, expected) in [
        ("mount./proc", true),
        ("mount.inside./sys/fs", true),
        ("mount.inside./sys/fs#1#2", true),
        ("mount.exec.inside./sys/fs", true),
        ("mount.second.inside./sys/fs#2#2", true),
        ("mount./dev", false),
        ("mount./dev#2", false),
        ("mount.second.inside./dev", false),
        ("proc.umask", false),
    ] {
        assert_eq!(sign.is_about(path), expected, "{path}");
    }
}

#[test]
fn a_sign_can_be_about_what_the_config_lists() {
    let config = json!({"linux": {"maskedPaths": ["/proc/keys", "/a", "relative/"]}});
    let sign = sign("{fact: 'mount.*', listed: linux.maskedPaths, any: true}");
    for (path, expected) in [
        ("mount./proc/keys", true),
        ("mount.inside./a#2", true),
        ("mount./b/a", false),
        ("mount./proc", false),
        // Runtimes begin at the root.
        ("mount./relative", true),
    ] {
        assert_eq!(sign.is_in_config(path, &config), expected, "{path}");
    }
    assert!(!sign.is_in_config("mount./a", &json!({})));
}

#[test]
fn a_sign_can_be_about_what_the_config_mounts_there() {
    let mount =
        |at: &str, kind: &str, option: &str| json!({"destination": at, "type": kind, "options": [option]});
    let config = json!({"mounts": [
        mount("/a", "tmpfs", "mode=700"),
        mount("/b", "tmpfs", "size=1m"),
        mount("/c", "tmpfs", "mode=700"),
        mount("/c", "bind", "bind"),
        mount("/d", "bind", "bind"),
        mount("/d", "tmpfs", "mode=700"),
    ]});
    let sign = sign("{fact: 'proc.stat.*', mounted: {type: tmpfs, options: ['mode=*']}, is: 'dir *'}");
    for (path, expected) in [
        ("proc.stat./a", true),
        ("proc.stat./b", false),
        // The last one covers the others.
        ("proc.stat./c", false),
        ("proc.stat./d", true),
        ("proc.stat./x/a", false),
    ] {
        assert_eq!(sign.is_in_config(path, &config), expected, "{path}");
    }
    assert!(!sign.is_in_config("proc.stat./a", &json!({})));
    assert_eq!(sign.weight(), 4);
}

#[test]
fn a_sign_can_be_about_what_lies_within_a_mount_of_the_config() {
    let mount = |at: &str, option: &str| json!({"destination": at, "options": [option]});
    let config = json!({"mounts": [
        mount("/proc", "noexec"),
        mount("/a", "noexec"),
        mount("/a/b/", "exec"),
        mount("/c", "noexec"),
        mount("/c", "exec"),
    ]});
    let sign = sign("{fact: 'mount.*', within: {options: {$not: [noexec]}}, any: true}");
    for (path, expected) in [
        ("mount./proc/bus", false),
        ("mount.inside./proc#2", false),
        ("mount./process", true),
        ("mount./a/c", false),
        ("mount./a/b", true),
        ("mount./a/b/c", true),
        ("mount./c/x", true),
        // The rootfs has no flags of a mount.
        ("mount./x", true),
    ] {
        assert_eq!(sign.is_in_config(path, &config), expected, "{path}");
    }
    assert!(sign.is_in_config("mount./proc/bus", &json!({})));
    assert_eq!(sign.weight(), 1);
}

#[test]
fn what_the_others_show_and_what_stands_beside_it_count() {
    let config = json!({});
    let denied = [Fact {
        path: "syscall.denied".to_owned(),
        value: Value::List(vec!["x ENOSYS".to_owned()]),
    }];
    let context = Context {
        config: &config,
        facts: &denied,
    };
    let sign = sign("{fact: a, is: 0, instead: {above: 0}, where: {'syscall.{x,den*}': {has: '* ENOSYS'}}}");
    assert!(sign.fits(Some(&Value::Int(0)), &context));
    assert!(sign.others_fit(Some(&Value::Int(2)), &context));
    assert!(!sign.others_fit(Some(&Value::Int(0)), &context));
    let nothing = Context {
        config: &config,
        facts: &[],
    };
    assert!(!sign.fits(Some(&Value::Int(0)), &nothing));
}

#[test]
fn what_was_not_observed_at_all_is_left_out_only_where_that_is_asked_for() {
    let config = json!({});
    let sign = sign("{fact: a, is: 0, where: {syscall.denied: {has: x}, proc.umask: {is: 18}}}");
    let fact = |path: &str, value: Value| Fact::new(path, value);
    let denied = |word: &str| fact("syscall.denied", Value::List(vec![word.to_owned()]));
    let umask = |value: i64| fact("proc.umask", Value::Int(value));
    for (facts, fits, as_far_as_seen) in [
        (vec![denied("x"), umask(18)], true, true),
        (vec![denied("x"), umask(7)], false, false),
        (vec![denied("y"), umask(18)], false, false),
        (vec![umask(18)], false, true),
        (vec![umask(7)], false, false),
        (vec![], false, true),
    ] {
        let context = Context {
            config: &config,
            facts: &facts,
        };
        let zero = Some(&Value::Int(0));
        assert_eq!(sign.fits(zero, &context), fits, "{facts:?}");
        assert_eq!(sign.can_show(&context), fits, "{facts:?}");
        assert_eq!(
            sign.fits_as_far_as_seen(zero, &context),
            as_far_as_seen,
            "{facts:?}"
        );
        assert!(
            !sign.fits_as_far_as_seen(Some(&Value::Int(1)), &context),
            "{facts:?}"
        );
    }
}

#[test]
fn the_words_of_a_runtime_are_left_out_only_where_none_were_observed() {
    let config = json!({});
    let sign =
        sign("{fact: lifecycle.create.result, is: error, where: {'lifecycle.*.said': {matches: '*no*'}}}");
    let said = |words: &str| Fact::new("lifecycle.create.said", Value::List(vec![words.to_owned()]));
    let code = Fact::new("lifecycle.create.exit", Value::Int(1));
    for (facts, as_far_as_seen) in [
        (vec![code.clone(), said("oh no")], true),
        (vec![code.clone(), said("other")], false),
        (vec![code], true),
    ] {
        let context = Context {
            config: &config,
            facts: &facts,
        };
        let error = Value::from("error");
        assert_eq!(
            sign.fits_as_far_as_seen(Some(&error), &context),
            as_far_as_seen,
            "{facts:?}"
        );
    }
}

#[test]
fn the_others_can_be_asked_for_what_they_show_beside() {
    let config = json!({});
    let sign = sign("{fact: a, any: true, others: {process.stderr: {matches: '*busy*'}}}");
    let shown = |text: &str| {
        let facts = [Fact::new("process.stderr", text)];
        let context = Context {
            config: &config,
            facts: &facts,
        };
        sign.others_show(&context)
    };
    assert!(shown("device busy here") && !shown("fine"));
}

#[test]
fn a_sign_says_a_value_where_it_is_one() {
    let of = |yaml: &str| {
        let sign = sign(yaml);
        let line = |value: Option<Value>| value.map(|value| value.line());
        (line(sign.value()), line(sign.usual()))
    };
    let text = |word: &str| Some(word.to_owned());
    for (yaml, value, usual) in [
        ("{fact: a, is: 3, instead: 4}", text("3"), text("4")),
        ("{fact: a, is: 'x*', instead: 'y*'}", None, None),
        (
            "{fact: a, absent: true, instead: {absent: true}}",
            text("(absent)"),
            text("(absent)"),
        ),
        ("{fact: a, absent: false}", None, None),
        ("{fact: a, has: x, instead: {is: z}}", None, text("z")),
    ] {
        assert_eq!(of(yaml), (value, usual), "{yaml}");
    }
}

#[test]
fn a_sign_that_asks_for_more_weighs_more() {
    for (yaml, weight) in [
        ("{fact: a, is: 3}", 3),
        ("{fact: a, config: x}", 3),
        ("{fact: a, has: x}", 2),
        ("{fact: a, above: 1}", 1),
        ("{fact: a, any: true}", 0),
        ("{fact: a, any: true, instead: 3}", 1),
        ("{fact: a, any: true, listed: linux.maskedPaths}", 1),
        ("{fact: a, any: true, where: {b: {is: 1}, c: {is: 2}}}", 2),
        (
            "{fact: a, any: true, others: {b: {is: 1}, c: {is: 2}, d: {is: 3}}}",
            3,
        ),
        (
            "{fact: a, is: 1, listed: x, instead: 3, where: {b: {is: 1}}, others: {b: {is: 1}}}",
            7,
        ),
    ] {
        assert_eq!(sign(yaml).weight(), weight, "{yaml}");
    }
}

#[test]
fn a_sign_is_placed_if_it_asks_for_something_in_the_config() {
    for (asks, placed) in [
        ("listed: linux.maskedPaths", true),
        ("mounted: {type: tmpfs}", true),
        ("within: {type: tmpfs}", true),
        ("where: {b: {is: 1}}", false),
    ] {
        assert_eq!(
            sign(&format!("{{fact: a, any: true, {asks}}}")).is_placed(),
            placed,
            "{asks}"
        );
    }
}

#[test]
fn a_sign_is_about_items_where_it_says_that_there_is_one_or_is_not() {
    for (condition, of_list, of_text) in [
        ("{has: x}", true, true),
        ("{lacks: x}", true, true),
        ("{matches: 'x*'}", true, false),
        ("{is: x}", false, false),
    ] {
        let shows = sign(&format!("{{fact: a, {}", &condition[1..]));
        let instead = sign(&format!("{{fact: a, any: true, instead: {condition}}}"));
        for (items, expected) in [(Items::OfList, of_list), (Items::OfText, of_text)] {
            assert_eq!(shows.is_about_items(items), expected, "{condition} {items:?}");
            assert_eq!(
                instead.instead_is_about_items(items),
                expected,
                "{condition} {items:?}"
            );
            assert!(!shows.instead_is_about_items(items) && !instead.is_about_items(items));
        }
    }
}

#[test]
fn a_sign_names_the_items_that_the_component_adds_and_those_that_it_leaves_out() {
    for (says, names, names_instead) in [
        ("has: 'x*'", true, false),
        ("matches: '{x,y}*'", true, false),
        ("lacks: 'x*'", false, true),
        ("is: xy", false, false),
        ("any: true, instead: {has: 'x*'}", false, true),
        ("any: true, instead: {matches: '{x,y}*'}", false, true),
        ("any: true, instead: {lacks: 'x*'}", true, false),
        ("any: true, instead: xy", false, false),
    ] {
        let sign = sign(&format!("{{fact: a, {says}}}"));
        assert_eq!(
            (sign.names("xy"), sign.names_instead("xy")),
            (names, names_instead),
            "{says}"
        );
        assert!(!sign.names("z") && !sign.names_instead("z"), "{says}");
    }
}

#[test]
fn what_is_any_value_differs_from_none_only() {
    let context = Context {
        config: &json!({}),
        facts: &[],
    };
    for (shows, of_none, of_some) in [("any: true", false, true), ("is: 3", true, true)] {
        let sign = sign(&format!("{{fact: a, {shows}}}"));
        let fit = [None, Some(&Value::Int(4))].map(|value| sign.others_fit(value, &context));
        assert_eq!(fit, [of_none, of_some], "{shows}");
    }
}

#[test]
fn a_sign_gives_its_values_if_they_are_a_few() {
    for (shows, values) in [
        ("is: 3", &["3"][..]),
        ("one-of: [ok, 3]", &["ok", "3"]),
        ("above: 3", &[]),
    ] {
        let values_of = sign(&format!("{{fact: a, {shows}}}")).values();
        let lines: Vec<String> = values_of.iter().map(Value::line).collect();
        assert_eq!(lines, values, "{shows}");
    }
}

#[test]
fn a_short_sign_is_written_as_it_is_named() {
    for short in Short::ALL {
        assert_eq!(sign(short.name()), short.sign());
        assert_eq!(serde_json::to_value(short).expect("a word"), short.name());
    }
}
