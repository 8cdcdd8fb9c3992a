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
            start: closure(&program, program.start()),
            next: Vec::with_capacity(program.len() as usize),
            ascii: Box::new([0; 128]),
            others: Vec::new(),
            looks: Vec::new(),
            all_looks: 0,
            program,
        };
        for place in 0..small.program.len() {
            small.add(place);
        }
        Ok(small)
    }

    fn add(&mut self, place: Place) {
        let bit = 1 << place;
        let next = match self.program.instruction(place) {
            Instruction::Match | Instruction::Either(..) => None,
            Instruction::Char(_, next) | Instruction::Set(_, next) => Some(next),
            Instruction::Look(look, next) => {
                self.looks.push((look, place));
                self.all_looks |= bit;
                Some(next)
            }
        };
        self.next.push(next.map_or(0, |next| closure(&self.program, next)));
        for (low, high) in self.program.characters(place) {
            for c in low..=high.min('\x7F') {
                self.ascii[c as usize] |= bit;
            }
            if !high.is_ascii() && self.others.last() != Some(&place) {
                self.others.push(place);
            }
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
                places = self.looked(places, before, after);
            }
            if places & MATCH != 0 {
                return true;
            }
            let Some(c) = after else { return false };
            let mut taken = places & self.takers(c);
            places = again;
            while taken != 0 {
                places |= self.next[taken.trailing_zeros() as usize];
                taken &= taken - 1;
            }
            if places == 0 {
                return false;
            }
            before = after;
        }
    }

    /// The instructions that take a character.
    fn takers(&self, c: char) -> Places {
        match self.ascii.get(c as usize) {
            Some(takers) => *takers,
            None => {
                let takers = self.others.iter().filter(|&&place| self.program.takes(place, c));
                takers.fold(0, |all, place| all | 1 << place)
            }
        }
    }

    /// The instructions, and those behind conditions that hold here.
    fn looked(&self, mut places: Places, before: Option<char>, after: Option<char>) -> Places {
        loop {
            let holding =
                self.looks.iter().filter(|(look, place)| places >> place & 1 == 1 && look.holds(before, after));
            let more = holding.fold(places, |all, &(_, place)| all | self.next[place as usize]);
            if more == places {
                return places;
            }
            places = more;
        }
    }
}

/// The instructions that wait for a character or a condition, or are the end, from a place on.
fn closure(program: &Program, start: Place) -> Places {
    let (mut seen, mut waiting): (Places, Places) = (0, 0);
    let mut open = vec![start];
    while let Some(place) = open.pop() {
        let bit = 1 << place;
        match program.instruction(place) {
            _ if seen & bit != 0 => {}
            Instruction::Either(one, other) => open.extend([one, other]),
            _ => waiting |= bit,
        }
        seen |= bit;
    }
    waiting
}

/// The end of the program.
const MATCH: Places = 1;
