//! `ocidiff repro`.

use std::path::{Path, PathBuf};

use ocidiff_model::ExitStatus;
use ocidiff_reports::safe;
use ocidiff_runtimes::Store;

use super::args::ReproArgs;
use super::{files, output, signals};
use crate::bundle::Builder;
use crate::cells::participants::{Contender, contenders};
use crate::corpus::{Corpus, Entry};
use crate::error::Error;
use crate::machine::root;
use crate::repro::{self, Question};
use crate::run::plan;
use crate::run::suite;

/// Writes the folder and says what to do with it.
pub(crate) fn repro(args: &ReproArgs) -> Result<ExitStatus, Error> {
    let corpus = suite::corpus(args.cases.as_deref())?;
    root::need_root()?;
    let store = suite::store()?;
    let chosen = plan::select(&corpus.entries, std::slice::from_ref(&args.case)).map_err(Error::usage)?;
    let [entry] = chosen.as_slice() else {
        return Err(Error::usage(format!(
            "`{}` is {} cases; name one of them",
            args.case,
            chosen.len()
        )));
    };
    let runtimes = suite::runtimes(std::slice::from_ref(&args.runtime), &store)?;
    let contender = contenders(runtimes, None).map_err(Error::usage)?.remove(0);
    let folder = args.output.clone().unwrap_or_else(|| {
        let name = entry
            .case
            .name
            .replace(['/', '[', ']'], "-")
            .trim_matches('-')
            .to_owned();
        PathBuf::from(format!("repro-{name}-{}", contender.id.name))
    });
    if folder.exists() {
        return Err(Error::usage(format!(
            "{} is there already; name another with --output",
            folder.display()
        )));
    }
    write_folder(&folder, (entry, Question::Expected), &contender, &corpus, store)?;
    let told = format!(
        "wrote {0}; run it as root: {0}/repro.sh [/path/to/another/{1}]\nit ends with 0 where all is as \
         expected, with 1 where it differs, with 125 where it cannot tell\n",
        safe(&folder.to_string_lossy()),
        contender.id.name
    );
    output::answer(&told, ExitStatus::Ok)
}

/// Builds the bundle, and writes the folder completely or not at all.
pub(super) fn write_folder(
    folder: &Path,
    (entry, question): (&Entry, Question<'_>),
    contender: &Contender,
    corpus: &Corpus,
    store: Store,
) -> Result<(), Error> {
    // What it makes is removed first if it is asked to end; `clean` recognises what a killed one leaves.
    let signalled = signals::stop();
    let session = suite::session()?;
    let builder = Builder::new(session.folder(), store);
    let probe = builder.probe().map_err(Error::broken)?;
    let bundle = builder.build(&entry.case, corpus).map_err(Error::usage)?;
    if signalled.stop.is_asked() {
        return Err(Error::broken("interrupted"));
    }
    let machine = suite::abilities()?.machine;
    repro::write(folder, (entry, question), &machine, contender, &bundle, &probe)
        .map_err(|error| files::failed(folder, &error))?;
    drop((session, signalled));
    Ok(())
}
