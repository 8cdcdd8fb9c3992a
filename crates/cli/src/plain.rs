//! What the commands that only read share: the plain text of an encrypted file.

use std::{borrow::Cow, path::Path};

use sops_core::{
    document::{EncryptedDocument, PlainDocument},
    format::Format,
};

use crate::{
    args::{Common, Opening, Order},
    environment::Environment,
    exit_code::Code,
    failure::{Failure, Phase},
    keyring, ui,
};

/// Decrypts a text; `name` is what messages call it.
///
/// # Errors
/// What does not parse (1), no key that fits (128), a value (25) or MAC (51) that is not right.
pub fn of_file(
    bytes: Cow<'_, [u8]>,
    name: &str,
    format: Format,
    opening: &Opening,
    common: &Common,
    env: &Environment,
) -> Result<PlainDocument, Failure> {
    let failure = |error| Failure::core(error, Phase::Open).of(name);
    let file = EncryptedDocument::parse(format, bytes).map_err(failure)?;
    let keys = keyring::open(common, &opening.order, env)?;
    let plain = match opening.ignore_mac {
        Some(true) => file.decrypt_ignoring_mac(&keys),
        _ => file.decrypt(&keys),
    };
    let plain = plain.map_err(failure)?;
    for warning in plain.warnings() {
        ui::warn(warning);
    }
    Ok(plain)
}

/// Reads and decrypts a file whose MAC must fit.
///
/// # Errors
/// What cannot be read (2), and those of [`of_file`].
pub fn verified(
    file: &Path,
    format: Format,
    order: &Order,
    common: &Common,
    env: &Environment,
) -> Result<PlainDocument, Failure> {
    let bytes = std::fs::read(file)
        .map_err(|error| Failure::io(Code::CouldNotReadInput, file, "Error reading file", &error))?;
    let opening = Opening { order: order.clone(), ..Opening::default() };
    of_file(bytes.into(), &file.to_string_lossy(), format, &opening, common, env)
}
