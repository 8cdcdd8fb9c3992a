//! A program of up to 128 instructions, as people's patterns are, run with one bit for each.

use super::program::{Instruction, Place, Program};
use super::tree::Look;

/// A small program that is ready to run.
#[derive(Clone, Debug)]
pub(super) struct Small {
    program: Program,
    start: Places,
    /// Where each instruction leads.
    next: Vec<Places>,
    /// The instructions that take each ASCII character.
    ascii: Box<[Places; 128]>,
    /// Those that may take another one.
    others: Vec<Place>,
    looks: Vec<(Look, Place)>,
    all_looks: Places,
}

/// A set of instructions.
type Places = u128;

impl Small {
    /// Prepares a program, or gives it back where it is too large.
    pub(super) fn new(program: Program) -> Result<Small, Program> {
        if program.len() > Places::BITS {
            return Err(program);
        }
        let mut small = Small {
            start: waiting(&program, program.start()),
            next: Vec::with_capacity(program.len() as usize),
            ascii: Box::new([0; 128]),
            others: Vec::new(),
            looks: Vec::new(),
            all_looks: 0,
            program,
        };
        for place in 0..small.program.len() {
            small.prepare(place);
        }
        Ok(small)
    }

    fn prepare(&mut self, place: Place) {
        let next = match self.program.instruction(place) {
            Instruction::Match | Instruction::Either(..) => None,
            Instruction::Char(_, next) | Instruction::Set(_, next) => Some(next),
            Instruction::Look(look, next) => {
                self.looks.push((look, place));
                self.all_looks |= 1 << place;
                Some(next)
            }
        };
        self.next.push(next.map_or(0, |next| waiting(&self.program, next)));
        let mut takes_others = false;
        self.program.each_range(place, |low, high| {
            for c in low..=high.min('\x7F') {
                self.ascii[c as usize] |= 1 << place;
            }
            takes_others |= !high.is_ascii();
        });
        if takes_others {
            self.others.push(place);
        }
    }

    /// Whether it matches somewhere in the text.
    pub(super) fn is_match(&self, text: &str) -> bool {
        let again = if self.program.is_anchored() { 0 } else { self.start };
        let mut places = self.start;
        let mut before = None;
        let mut characters = text.chars();
        loop {
            let after = characters.next();
            if places & self.all_looks != 0 {
                places = self.look(places, before, after);
            }
            if places >> Program::END & 1 == 1 {
                return true;
            }
            let Some(c) = after else { return false };
            let mut taking = places & self.taking(c);
            places = again;
            while taking != 0 {
                places |= self.next[taking.trailing_zeros() as usize];
                taking &= taking - 1;
            }
            if places == 0 {
                return false;
            }
            before = after;
        }
    }

    /// The instructions that take a character.
    fn taking(&self, c: char) -> Places {
        self.ascii.get(c as usize).copied().unwrap_or_else(|| {
            let taking = self.others.iter().filter(|&&place| self.program.takes(place, c));
            taking.fold(0, |all, place| all | 1 << place)
        })
    }

    /// Adds what is behind the conditions that hold here.
    fn look(&self, mut places: Places, before: Option<char>, after: Option<char>) -> Places {
        loop {
            let known = places;
            for &(look, place) in &self.looks {
                if known >> place & 1 == 1 && look.holds(before, after) {
                    places |= self.next[place as usize];
                }
            }
            if places == known {
                return places;
            }
        }
    }
}

/// From a place on, the instructions that take a character, look around or end.
fn waiting(program: &Program, start: Place) -> Places {
    let (mut found, mut seen): (Places, Places) = (0, 0);
    let mut next = Some(start);
    let mut open = Vec::new();
    while let Some(place) = next.take().or_else(|| open.pop()) {
        if seen >> place & 1 == 1 {
            continue;
        }
        seen |= 1 << place;
        match program.instruction(place) {
            Instruction::Either(one, other) => {
                next = Some(one);
                open.push(other);
            }
            _ => found |= 1 << place,
        }
    }
    found
}
