//! The exit statuses of the reference, named. Scripts compare the numbers, so none may change.

/// An exit status of the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Code {
    /// Everything without a number of its own.
    Generic = 1,
    /// The input cannot be read, or its plain text does not parse.
    CouldNotReadInput = 2,
    /// The output cannot be opened; also an unknown help topic.
    CouldNotWriteOutput = 3,
    /// The result cannot be written in the output format.
    ErrorDumpingTree = 4,
    /// A malformed `--encryption-context`.
    InvalidEncryptionContext = 6,
    /// The path or the value of `set` does not parse.
    InvalidSetFormat = 7,
    /// Flags that exclude each other.
    ConflictingParameters = 8,
    /// A value cannot be encrypted.
    ErrorEncryptingTree = 23,
    /// A value cannot be decrypted.
    ErrorDecryptingTree = 25,
    /// Keys cannot be changed in a file that does not exist.
    CannotChangeKeysOfMissingFile = 49,
    /// The MAC is missing, unreadable or differs.
    MacMismatch = 51,
    /// `--extract` does not parse.
    InvalidTreePath = 91,
    /// The file has no document at all.
    NeedAtLeastOneDocument = 92,
    /// No file was named, or it does not exist.
    NoFileSpecified = 100,
    /// `--decryption-order` names a kind twice.
    DuplicateDecryptionKeyType = 112,
    /// No key opens the file.
    CouldNotRetrieveKey = 128,
    /// The editor left the text as it was.
    FileHasNotBeenModified = 200,
    /// There is no editor, or it failed.
    NoEditorFound = 201,
    /// The version in edited metadata is none.
    FailedToCompareVersions = 202,
    /// The plain text has a `sops` entry.
    FileAlreadyEncrypted = 203,
}
