//! The command: streams, flags, hints, exit statuses.
//!
//! # Streams
//!
//! * A result goes to standard output or into a file. A failure prints nothing there.
//! * Success says nothing on standard error. `updatekeys` alone tells what it does. Warnings begin with `warning:`; `--quiet`
//!   silences them, `--verbose` adds what was chosen and written. On a terminal, work on many files that takes longer than a
//!   second shows how far it is.
//! * A failure is one line, `error: FILE: ["path"]: what happened`, and mostly `hint: what to do`. A few are the reference's own
//!   texts of several lines, because programs search them. No message holds a value, a token, a key or a digest.
//!
//! # Flags
//!
//! * Flags of a command may stand in front of the command, and anywhere behind it; `--` ends them. An unknown flag, and a flag
//!   whose value is missing, are errors. Boolean flags take `=false`. Of files with a flag between them only the first is worked
//!   on, with a warning: the reference takes one of them, and not always the same.
//! * In the old form, `sops -d FILE`, what follows the file is ignored with a warning, as in the reference.
//! * `encrypt`, `decrypt` and `rotate` take several files with `--in-place`, `updatekeys` and `filestatus` always; each failure is
//!   told, the others are done, and the exit status is the highest. `filestatus` of several prints a line
//!   `{"file":"…","encrypted":true}` for each.
//! * `sops completion bash|zsh|fish|powershell` prints a completion script, `sops completion man [COMMAND]` a manual page.
//!
//! # Exit statuses
//!
//! They are the reference's.
//!
//! | status | when |
//! | --- | --- |
//! | 0 | done |
//! | 1 | everything without a number of its own |
//! | 2 | the input cannot be read, or its plain text does not parse |
//! | 3 | the output cannot be opened |
//! | 4 | the format of the output cannot hold the result |
//! | 6 | `--encryption-context` is malformed |
//! | 7 | path or value of `set` does not parse |
//! | 8 | flags that exclude each other |
//! | 23 | a value cannot be encrypted |
//! | 25 | a value cannot be decrypted |
//! | 49 | keys of a missing file cannot be changed |
//! | 51 | the MAC is missing, unreadable, or another one |
//! | 91 | the path of `--extract` does not parse |
//! | 92 | the file has no document |
//! | 100 | no file was named, or it does not exist |
//! | 112 | `--decryption-order` names a kind twice |
//! | 128 | no key opens the file |
//! | 200 | the editor left the text as it was |
//! | 201 | no editor, or it failed |
//! | 202 | the version in edited metadata was changed |
//! | 203 | the plain text has a `sops` entry |
//!
//! `exec-env` and `exec-file` end with the status of their command, and with 255 where a signal ended it.
