//! Any bytes as a stream of manifests, under each policy and without a key: no panic and no bug reported; what comes out is
//! untouched or left alone, and is what stands in the text; the limit on the size is honoured; a plugin does not fall over.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sops_kube::key_policy::KeyPolicy;
use sops_kube::plugin::{self, Host, Reach};
use sops_kube::{Decryptor, ErrorKind, Format, Keyring, Limits, Origin, Outcome, Policy, read_objects};

struct Nothing;

impl Host for Nothing {
    fn read(&mut self, _: &str, _: &Reach) -> Result<zeroize::Zeroizing<Vec<u8>>, String> {
        Err("no file".into())
    }

    fn open(&mut self, _: Format, _: &[u8], _: bool) -> Result<sops_core::PlainDocument, String> {
        Err("no key".into())
    }
}

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits::default();
    let plain = read_objects(bytes, &limits);
    for policy in [Policy::flux_compat(), Policy::recommended(), Policy::locked_down(KeyPolicy::default())] {
        let decryptor = Decryptor::new(Keyring::default(), policy);
        match decryptor.decrypt_manifests(bytes, &Origin::default()) {
            Ok(set) => {
                let plain = plain.as_ref().expect("a stream that opens can be read");
                assert_eq!(set.docs.len(), plain.len(), "every object comes out");
                for (doc, plain) in set.docs.iter().zip(plain) {
                    let is_kept = match &doc.outcome {
                        Outcome::Untouched | Outcome::SkippedByAnnotation => true,
                        Outcome::NestedDecrypted { keys } => keys.is_empty(),
                        _ => false,
                    };
                    assert!(is_kept && *doc.value == **plain, "nothing opens without a key");
                }
            }
            Err(error) => assert_ne!(*error.kind(), ErrorKind::Internal, "{error}"),
        }
        let _readable = decryptor.inspect(bytes, &Origin::default());
    }
    let mut small = Limits::default();
    small.file = 16;
    if bytes.len() > 16 {
        let refused = Decryptor::new(Keyring::default(), Policy::recommended()).with_limits(small);
        assert!(refused.decrypt_manifests(bytes, &Origin::default()).is_err());
    }
    let _any = plugin::function(bytes, &mut Nothing);
    let _any = plugin::legacy(bytes, || Ok(bytes.to_vec()), &mut Nothing);
});
