//! How values are written, and what of it a token cannot carry.
//!
//! A token keeps the style of the value it stands for: `'x'` becomes `'ENC[…]'`, a literal block keeps its header and
//! indentation. So plain, quoted and literal texts, whole numbers, decimals and booleans come back as they were, and nothing
//! outside values is touched at all. Some spellings die in a token all the same:
//!
//! | written | what the token holds |
//! | --- | --- |
//! | `0x1F`, `0o17`, `1_000`, `2024-01-01`, `TRUE` | `31`, `15`, `1000`, a time, `True` |
//! | folded text (`>`), text over several lines | its lines, put together |
//! | escapes that need not be: `"\u0041"`, `"\/"` | the characters |
//! | `*alias`, `<<: *alias` | a copy: every place has a path, and a token, of its own |
//! | JSON `1.0`, `1E+3`, `"\u00e9"`; INI and dotenv quotes that differ from ours | the value |
//!
//! # The record
//!
//! When decrypting what was written would not give the input back, byte for byte, and only then, the metadata get the field
//! `spelling` (dotenv: `sops_spelling`), in the first document. It is a token of type `str`, sealed with the data key. Its
//! AAD is `sops spelling:`, `lastmodified`, `:` and the stored text of `mac`: it belongs to one state of the file, and an older one cannot be
//! put in its place. Every seal writes it anew; a change of keys alone (`updatekeys`) keeps it, because time and MAC stay. The
//! reference ignores the field and drops it when it next writes the file; so do other readers.
//!
//! Its plain text, in bytes:
//!
//! | bytes | what |
//! | --- | --- |
//! | 1 | version, `1` |
//! | 16 | the first half of the SHA-256 over the paths of all values that the entries name, each component with its length |
//! | … | entries, to the end |
//!
//! An entry names a part of the encrypted text by the encrypted values it stands at, counted in the order of the text, and has
//! the text that stands there in the plain file. Numbers are LEB128, signed ones zigzag:
//!
//! | number | what |
//! | --- | --- |
//! | step | values since that of the entry before, times two; odd if the next three numbers follow |
//! | covered | how many values lie inside the part, from that one on (1 without these numbers) |
//! | before, behind | bytes from the part's start to the first of them, and from the end of the last to the part's end; with none inside from the value's start to the part's, and its length |
//! | length, text | UTF-8 |
//!
//! A value is what stands from its first quote (or indicator, for a block) to its end. The metadata of each document count as a
//! value too, as they are taken out.
//!
//! # What it can do, and what not
//!
//! **No value depends on it.** Values come from their tokens, and the MAC covers them. The text with the entries in place is
//! read again: every value must have the path, type and text that was decrypted, every comment must be there. Entries that
//! fail are left out, the others stay; without any the text is as if there were no record. Who has no data key cannot make or
//! change one; who removes it changes how values are written, never what they are.
//!
//! **Types are those of the reference.** A YAML 1.1 reader takes a bare `yes` for a boolean again, as it did before the file was
//! encrypted.
//!
//! It holds at most twice the text of the values that need it and 64 bytes. `--no-spelling` (in the library
//! [`crate::sealer::Sealer::without_spelling`]) leaves it out, and so does sealing an object of `kind: SopsSecret`, whose
//! schema forbids unknown members: such values come back as the reference prints them.
