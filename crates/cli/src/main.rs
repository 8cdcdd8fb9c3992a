//! The `sops` command.

fn main() {}
