//! A program of up to 256 instructions, as people's patterns are, run with one bit for each.

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

impl Small {
    /// Prepares a program, or gives it back where it is too large.
    pub(super) fn new(program: Program) -> Result<Small, Program> {
        if program.len() > Places::MOST {
            return Err(program);
        }
        let mut small = Small {
            start: Places::from(&program, program.start()),
            next: Vec::with_capacity(program.len() as usize),
            ascii: Box::new([Places::default(); 128]),
            others: Vec::new(),
            looks: Vec::new(),
            all_looks: Places::default(),
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
                self.all_looks.add(place);
                Some(next)
            }
        };
        self.next.push(next.map_or(Places::default(), |next| Places::from(&self.program, next)));
        let mut has_others = false;
        self.program.each_range(place, |low, high| {
            for c in low..=high.min('\x7F') {
                self.ascii[c as usize].add(place);
            }
            has_others |= !high.is_ascii();
        });
        if has_others {
            self.others.push(place);
        }
    }

    /// Whether it matches somewhere in the text.
    pub(super) fn is_match(&self, text: &str) -> bool {
        let again = if self.program.is_anchored() { Places::default() } else { self.start };
        let mut places = self.start;
        let mut before = None;
        let mut characters = text.chars();
        loop {
            let after = characters.next();
            if places.and(&self.all_looks) != Places::default() {
                places = self.look(places, before, after);
            }
            if places.has(Program::END) {
                return true;
            }
            let Some(c) = after else { return false };
            let taking = self.taking(c).and(&places);
            places = again;
            taking.each(|place| places.add_all(&self.next[place]));
            if places == Places::default() {
                return false;
            }
            before = after;
        }
    }

    /// The instructions that take a character.
    fn taking(&self, c: char) -> Places {
        if let Some(places) = self.ascii.get(c as usize) {
            return *places;
        }
        let mut places = Places::default();
        self.others.iter().filter(|&&place| self.program.takes(place, c)).for_each(|&place| places.add(place));
        places
    }

    /// Adds what is behind the conditions that hold here.
    fn look(&self, mut places: Places, before: Option<char>, after: Option<char>) -> Places {
        loop {
            let known = places;
            for &(look, place) in &self.looks {
                if known.has(place) && look.holds(before, after) {
                    places.add_all(&self.next[place as usize]);
                }
            }
            if places == known {
                return places;
            }
        }
    }
}

/// A set of instructions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Places([u64; 4]);

impl Places {
    /// How many instructions there can be.
    const MOST: u32 = 256;

    /// From a place on, the instructions that take a character, look around or end.
    fn from(program: &Program, start: Place) -> Places {
        let (mut found, mut seen) = (Places::default(), Places::default());
        let mut open = vec![start];
        while let Some(place) = open.pop() {
            match program.instruction(place) {
                _ if seen.has(place) => {}
                Instruction::Either(one, other) => open.extend([one, other]),
                _ => found.add(place),
            }
            seen.add(place);
        }
        found
    }

    fn add(&mut self, place: Place) {
        self.0[place as usize / 64] |= 1 << (place % 64);
    }

    fn has(&self, place: Place) -> bool {
        self.0[place as usize / 64] >> (place % 64) & 1 == 1
    }

    fn add_all(&mut self, others: &Places) {
        self.0.iter_mut().zip(others.0).for_each(|(own, other)| *own |= other);
    }

    fn and(&self, others: &Places) -> Places {
        Places(std::array::from_fn(|word| self.0[word] & others.0[word]))
    }

    fn each(&self, mut then: impl FnMut(usize)) {
        for (word, mut bits) in self.0.into_iter().enumerate() {
            while bits != 0 {
                then(word * 64 + bits.trailing_zeros() as usize);
                bits &= bits - 1;
            }
        }
    }
}
