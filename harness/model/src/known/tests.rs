//! Known files, their entries, and the runtimes that they are about.

use super::*;

fn runtime(name: &str, version: &str) -> RuntimeId {
    RuntimeId {
        name: name.into(),
        version: version.parse().expect("version"),
        label: name.into(),
    }
}

fn catalogue() -> Catalogue {
    let finding = |affects: &str| {
        let text = format!(
            "{{title: t, affects: '{affects}', kind: bug, impact: {{entering: breaks, leaving: cosmetic}}, cause: c}}"
        );
        serde_yaml::from_str(&text).expect(&text)
    };
    let all = [
        ("runc/stub", "*"),
        ("crun/old", "<1.21"),
        ("crun/young", ">=1.8"),
        ("libseccomp/names", "*"),
    ];
    let mut catalogue: BTreeMap<FindingId, crate::Finding> = all
        .into_iter()
        .map(|(id, affects)| (id.parse().expect(id), finding(affects)))
        .collect();
    // Its signs say what all others show.
    let mut sure = finding("*");
    sure.shows = serde_yaml::from_str("[{fact: process.exit, is: 1, instead: 0}]").expect("signs");
    catalogue.insert("youki/sure".parse().expect("an id"), sure);
    let mut new = finding("*");
    new.applies = serde_yaml::from_str("{when: {kernel: '>=5.14'}}").expect("a condition");
    catalogue.insert("crun/by-new-kernel".parse().expect("an id"), new);
    Catalogue(catalogue)
}

fn entries(text: &str) -> Result<Vec<KnownEntry>, Vec<Slip>> {
    let group: Group = serde_yaml::from_str(text).expect(text);
    let runtimes = ["runc", "crun", "youki"].map(str::to_owned);
    group.entries(&catalogue(), &runtimes)
}

#[test]
fn a_value_is_that_of_the_first_finding_whose_versions_hold_or_of_everybody_else() {
    let entry = &entries(
        "facts: {process.exit: [{because: runc/stub, shows: 0}, {because: [crun/old, crun/young], shows: 1}, \
         {because: crun/old, shows: 2}, {because: libseccomp/names, who: [youki =0.8, youki >0.9], shows: 3}, \
         {otherwise: 4}]}",
    )
    .expect("good")[0];
    for (name, version, expected) in [
        ("runc", "1.1.5", 0),
        ("crun", "0.17", 2),
        ("crun", "1.8", 1),
        ("crun", "1.8.1", 1),
        ("crun", "1.21", 4),
        ("youki", "0.7", 4),
        ("youki", "0.8", 3),
        ("youki", "0.9", 4),
        ("youki", "0.10", 3),
        ("runsc", "1", 4),
    ] {
        let found = entry.value_for(&runtime(name, version)).cloned();
        assert_eq!(found, Some(Value::Int(expected)), "{name} {version}");
    }
    assert_eq!(entry.because(&runtime("crun", "1.8")).len(), 2);
    assert!(entry.because(&runtime("crun", "1.21")).is_empty());
}

#[test]
fn an_item_that_means_nobody_is_refused() {
    for (item, error) in [
        (
            "{because: runc/none, shows: 0}",
            "there is no finding `runc/none`",
        ),
        (
            "{because: libseccomp/names, shows: 0}",
            "`libseccomp/names` is not a finding of a runtime",
        ),
        (
            "{because: unexplained, shows: 0}",
            "`unexplained` is not a finding of a runtime",
        ),
        (
            "{because: [runc/stub, crun/old], shows: 0}",
            "are findings of two runtimes",
        ),
    ] {
        let slips = entries(&format!("facts: {{a: [{item}, {{otherwise: 1}}]}}")).expect_err(item);
        assert!(
            slips[0].error.to_string().contains(error),
            "{item}: {:?}",
            slips[0]
        );
    }
    assert!(
        entries("facts: {a: [{because: unexplained, who: [crun =1.28], shows: 0}, {otherwise: 1}]}").is_ok()
    );
}

#[test]
fn a_rate_says_when_something_is_gone() {
    let rate = Rate::try_from(0.05).expect("a rate");
    assert!(!rate.is_gone_after(20) && !rate.is_gone_after(134) && rate.is_gone_after(135));
    assert_eq!(serde_json::to_value(rate).expect("a number"), 0.05);
    for none in [0.0, 1.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(Rate::try_from(none).is_err(), "{none}");
    }
}

#[test]
fn an_entry_holds_on_the_machines_that_it_names() {
    let on = |via: Option<&str>| Machine {
        kernel: "6.6".parse().expect("a version"),
        cgroup: crate::machine::CgroupVersion::V2,
        arch: "x86_64".into(),
        via: via.map(Into::into),
    };
    let here = on(None);
    for (when, expected) in [
        ("{kernel: '>=6.6'}", true),
        ("{kernel: '>6.6'}", false),
        ("{kernel: '<6.6'}", false),
        ("{kernel: '<=6.6'}", true),
        ("{cgroup: v2}", true),
        ("{cgroup: v1}", false),
        ("{arch: x86_64}", true),
        ("{arch: aarch64}", false),
        ("{via: docker}", false),
        ("{via: '*'}", false),
        ("{kernel: '>=6.6', cgroup: v2, arch: x86_64}", true),
        ("{kernel: '>=6.6', cgroup: v2, arch: aarch64}", false),
    ] {
        let entry = &entries(&format!("{{facts: {{a: []}}, when: {when}}}")).expect(when)[0];
        assert_eq!(entry.on(&here).is_some(), expected, "{when}");
    }
    let entry = &entries("{facts: {a: []}, when: {via: docker}}").expect("good")[0];
    assert!(entry.on(&on(Some("docker 28.5.2"))).is_some());
    assert!(entry.on(&on(Some("podman 5.4"))).is_none());
    let entry = &entries("{facts: {a: []}, when: {via: '*'}}").expect("good")[0];
    assert!(entry.on(&on(Some("podman 5.4"))).is_some());
    assert!(entry.on(&here).is_none());
}

#[test]
fn any_and_absent_are_written_as_words() {
    assert!(stands_for(&"*".into(), Some(&Value::Int(3))));
    assert!(stands_for(&ABSENT.into(), None));
    assert!(!stands_for(&ABSENT.into(), Some(&Value::Int(3))));
    assert!(!stands_for(&Value::Int(3), None));
}

#[test]
fn a_group_is_about_its_members_or_about_all() {
    let group = |yaml: &str| serde_yaml::from_str::<Group>(yaml).expect(yaml);
    let some = group("{for: [a, b], facts: {}}");
    assert!(some.is_about(Some("a")) && some.is_about(Some("b")));
    assert!(!some.is_about(Some("c")) && !some.is_about(None));
    let all = group("{facts: {}}");
    assert!(all.is_about(Some("c")) && all.is_about(None));
}

#[test]
fn an_entry_is_about_the_members_of_its_group() {
    let entry = &entries("{for: [a, 'b*'], facts: {process.exit: [{otherwise: 0}]}}").expect("good")[0];
    for (member, expected) in [
        (Some("a"), true),
        (Some("bc"), true),
        (Some("c"), false),
        (None, false),
    ] {
        assert_eq!(entry.is_about(member), expected, "{member:?}");
    }
}

#[test]
fn a_finding_of_no_runtime_shows_under_whichever_and_what_is_unexplained_shows_nothing() {
    let of_library = &entries("facts: {process.exit: libseccomp/names}").expect("good")[0];
    assert_eq!(of_library.written[0].who, []);
    let slips = entries("facts: {process.exit: unexplained}").expect_err("nobody is meant");
    let nobody = ResolveError::WhoIsNeeded(FindingId::unexplained());
    assert_eq!((slips[0].item, &slips[0].error), (0, &nobody));
}

#[test]
fn what_is_written_of_the_newest_version_and_explained_has_no_end() {
    for (item, name, expected) in [
        ("{because: runc/stub, shows: 0}", "runc", &["runc/stub"][..]),
        ("{because: crun/young, shows: 0}", "crun", &["crun/young"]),
        ("{because: crun/old, shows: 0}", "crun", &[]),
        ("{because: runc/stub, shows: 0}", "youki", &[]),
        ("{because: unexplained, who: [crun >=1.8], shows: 0}", "crun", &[]),
        ("{because: unexplained, who: [crun =1.8], shows: 0}", "crun", &[]),
    ] {
        let yaml = format!("facts: {{process.exit: [{item}, {{otherwise: 1}}]}}");
        let entry = &entries(&yaml).expect(item)[0];
        let open = entry.open_ended(&runtime(name, "1.8")).unwrap_or_default();
        let open: Vec<&str> = open.iter().map(FindingId::as_str).collect();
        assert_eq!(open, expected, "{item} {name}");
    }
}

#[test]
fn what_everybody_else_shows_is_what_the_signs_say_where_they_say_one_value() {
    let of = |ids: &str| {
        let entries = entries(&format!("facts: {{process.exit: {ids}}}")).expect(ids);
        assert!(entries[0].by_signs, "{ids}");
        entries[0].otherwise.clone()
    };
    assert_eq!(of("youki/sure"), Some(Value::Int(0)));
    assert_eq!(of("[youki/sure, runc/stub]"), None, "that one says none");
}

#[test]
fn every_written_value_can_be_changed() {
    let mut entries =
        entries("facts: {process.exit: [{because: runc/stub, shows: 1}, {otherwise: 2}]}").expect("good");
    entries[0].values_mut().for_each(|value| *value = Value::Int(7));
    let entry = &entries[0];
    assert_eq!(entry.written[0].shows, Value::Int(7));
    assert_eq!(entry.otherwise, Some(Value::Int(7)));
}

#[test]
fn what_a_finding_makes_of_a_fact_is_written_for_the_machines_on_which_it_applies() {
    let of_crun = |entry: &KnownEntry| entry.value_for(&runtime("crun", "1.8")).cloned();
    let machine = |kernel: &str| Machine {
        kernel: kernel.parse().expect(kernel),
        cgroup: crate::machine::CgroupVersion::V2,
        arch: "x86_64".to_owned(),
        via: None,
    };
    let known = Known(
        entries(
            "facts: {a.alone: [{because: crun/by-new-kernel, shows: 1}, {otherwise: 2}], \
             b.beside: [{because: crun/by-new-kernel, shows: 1}, {because: runc/stub, shows: 3}, {otherwise: 2}], \
             c.all: [{otherwise: 2}]}",
        )
        .expect("good"),
    );
    let on = |kernel: &str| -> Vec<_> {
        let entries = known.on(&machine(kernel)).0;
        entries
            .iter()
            .map(|entry| (entry.fact.clone(), of_crun(entry)))
            .collect()
    };
    let [alone, beside, all] = ["a.alone", "b.beside", "c.all"].map(str::to_owned);
    let [one, two] = [1, 2].map(|value| Some(Value::Int(value)));
    assert_eq!(
        on("5.14"),
        [
            (alone, one.clone()),
            (beside.clone(), one),
            (all.clone(), two.clone())
        ]
    );
    // Without its only value nothing is said of the fact; of those that are left, all others show the usual one.
    assert_eq!(on("5.10"), [(beside, two.clone()), (all, two)]);
}
