//! Compatibility, proved by files that the reference wrote: `fixtures/`, and the larger corpus beside the repository
//! where it is present. Directories and tables are read as they stand, never from a typed list of names, and a
//! test fails when fewer ran than `fixtures/COUNTS` says.
//!
//! * [`cases`]: decrypt what the reference wrote; encrypt its input here and get the very bytes back.
//! * [`tables`]: one fact per row: typing, spelling, comments, patterns, tampering.
//! * [`json_output`]: what `--output-type json` prints.
//! * [`json_suite`]: which texts are JSON, by the public test suite.
//! * [`config`]: which keys and which selection a configuration asks for.
//! * [`flat`]: what dotenv and INI texts are read as.
//! * [`crypto`]: tokens and vectors that others computed.
//! * [`shamir`]: shares, and files with key groups.
//! * [`keys`]: key sources against `gpg` and `age`.
//! * [`life`]: files that are opened, changed and sealed again.
//! * [`integrity`]: what the format protects and what it does not.
//! * [`regressions`]: small texts that broke once.
//! * [`embed`]: a program outside this workspace links the library.
//! * [`spelling`]: the sealed record of how values were written, and attacks on it.
//! * [`bytes`]: whatever is encrypted comes back byte for byte.
//! * [`substitute`]: the property that splicing stands on.
//!
//! Everything of the library that these tests use stands in [`library`]. [`tokens`] opens tokens on its own, so that a
//! mistake on our side cannot hide on both sides of a round trip.

mod bytes;
mod case;
mod cases;
mod config;
mod corpus;
mod crypto;
mod embed;
mod flat;
mod integrity;
mod json_output;
mod json_suite;
mod keys;
mod library;
mod life;
mod regressions;
mod shamir;
mod spelling;
mod spellings;
mod substitute;
mod tables;
mod tokens;
mod values;
