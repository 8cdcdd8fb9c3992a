//! What a person edits: a text to show, and what seals the text that comes back.

use sops_core::{
    Error,
    document::{EncryptedDocument, PlainDocument, TreePath},
    path::Step,
    sealer::{Recipe, Sealer},
};
use zeroize::Zeroizing;

use crate::{
    change::{Formats, Opened, now},
    editor::Refusal,
    environment::Environment,
    example,
    exit_code::Code,
    failure::{Failure, Phase},
    keyring,
};

/// What a person works on.
pub struct Draft {
    plain: PlainDocument,
    sealer: Sealer,
    formats: Formats,
    shows_metadata: bool,
}

impl Draft {
    /// Returns the draft of a file that was opened. What is written gets our version if it had an older one.
    ///
    /// # Errors
    /// What the format that is shown cannot hold (4).
    pub fn of_file(opened: Opened, formats: Formats, shows_metadata: Option<bool>) -> Result<Draft, Failure> {
        let Opened { plain, mut sealer, .. } = opened;
        sealer.raise_version();
        Ok(Draft { plain: formats.converted(plain)?, sealer, formats, shows_metadata: shows_metadata == Some(true) })
    }

    /// Returns the draft of a new file. The data key is wrapped before anybody types a secret: a key that cannot be used shows now.
    ///
    /// # Errors
    /// A key that cannot be used (128).
    pub fn of_example(
        recipe: Recipe,
        formats: Formats,
        shows_metadata: Option<bool>,
        env: &Environment,
    ) -> Result<Draft, Failure> {
        let failure = |error| Failure::core(error, Phase::Draft);
        let sealer = Sealer::create(recipe, &keyring::for_wrapping(env)).map_err(failure)?;
        let text = example::text(formats.to, formats.indent.unwrap_or(0));
        let plain = PlainDocument::parse(formats.to, text.into_bytes()).map_err(failure)?;
        let sealer = formats.instructed(sealer);
        Ok(Draft { plain, sealer, formats, shows_metadata: shows_metadata == Some(true) })
    }

    /// Returns the text that is shown.
    ///
    /// # Errors
    /// Metadata that cannot be put into it (4).
    pub fn text(&self) -> Result<Zeroizing<Vec<u8>>, Failure> {
        if !self.shows_metadata {
            return Ok(Zeroizing::new(self.plain.bytes()));
        }
        let text = self.sealer.with_metadata(&self.plain).map_err(|error| Failure::core(error, Phase::Dump))?;
        Ok(Zeroizing::new(text))
    }

    /// Seals what a person wrote. Unchanged values keep their tokens.
    ///
    /// # Errors
    /// A text that has to be mended, or metadata that cannot.
    pub fn seal(&self, text: &[u8]) -> Result<Vec<u8>, Refusal> {
        let mut plain = PlainDocument::parse(self.formats.to, text).map_err(|error| match error {
            Error::Empty => mend("Tree not valid for encryption", &error),
            error => mend("Could not load tree, probably due to invalid syntax", &error),
        })?;
        if self.shows_metadata {
            self.check_metadata(&plain, text)?;
            plain.unset(&branch()).map_err(|error| mend("SOPS metadata is invalid", &error))?;
        }
        self.sealer.seal(&plain, now()).map_err(|error| mend("Tree not valid for encryption", &error))
    }

    /// Metadata are shown and not edited: `rotate` and `updatekeys` change keys, and wrap the data key for them.
    fn check_metadata(&self, plain: &PlainDocument, text: &[u8]) -> Result<(), Refusal> {
        let shown = self.sealer.metadata();
        let edited = EncryptedDocument::parse(self.formats.to, text)
            .map_err(|error| mend("SOPS metadata is invalid", &error))?;
        if edited.metadata().version != shown.version {
            let text = "Failed to compare document version: the version in the metadata was changed";
            return Err(Refusal::Final(Failure::new(Code::FailedToCompareVersions, text)));
        }
        if plain.is_at(&branch(), &shown.write()) {
            return Ok(());
        }
        let text =
            "SOPS metadata is invalid: they are shown only and were changed; undo that, and use rotate or updatekeys";
        Err(Refusal::Mend(text.to_owned()))
    }
}

fn mend(what: &str, error: &Error) -> Refusal {
    Refusal::Mend(format!("{what}: {error}"))
}

/// Where the metadata are.
fn branch() -> TreePath {
    TreePath::from(vec![Step::Key("sops".to_owned())])
}
