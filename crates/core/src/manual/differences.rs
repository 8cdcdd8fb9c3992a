//! Where this library and its command differ from the reference, Go SOPS 3.13.2.
//!
//! Files go both ways all the same. Cases of the test corpus in which both disagree stand in `fixtures/DIFFERENCES`, and a
//! test keeps that list exact. What is copied although it is odd is marked `compat:` in the code.
//!
//! # Text
//!
//! * Text outside encrypted values is never reformatted: indentation, blank lines, quotes, anchors, flow collections, line
//!   endings, byte order mark and final line break stay. The reference prints a file anew.
//! * A value that did not change keeps its token; equal values of one list or mapping keep different ones. Saving the same
//!   text gives the same bytes, with the same time and MAC.
//! * Existing metadata are changed field by field: their place, indentation, quotes, comments and unknown fields stay.
//! * Inline comments stay inline. A comment that the reference would drop (behind an opening bracket, on the line of a
//!   directive, on its own behind the last entry of a list) is encrypted and kept.
//! * A selected part (`--extract`) keeps its comments where they are. Of several documents nothing else is printed.
//! * Strings that the reference's writer damages (a leading tab with line breaks, a wrong indentation digit under a dash, a
//!   merge key with a value that is no mapping) are written in another style.
//! * What a token cannot say about its value, such as folded lines, `0x1F`, `1.50` or an alias, comes back as it was written:
//!   see [`spelling`](super::spelling). The reference drops that field with its next write, and prints the value in its own
//!   spelling.
//! * What the reference loses of an INI file is listed [there](super::formats::ini), line by line: earlier values of a repeated
//!   key, text behind a closing quote, comments at the end, continuation lines, keys `-` and `#k`, and more.
//!
//! # Comments
//!
//! * Comments in lists are written as comment lines, never as elements, and never enter the MAC; the reference cannot verify
//!   its own files with such comments. Files of both kinds are read.
//! * An empty comment in a list stays one; the reference makes an empty text of it, and warns about ours.
//! * A comment whose token does not open under its own path is tried with those of the containers around it. One that opens
//!   nowhere stays as it is, with a warning.
//! * Positions in a path (`--extract`, `set`, `unset`) do not count comments.
//!
//! # Reading
//!
//! * `lastmodified` and `created_at` may stand without quotes, `shamir_threshold` may be written as a float, `version` may be
//!   missing or malformed.
//! * A recovered data key must have 32 bytes.
//! * A token labelled `comment` in the place of a mapping's value is an error; the reference prints a mapping.
//! * Every document is checked as the first one is: duplicate keys, tags that do not fit their value, aliases that expand
//!   without end.
//! * Depth, and growth by aliases, are limited; nothing crashes.
//! * Of a file with key groups no more groups are asked than the threshold needs.
//!
//! * JSON: text behind the object, truncated text and a byte order mark are errors; the reference drops what it does not
//!   read.
//! * dotenv and INI: text that is not UTF-8 is an error. Metadata lines of an encrypted dotenv file may end with CRLF.
//!
//! # Selection
//!
//! * A regular expression that does not compile is an error on `encrypt`; the reference then matches nothing and may write
//!   the file in clear. A file that already has one is read as the reference reads it, with a warning.
//! * An explicit rule that selects nothing is an error on `encrypt`, unless `--allow-nothing-encrypted` insists.
//! * `encrypt` names the keys of an INI file that a rule for comments leaves clear against their own comments.
//! * An encrypted comment that would match `unencrypted_comment_regex`, so that the file would not open, is an error.
//!
//! # Configuration
//!
//! * An invalid `path_regex` in any rule is an error wherever rules are asked for, as is a key that stands twice, an anchor
//!   that contains itself, and a `shamir_threshold` that is negative or a fraction. Of several documents all must be readable,
//!   though only the first counts.
//! * Keys that name nothing are errors with their place, before anything is wrapped.
//! * Fields without meaning, a second rule that matches and selects something else, and key groups that look like an
//!   accident are warnings.
//! * An unknown `--input-type` is ignored as in the reference, but with a warning.
//!
//! # Changes
//!
//! * `set` keeps whole numbers as integers of 64 bits and refuses larger ones; the reference stores them as floats, and rounds
//!   beyond 2⁵³. Whole floats of a file that the reference wrote stay floats.
//! * `set` takes a list as the value, which the reference refuses at the top, and no key twice, which the reference takes.
//! * Values that the format of the result cannot carry are refused, by their path: null in dotenv and INI, NaN and infinities
//!   in JSON, texts that would read back as others. The reference writes them, and cannot verify or open some of these files.
//! * A position in a mapping, a key in a list, a negative position and the empty path are errors; there they do nothing or
//!   crash.
//! * Aliases are written out only where a change needs it.
//! * `rotate` removes every copy of a key, adds none twice, and names recipients that `.sops.yaml` does not.
//! * A rotation wraps nothing until every group has a key.
//! * Where somebody else changed the file, `edit` offers both texts. A new file in a folder that takes none is refused before
//!   the editor starts.
//!
//! # Keys
//!
//! * Identities are read once in a run, in a fixed order; the reference reads them for each key, in a random one.
//! * What a command for identities was given is not shown when it fails, only its program.
//! * A data key that has not 32 bytes, or none, is a key that did not work.
//! * What is given as a recipient and is none is not repeated: it may be an identity.
//! * An encrypted file key whose age header lacks the end of a stanza is refused, as by the reference and not by the age crate.
//! * Messages of plugins are shown without `--verbose`. A gpg-agent that does not understand us is no reason not to ask.
//! * `groups add` takes `--hckms`, `updatekeys` and `groups` take `--decryption-order`.
//! * A threshold of several groups that is reached ends the search.
//!
//! # Command
//!
//! * Several files: `encrypt`, `decrypt` and `rotate` with `--in-place`, `filestatus` always. Without `--in-place` they are an
//!   error; the reference works on one of them and warns.
//! * Content decides where the name says nothing, for `decrypt` and `filestatus`. A plain file without a known ending has the
//!   status `false`; the reference fails.
//! * `exec-env` gives a null as an empty text; the reference as `<nil>`. `--extract` of a number or boolean as dotenv prints its
//!   text; the reference fails.
//! * Files are replaced as a whole, with the modes, owners and attributes they had, or not at all; the reference empties
//!   them first. A file that changed meanwhile is an error.
//! * A decrypted file is written for its owner alone (`0600`) where it is new.
//! * No message shows a value, a token or a digest. The reference shows the MAC of the file and the one that it computed.
//! * Success is silent, and a failure prints nothing on standard output.
