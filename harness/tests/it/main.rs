//! What the program does, seen from outside: its commands on real runtimes, engines and machines. One binary, so that it is
//! linked once; a module for each subject, helpers in `support`.

mod bundles;
mod capture;
mod check;
mod cleaners;
mod cleanup;
mod commands;
mod containment;
mod dist;
mod docs;
mod endings;
mod errors;
mod escapes;
mod faults;
mod findings;
mod fleet;
mod fuzz;
mod house;
mod ignore;
mod inputs;
mod kills;
mod kubernetes;
mod limits;
mod mutants;
mod names;
mod node;
mod pods;
mod protocol;
mod results;
mod schemas;
mod seccomp;
mod support;
mod verdicts;
mod via;
mod walls;
