//! For people who write a controller: how the parts fit.
//!
//! ```
//! use sops_kube::{Decryptor, DirHandle, ImportOptions, Keyring, Manifest, Origin, Policy, Target, TreeOptions};
//!
//! # fn build(_: &std::path::Path) -> Vec<u8> { b"kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\n".to_vec() }
//! fn reconcile(entries: &[(&str, &[u8])], checkout: &std::path::Path) -> Result<Vec<Manifest>, sops_kube::Error> {
//!     // The entries of the decryption Secret, which your client has read.
//!     let options = ImportOptions::recommended().of_secret("tenant-a", "sops-age");
//!     let imported = Keyring::from_entries(entries.iter().copied(), &options)?;
//!     // imported.report: an event for each ignored entry that looks like a key.
//!     let decryptor = Decryptor::new(imported.keyring, Policy::recommended());
//!
//!     // Every file that the build reads is verified and decrypted first; the source stays as it is.
//!     let (root, scratch) = (DirHandle::open(checkout)?, tempfile::tempdir().expect("a private directory"));
//!     # for entry in std::fs::read_dir(checkout).expect("readable") {
//!     #     let entry = entry.expect("an entry");
//!     #     std::fs::copy(entry.path(), scratch.path().join(entry.file_name())).expect("copied");
//!     # }
//!     let overlay = DirHandle::open(scratch.path())?;
//!     let mut report = decryptor.prepare_tree(&root, "deploy", TreeOptions::full(), Target::Overlay(overlay))?;
//!
//!     // Your build, in the copy. What it prints may hold values: read it, do not log it.
//!     let built = build(scratch.path());
//!     let objects = sops_kube::read_objects(&built, decryptor.limits())?;
//!
//!     // Files inside objects, what is left over, what the API server would refuse.
//!     let finished = decryptor.finish_build(objects, &report.values, &Origin::default())?;
//!     report.purge()?;
//!     Ok(finished.objects)
//! }
//! # let folder = tempfile::tempdir().unwrap();
//! # std::fs::create_dir(folder.path().join("deploy")).unwrap();
//! # std::fs::write(folder.path().join("deploy/kustomization.yaml"), "resources: []\n").unwrap();
//! # let folder2 = tempfile::tempdir().unwrap();
//! # std::fs::create_dir(folder2.path().join("deploy")).unwrap();
//! # let source = folder.path().join("deploy");
//! # assert!(reconcile(&[], &source).is_err(), "there is no deploy below it");
//! ```
//!
//! # What blocks, and what does not
//!
//! Everything here is synchronous and CPU-bound, and starts no thread: call it from a blocking task of your runtime. Only a
//! [`KeyService`](crate::service::KeyService) that you bring may wait; it gets a deadline and a [`CancelFlag`](crate::service::CancelFlag).
//!
//! # Errors
//!
//! [`Error::class`](crate::Error::class) says what to do, [`Error::reason`](crate::Error::reason) is the reason of a condition,
//! `Display` its message; none of them holds a value.
//!
//! | class | do |
//! | --- | --- |
//! | `Retry(after)` | back off, then again |
//! | `WaitForDependency` | wait for the watch on the Secret or the source |
//! | `UserError`, `Denied` | `Ready=False`; wait for another revision, Secret or spec; `Stalled` once the same inputs failed before |
//! | `Bug` | `Ready=False`, again slowly |
//!
//! The same inputs: revision, generation and [`Keyring::fingerprint`](crate::Keyring::fingerprint). After any error nothing is
//! applied and nothing is pruned: [`Decryptor`](crate::Decryptor) returns everything or nothing.
//!
//! # What others say about your objects
//!
//! The API server and kustomize print plain values when they refuse an object (`.stringData.port: expected string, got …5432`).
//! Keep the status code, the reason and the path of the field; drop the text. Apply on the server's side: an object applied
//! by a client carries its values in an annotation.
//!
//! # Tenants
//!
//! One [`Keyring`](crate::Keyring) per tenant, from a Secret of the tenant's namespace. A [`DataKeyCache`](crate::DataKeyCache)
//! may be shared: tenant and keyring are part of its keys. There is no ambient identity: a keyring holds what was put into it.
//! For remote keys fill in [`KeyPolicy`](crate::key_policy::KeyPolicy): an empty list refuses.
//!
//! # Policies
//!
//! | | [`flux_compat`](crate::Policy::flux_compat) | [`recommended`](crate::Policy::recommended) | [`locked_down`](crate::Policy::locked_down) |
//! | --- | --- | --- | --- |
//! | MAC | ignored | must fit | must fit |
//! | ciphertext or a block left over | refused for Secrets | refused | refused |
//! | files inside objects | `data` of Secrets, format by name | also `stringData` and ConfigMaps, by content | the same |
//! | opt-out annotation | honoured | honoured | ignored |
//! | plain Secrets, mixed streams, anchors, tags | accepted | accepted | refused |
//! | allow-lists of keys | none | for remote kinds | for every kind |
//!
//! [`Limits`](crate::Limits) hold under each of them.
