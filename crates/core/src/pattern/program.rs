//! A pattern as a program: instructions that take a character and say where to go on.
//!
//! It is run without going back, in all the places it can be at once. The time is at most the length of the program times
//! that of the text.

use super::class;
use super::tree::{Look, Node, NodeId, Tree};
use regex_syntax::hir::ClassUnicode;

/// A compiled pattern.
#[derive(Clone, Debug)]
pub(super) struct Program {
    instructions: Vec<Instruction>,
    sets: Vec<ClassUnicode>,
    start: Place,
    /// Whether no match starts behind the start of the text.
    is_anchored: bool,
}

/// The place of an instruction; the end of the program is 0.
pub(super) type Place = u32;

/// A step, and where to go on behind it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Instruction {
    Match,
    Char(char, Place),
    /// A character of a set.
    Set(u32, Place),
    Look(Look, Place),
    Either(Place, Place),
}

impl Program {
    /// Compiles a pattern, from its end to its start: what follows a part is known when the part is reached.
    pub(super) fn new(tree: Tree) -> Program {
        let mut compiler =
            Compiler { instructions: vec![Instruction::Match], next: 0, tasks: vec![Task::Node(tree.root)] };
        while let Some(task) = compiler.tasks.pop() {
            compiler.step(&tree, task);
        }
        let mut program =
            Program { instructions: compiler.instructions, sets: tree.sets, start: compiler.next, is_anchored: false };
        program.is_anchored = program.needs_text_start();
        program
    }

    /// Whether every way to a character or to the end leads through the start of the text.
    fn needs_text_start(&self) -> bool {
        let mut seen = vec![false; self.instructions.len()];
        let mut open = vec![self.start];
        while let Some(place) = open.pop() {
            if std::mem::replace(&mut seen[place as usize], true) {
                continue;
            }
            match self.instruction(place) {
                Instruction::Match | Instruction::Char(..) | Instruction::Set(..) => return false,
                Instruction::Look(Look::TextStart, _) => {}
                Instruction::Look(_, next) => open.push(next),
                Instruction::Either(one, other) => open.extend([one, other]),
            }
        }
        true
    }

    pub(super) fn len(&self) -> u32 {
        self.instructions.len() as u32
    }

    pub(super) fn start(&self) -> Place {
        self.start
    }

    pub(super) fn is_anchored(&self) -> bool {
        self.is_anchored
    }

    pub(super) fn instruction(&self, place: Place) -> Instruction {
        self.instructions[place as usize]
    }

    /// The ranges of characters that an instruction takes.
    pub(super) fn characters(&self, place: Place) -> Vec<(char, char)> {
        match self.instruction(place) {
            Instruction::Char(c, _) => vec![(c, c)],
            Instruction::Set(set, _) => class::ranges(&self.sets[set as usize]).collect(),
            _ => Vec::new(),
        }
    }

    /// Whether an instruction takes a character.
    pub(super) fn takes(&self, place: Place, c: char) -> bool {
        match self.instruction(place) {
            Instruction::Char(own, _) => c == own,
            Instruction::Set(set, _) => class::contains(&self.sets[set as usize], c),
            _ => false,
        }
    }

    /// Whether it matches somewhere in the text.
    pub(super) fn is_match(&self, text: &str) -> bool {
        // For every instruction the last position it was reached at, counted from 1.
        let mut reached = vec![0; self.instructions.len()];
        let (mut places, mut next_places) = (vec![self.start], Vec::new());
        let mut characters = text.chars();
        let mut before = None;
        for position in 1usize.. {
            let after = characters.next();
            while let Some(place) = places.pop() {
                if std::mem::replace(&mut reached[place as usize], position) == position {
                    continue;
                }
                match self.instruction(place) {
                    Instruction::Match => return true,
                    Instruction::Char(_, next) | Instruction::Set(_, next) => {
                        if after.is_some_and(|c| self.takes(place, c)) {
                            next_places.push(next);
                        }
                    }
                    Instruction::Look(look, next) if look.holds(before, after) => places.push(next),
                    Instruction::Look(..) => {}
                    Instruction::Either(one, other) => places.extend([one, other]),
                }
            }
            if !self.is_anchored {
                next_places.push(self.start);
            }
            if after.is_none() || next_places.is_empty() {
                break;
            }
            before = after;
            std::mem::swap(&mut places, &mut next_places);
        }
        false
    }
}

struct Compiler {
    instructions: Vec<Instruction>,
    /// What follows the part that is compiled next; in the end the start.
    next: Place,
    tasks: Vec<Task>,
}

/// What is left to do, the first thing last.
enum Task {
    Node(NodeId),
    /// Another alternative with the same end.
    Alternative {
        node: NodeId,
        end: Place,
    },
    /// To go on either here or there.
    Or(Place),
    /// The end of a loop that is compiled: what is repeated starts here.
    Close {
        repeat: Place,
        at_least_once: bool,
    },
}

impl Compiler {
    fn emit(&mut self, instruction: Instruction) -> Place {
        self.instructions.push(instruction);
        // The parser limits the size far below.
        (self.instructions.len() - 1) as Place
    }

    fn step(&mut self, tree: &Tree, task: Task) {
        match task {
            Task::Node(node) => match &tree.nodes[node] {
                Node::Empty => {}
                Node::Char(c) => self.next = self.emit(Instruction::Char(*c, self.next)),
                Node::Set(set) => self.next = self.emit(Instruction::Set(*set, self.next)),
                Node::Look(look) => self.next = self.emit(Instruction::Look(*look, self.next)),
                Node::Concat(parts) => self.tasks.extend(parts.iter().map(|&part| Task::Node(part))),
                Node::Alternate(branches) => {
                    let end = self.next;
                    self.tasks.extend(branches[1..].iter().map(|&node| Task::Alternative { node, end }));
                    self.tasks.push(Task::Node(branches[0]));
                }
                &Node::Repeat { inner, least, most } => self.repeat(inner, least, most),
            },
            Task::Alternative { node, end } => {
                self.tasks.extend([Task::Or(self.next), Task::Node(node)]);
                self.next = end;
            }
            Task::Or(other) => self.next = self.emit(Instruction::Either(self.next, other)),
            Task::Close { repeat, at_least_once } => {
                if let Instruction::Either(inner, _) = &mut self.instructions[repeat as usize] {
                    *inner = self.next;
                }
                if !at_least_once {
                    self.next = repeat;
                }
            }
        }
    }

    /// `x{2,4}` as `xx(x(x)?)?`, `x{2,}` as `xx+`.
    fn repeat(&mut self, inner: NodeId, least: u32, most: Option<u32>) {
        let end = self.next;
        let mut copies = least;
        let mut optional = 0;
        match most {
            Some(most) => optional = most - least,
            None => copies = least.saturating_sub(1),
        }
        self.tasks.extend((0..copies).map(|_| Task::Node(inner)));
        self.tasks.extend((0..optional).flat_map(|_| [Task::Or(end), Task::Node(inner)]));
        if most.is_none() {
            let repeat = self.emit(Instruction::Either(end, end));
            self.tasks.extend([Task::Close { repeat, at_least_once: least > 0 }, Task::Node(inner)]);
            self.next = repeat;
        }
    }
}
