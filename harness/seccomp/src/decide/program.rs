//! From a filter's instructions to its diagram.
//!
//! Forward first: which states of the machine reach which instruction. Jumps only go forward, so one pass finds them
//! all. Then backward: the function of each state, from the functions of the states that it leads to. Nothing is
//! followed path by path, so a filter with many paths costs no more than its states do.

use indexmap::IndexSet;
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};

use super::diagram::{Diagrams, Node, TooComplex};
use super::word::{Word, Words, level};
use crate::check::{Invalid, SCRATCH_WORDS};
use crate::data::{DATA_SIZE, Field};
use crate::filter::Filter;
use crate::opcode::{Math, Op, Register, Source, Test};

/// How many states of the machine a filter may have, over all of its instructions.
const MOST_STATES: usize = 1 << 20;

/// How many different contents of the scratch memory are kept at most.
const MOST_SCRATCHES: usize = 1 << 17;

/// Why a filter could not be decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecideError {
    /// No kernel accepts it.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// It has no small diagram.
    #[error(transparent)]
    TooComplex(#[from] TooComplex),
}

/// The machine before an instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct State {
    a: Word,
    x: Word,
    /// An index into [`Program::scratches`].
    scratch: u32,
    /// The architecture and the number, if a test has shown that they have this value. This saves asking again.
    arch: Option<u32>,
    nr: Option<u32>,
}

type Scratch = [Word; SCRATCH_WORDS as usize];

/// Where a state continues: this many instructions skipped.
struct Next {
    skip: u32,
    state: State,
}

struct Program<'a> {
    diagrams: &'a mut Diagrams,
    words: Words,
    scratches: IndexSet<Scratch, FxBuildHasher>,
    ops: Vec<Op>,
}

/// What a filter answers to every call: each leaf is made by `leaf` from the value that is returned.
pub(super) fn decide(
    diagrams: &mut Diagrams,
    filter: &Filter,
    leaf: &mut dyn FnMut(&mut Diagrams, u32) -> Result<Node, TooComplex>,
) -> Result<Node, DecideError> {
    filter.validate()?;
    let zero = Word::Constant(0);
    let mut program = Program {
        diagrams,
        words: Words::default(),
        scratches: IndexSet::from_iter([[zero; SCRATCH_WORDS as usize]]),
        // The check has decoded each of them.
        ops: filter.0.iter().filter_map(|one| Op::decode(*one)).collect(),
    };
    let first = State {
        a: zero,
        x: zero,
        scratch: 0,
        arch: None,
        nr: None,
    };
    let states = program.reach(first)?;
    Ok(program.answer(first, &states, leaf)?)
}

impl Program<'_> {
    /// The states that reach each instruction.
    fn reach(&mut self, first: State) -> Result<Vec<Vec<State>>, TooComplex> {
        let mut reached: Vec<FxHashSet<State>> = vec![FxHashSet::default(); self.ops.len()];
        reached[0].insert(first);
        let mut states = Vec::with_capacity(self.ops.len());
        let mut count = 0;
        for at in 0..self.ops.len() {
            let here: Vec<State> = std::mem::take(&mut reached[at]).into_iter().collect();
            count += here.len();
            if count > MOST_STATES {
                return Err(TooComplex);
            }
            for state in &here {
                for next in self.next(self.ops[at], *state)? {
                    reached[at + 1 + next.skip as usize].insert(next.state);
                }
            }
            states.push(here);
        }
        Ok(states)
    }

    /// The function of the first state, from the last instruction back.
    fn answer(
        &mut self,
        first: State,
        states: &[Vec<State>],
        leaf: &mut dyn FnMut(&mut Diagrams, u32) -> Result<Node, TooComplex>,
    ) -> Result<Node, TooComplex> {
        let mut known: Vec<FxHashMap<State, Node>> = vec![FxHashMap::default(); states.len()];
        for at in (0..states.len()).rev() {
            for state in &states[at] {
                let node = self.function(at, *state, &known, leaf)?;
                known[at].insert(*state, node);
            }
        }
        Ok(known[0][&first])
    }

    fn function(
        &mut self,
        at: usize,
        state: State,
        known: &[FxHashMap<State, Node>],
        leaf: &mut dyn FnMut(&mut Diagrams, u32) -> Result<Node, TooComplex>,
    ) -> Result<Node, TooComplex> {
        let op = self.ops[at];
        let node = |next: &Next| known[at + 1 + next.skip as usize][&next.state];
        match (op, self.next(op, state)?.as_slice()) {
            (Op::Return(value), _) => leaf(self.diagrams, value),
            (Op::ReturnA, _) => self.words.spread(self.diagrams, state.a, leaf),
            (Op::Math(Math::Div, source), [next]) => {
                let v = operand(source, state);
                let (_, end) = self.words.calculate(self.diagrams, Math::Div, state.a, v)?;
                let ended = leaf(self.diagrams, 0)?;
                self.diagrams.choose(end, ended, node(next))
            }
            (Op::Branch { test, source, .. }, [yes, no]) => {
                let test = (test, state.a, operand(source, state));
                self.words.branch(self.diagrams, test, node(yes), node(no))
            }
            (_, [next, ..]) => Ok(node(next)),
            (_, []) => Err(TooComplex),
        }
    }

    /// Where a state continues: nowhere for a return, two ways for an open test.
    fn next(&mut self, op: Op, mut state: State) -> Result<Vec<Next>, TooComplex> {
        match op {
            Op::LoadData(offset) => state.a = load(offset, state),
            Op::LoadLength(register) => *state.register(register) = Word::Constant(DATA_SIZE),
            Op::LoadConstant(register, k) => *state.register(register) = Word::Constant(k),
            Op::LoadScratch(register, word) => {
                *state.register(register) = self.scratches[state.scratch as usize][word as usize];
            }
            Op::Store(register, word) => {
                let value = *state.register(register);
                state.scratch = self.store(state.scratch, word, value)?;
            }
            Op::Math(math, source) => {
                let v = operand(source, state);
                (state.a, _) = self.words.calculate(self.diagrams, math, state.a, v)?;
            }
            Op::Negate => state.a = self.words.negate(self.diagrams, state.a)?,
            Op::CopyToX => state.x = state.a,
            Op::CopyToA => state.a = state.x,
            Op::Jump(skip) => return Ok(vec![Next { skip, state }]),
            Op::Branch {
                test,
                source,
                yes,
                no,
            } => return Ok(branch(test, source, state, [yes.into(), no.into()])),
            Op::Return(_) | Op::ReturnA => return Ok(Vec::new()),
        }
        Ok(vec![Next { skip: 0, state }])
    }

    fn store(&mut self, scratch: u32, word: u32, value: Word) -> Result<u32, TooComplex> {
        let mut stored = self.scratches[scratch as usize];
        stored[word as usize] = value;
        let (at, new) = self.scratches.insert_full(stored);
        if new && at >= MOST_SCRATCHES {
            return Err(TooComplex);
        }
        Ok(at as u32)
    }
}

impl State {
    fn register(&mut self, register: Register) -> &mut Word {
        match register {
            Register::A => &mut self.a,
            Register::X => &mut self.x,
        }
    }
}

fn operand(source: Source, state: State) -> Word {
    match source {
        Source::K(k) => Word::Constant(k),
        Source::X => state.x,
    }
}

fn load(offset: u32, state: State) -> Word {
    match (Field::at(offset), state.arch, state.nr) {
        (Some(Field::Arch), Some(arch), _) => Word::Constant(arch),
        (Some(Field::Nr), _, Some(nr)) => Word::Constant(nr),
        (Some(field), ..) => Word::Field(level(field)),
        // The check refuses any other offset.
        (None, ..) => Word::Constant(0),
    }
}

fn branch(test: Test, source: Source, state: State, [yes, no]: [u32; 2]) -> Vec<Next> {
    let v = operand(source, state);
    if let (Word::Constant(a), Word::Constant(v)) = (state.a, v) {
        let skip = if test.holds(a, v) { yes } else { no };
        // Twice, so that a test always has two ways on, which are the same here.
        return vec![Next { skip, state }, Next { skip, state }];
    }
    let mut held = state;
    if let (Test::Equal, Word::Field(field), Word::Constant(k)) = (test, state.a, v) {
        if field == level(Field::Arch) {
            held.arch = Some(k);
        } else if field == level(Field::Nr) {
            held.nr = Some(k);
        } else {
            return vec![Next { skip: yes, state }, Next { skip: no, state }];
        }
        held.a = Word::Constant(k);
    }
    vec![
        Next {
            skip: yes,
            state: held,
        },
        Next { skip: no, state },
    ]
}
