//! Keys: who can open a file, where the command looks for what opens it, and what it asks of whom.
//!
//! # Kinds
//!
//! Seven kinds of master key are data in every build: they are read, kept, shown and written. What can *use* one is a
//! [`KeySource`](crate::keys::KeySource), and a build without one says so when it is needed.
//!
//! | kind | named by | source |
//! | --- | --- | --- |
//! | `age` | `age1…` (X25519), `age1pq1…` (hybrid post-quantum), `age1NAME1…` (plugin), `ssh-ed25519 …`, `ssh-rsa …` (2048 to 4096 bits) | [`keys::age`](crate::keys::age), feature `age`; SSH keys with `age-ssh`, plugins with `age-plugin` |
//! | `pgp` | a fingerprint; 16 digits and `!` at the end force a sub-key | `keys::pgp`, feature `pgp`: the program `gpg` |
//! | `kms` `gcp_kms` `azure_kv` `hc_vault` `hckms` | what their services call it | none in this crate |
//!
//! `age-ssh` is off unless asked for: RSA decryption is not free of timing differences (RUSTSEC-2023-0071), which a local
//! program does not show to anybody and a server might. Another source, for example of a key service, is an implementation
//! of the trait and nothing else; [`keys::testing`](crate::keys::testing) checks one.
//!
//! # Where the command finds age identities
//!
//! All of these places, in this order; one that is broken does not hide the others:
//!
//! 1. `SOPS_AGE_SSH_PRIVATE_KEY_FILE`, an SSH private key
//! 2. `SOPS_AGE_SSH_PRIVATE_KEY_CMD`, what a command prints: an SSH private key without a passphrase
//! 3. `~/.ssh/id_ed25519`
//! 4. `~/.ssh/id_rsa`
//! 5. `SOPS_AGE_KEY`, identities apart by white space, or an encrypted identity file
//! 6. `SOPS_AGE_KEY_FILE`, an identity file, one identity a line
//! 7. `SOPS_AGE_KEY_CMD`, what a command prints: an identity file
//! 8. `sops/age/keys.txt` in the folder of configuration (`$XDG_CONFIG_HOME`, else `~/.config`)
//!
//! Identity files (5 to 8) may be encrypted to a passphrase with age. SSH keys may be in OpenSSH's container, PKCS#1 or
//! PKCS#8, and behind a passphrase in the first two. Commands are split into words, not run by a shell, and learn from
//! `SOPS_AGE_RECIPIENT` whom the file is for. Places are looked at when a key needs them and once in a run, however many
//! files there are.
//!
//! X25519 and hybrid identities are tried first: they ask nobody. The first identity that *fails* (a wrong passphrase, a
//! plugin that is not installed) ends the attempt; one that has no key for the file does not.
//!
//! # Who is asked
//!
//! Passphrases are asked for on the controlling terminal and nowhere else; for identity files gpg-agent is asked first,
//! where one runs. Without a terminal nothing is asked, and the message says so. A protected SSH key is asked for only when
//! the file names this very key. Messages of plugins are always shown; their questions go to the terminal.
//!
//! # Programs
//!
//! `gpg` (or `SOPS_GPG_EXEC`) and `age-plugin-NAME` are found in absolute folders of `PATH` and started when a key needs
//! them. Data keys reach them through pipes, never as arguments. Their environment is ours without `SOPS_AGE_KEY`,
//! `VAULT_TOKEN`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `GOOGLE_CREDENTIALS`, `GOOGLE_OAUTH_ACCESS_TOKEN`,
//! `AZURE_CLIENT_SECRET`, `AZURE_PASSWORD`, `AZURE_CLIENT_CERTIFICATE_PASSWORD`, `HUAWEICLOUD_SDK_SK` and
//! `HUAWEICLOUD_SDK_SECURITY_TOKEN`; commands for identities lack `SOPS_AGE_KEY` only, because they may need the rest, and
//! so do programs that hold keys with `SOPS_PASS_CREDENTIALS_TO_PLUGINS=true`, for plugins in front of a cloud.
//! Key rings of GnuPG before 2.1 are left to `gpg`, or read here with the feature `pgp-native`.
//!
//! # Groups
//!
//! One group: any of its keys opens the file. Several: the data key is split (Shamir over GF(2⁸)), each group holds one
//! part, and `shamir_threshold` of them are needed. Groups are tried in the order of the file and not after enough have
//! opened; within a group age goes first, then PGP, then the others, unless `--decryption-order` says otherwise.
//!
//! When it is not enough, the report names every key that was tried, why it did not work, and every place where an identity
//! could have been (exit 128).
//!
//! # Limits
//!
//! Hostile files cost little: identity files have at most 16 MiB, scrypt a work factor of at most 22, bcrypt 2,048 rounds,
//! a wrapped key 256 recipients; what `gpg` prints is cut at 64 KiB. A data key has 32 bytes, whatever a source returns.
