//! One encrypted file inside an object or a tree, and what it becomes.

use crate::decryptor::{Decryptor, Integrity, flux_format_name};
use crate::detect::format_of_name;
use crate::error::{Error, ErrorKind, Origin};
use crate::stream::check_outline;
use sops_core::outline::{NONE, Node, Scalar};
use sops_core::{Format, PlainDocument};
use std::fmt;
use zeroize::Zeroizing;

/// What a decrypted file is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputFormat {
    /// This format.
    As(Format),
    /// What the key of an entry means, but never worse than the bytes: a binary file comes back as its bytes, and a name
    /// that means nothing leaves the format of the input.
    Native(Format),
    /// What the key of an entry means to Flux, losses included.
    FluxCompat(Format),
}

/// A decrypted file.
pub struct DecryptedBlob {
    /// Its bytes.
    pub bytes: Zeroizing<Vec<u8>>,
    /// What the MAC said.
    pub integrity: Integrity,
}

impl fmt::Debug for DecryptedBlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DecryptedBlob").field("integrity", &self.integrity).finish_non_exhaustive()
    }
}

impl Decryptor {
    /// Decrypts one encrypted file.
    ///
    /// # Errors
    /// [`ErrorKind::UnsupportedFormat`] for a conversion that does not exist, and those of opening.
    pub fn decrypt_blob(&self, bytes: &[u8], input: Format, output: OutputFormat) -> Result<DecryptedBlob, Error> {
        self.limits().check_file(bytes.len() as u64)?;
        let envelope = PlainDocument::parse(if input == Format::Binary { Format::Json } else { input }, bytes).ok();
        if let Some(plain) = &envelope {
            check_outline(plain.outline(), self.limits())?;
        }
        let is_binary = input == Format::Binary
            || input == Format::Json
                && matches!(output, OutputFormat::Native(_) | OutputFormat::FluxCompat(Format::Binary))
                && envelope.as_ref().is_some_and(is_binary_envelope);
        let input = if is_binary { Format::Binary } else { input };
        let opened = self.open(input, bytes)?;
        let target = match output {
            OutputFormat::Native(_) if is_binary => Format::Binary,
            OutputFormat::Native(Format::Binary) => input,
            OutputFormat::As(format) | OutputFormat::Native(format) | OutputFormat::FluxCompat(format) => format,
        };
        let bytes = match target == input {
            true => opened.plain.into_bytes(),
            false => Zeroizing::new(opened.plain.convert(target, None).map_err(|error| {
                let (from, to) = (flux_format_name(input), flux_format_name(target));
                Error::new(
                    ErrorKind::UnsupportedFormat,
                    format!("a decrypted {from} file of this shape cannot be written as {to}"),
                )
                .in_flux(format!("failed to emit encrypted {from} file as decrypted {to}: {error}"))
            })?),
        };
        Ok(DecryptedBlob { bytes, integrity: opened.integrity })
    }

    /// Decrypts an encrypted file in an entry of that name.
    pub(crate) fn decrypt_entry(&self, name: &str, bytes: &[u8], input: Format) -> Result<DecryptedBlob, Error> {
        let named = format_of_name(name);
        let output = match self.policy().is_flux {
            true => OutputFormat::FluxCompat(named),
            false => OutputFormat::Native(named),
        };
        self.decrypt_blob(bytes, input, output)
    }
}

/// Whether a JSON text is what the reference makes of a binary file: a text `data` beside the metadata, nothing else.
pub(crate) fn is_binary_envelope(plain: &PlainDocument) -> bool {
    let outline = plain.outline();
    let Some(root) = outline.documents.first().map(|d| d.root) else { return false };
    let mut data = false;
    let members = outline.items.iter().filter(|item| item.parent == root && root != NONE);
    members.filter(|item| item.key().is_some()).all(|item| {
        let key = item.key().map(|key| key.bytes(plain.texts())).unwrap_or_default();
        let is_text = matches!(item.node, Node::Leaf(Scalar::Str(_)));
        data |= key == b"data" && is_text;
        key == b"sops" || key == b"data" && is_text
    }) && data
}

/// Where the entry of an object is.
pub(crate) fn entry_origin(member: &str, key: &str) -> Origin {
    let mut path = member.to_owned();
    crate::value::push_key(&mut path, key);
    Origin::default().at_path(path)
}
