//! `src/generated/` matches the files in `proto/`. `OCIDIFF_WRITE=1 cargo test -p ocidiff-cri --test generated`
//! regenerates it; nothing else needs a protocol compiler.

use std::fs;
use std::path::Path;

#[test]
fn the_messages_are_those_of_the_protocol() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let out = tempfile::tempdir().expect("a folder");
    for (file, package) in [("cri", "runtime.v1"), ("containerd", "containerd")] {
        let protocol = here.join(format!("proto/{file}.proto"));
        let read = protox::compile([&protocol], [here.join("proto")]).expect("it is a protocol");
        let mut config = prost_build::Config::new();
        config.out_dir(out.path()).btree_map(["."]);
        config.compile_fds(read).expect("messages");
        let made = fs::read_to_string(out.path().join(format!("{package}.rs"))).expect("a file");
        let kept = here.join(format!("src/generated/{file}.rs"));
        if std::env::var_os("OCIDIFF_WRITE").is_some() {
            fs::write(&kept, &made).expect("it is written");
        }
        let there = fs::read_to_string(&kept).unwrap_or_default();
        assert!(
            there == made,
            "{}: run this test with OCIDIFF_WRITE=1",
            kept.display()
        );
    }
}
