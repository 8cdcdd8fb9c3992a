//! What the commands that change a file share: opening it, and sealing what it is to hold from now on.

use std::{
    borrow::Cow,
    time::{SystemTime, UNIX_EPOCH},
};

use sops_core::{
    config::Config,
    document::{EncryptedDocument, PlainDocument},
    format::Format,
    keys::Keyring,
    sealer::Sealer,
};

use crate::{
    args::{Common, Opening, Types},
    environment::Environment,
    exit_code::Code,
    failure::{Failure, Phase},
    keyring, locate, ui,
};

/// What a file is read as and written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Formats {
    /// The format of the input.
    pub from: Format,
    /// The format of the result.
    pub to: Format,
    /// Spaces of new text, else the format's default.
    pub indent: Option<usize>,
    /// Whether the result may say how values were written.
    pub keeps_spelling: bool,
}

impl Formats {
    /// Settles them: flags, else the name; the indentation may stand in the configuration.
    ///
    /// # Errors
    /// A negative indentation where the format cannot have one (4).
    pub fn settle(types: &Types, name: &str, flags: &Common, config: &Config) -> Result<Formats, Failure> {
        let from = locate::format(types.input_type.as_deref(), name);
        let to = locate::format(types.output_type.as_deref(), name);
        let keeps_spelling = flags.no_spelling != Some(true);
        Ok(Formats { from, to, indent: locate::indent(to, flags, config)?, keeps_spelling })
    }

    /// Tells a sealer whether it may keep spellings.
    pub fn instructed(&self, sealer: Sealer) -> Sealer {
        if self.keeps_spelling { sealer } else { sealer.without_spelling() }
    }

    /// Returns the document in the format of the result.
    ///
    /// # Errors
    /// One that this format cannot hold (4).
    pub fn converted(&self, plain: PlainDocument) -> Result<PlainDocument, Failure> {
        if self.from == self.to {
            return Ok(plain);
        }
        let failure = |error| Failure::core(error, Phase::Dump);
        // An encrypted binary file is a JSON tree, whatever it was made of.
        let to = if self.to == Format::Binary { Format::Json } else { self.to };
        if plain.documents() > 1 && to != Format::Yaml {
            let text = format!("only YAML has several documents, the {} format has one", to.name());
            return Err(Failure::new(Code::ErrorDumpingTree, text));
        }
        plain.converted(to, self.indent).map_err(failure)
    }
}

/// A file that is open for a change.
pub struct Opened {
    /// What it holds; to be changed.
    pub plain: PlainDocument,
    /// What seals it again.
    pub sealer: Sealer,
    /// The keys that opened it.
    pub keys: Keyring,
    formats: Formats,
    name: String,
}

impl Opened {
    /// Opens an encrypted text; `name` is what messages call it.
    ///
    /// # Errors
    /// What does not parse (1), no key that fits (128), a value (25) or MAC (51) that is not right.
    pub fn new(
        bytes: Cow<'_, [u8]>,
        name: String,
        formats: Formats,
        opening: &Opening,
        common: &Common,
        env: &Environment,
    ) -> Result<Opened, Failure> {
        let failure = |error| Failure::core(error, Phase::Open).of(&name);
        let file = EncryptedDocument::parse(formats.from, bytes).map_err(failure)?;
        let keys = keyring::open(common, &opening.order, env)?;
        let opened = match opening.ignore_mac {
            Some(true) => file.open_ignoring_mac(&keys),
            _ => file.open(&keys),
        };
        let (plain, sealer) = opened.map_err(failure)?;
        for warning in plain.warnings() {
            ui::warn(warning);
        }
        Ok(Opened { plain, sealer: formats.instructed(sealer), keys, formats, name })
    }

    /// Seals what it holds now.
    ///
    /// # Errors
    /// What the format of the result cannot hold (4), or what cannot be encrypted (23, 203).
    pub fn seal(self) -> Result<Vec<u8>, Failure> {
        let plain = self.formats.converted(self.plain).map_err(|failure| failure.of(&self.name))?;
        self.sealer.seal(&plain, now()).map_err(|error| Failure::core(error, Phase::Seal).of(&self.name))
    }
}

/// Seconds since 1970; a clock before that counts as 1970.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
