//! Data keys that were opened before: bounded, for a limited time, never across tenants or keyrings.

use sha2::{Digest as _, Sha256};
use sops_core::keys::KeyPart;
use sops_core::metadata::keys::MasterKey;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// A cache of data keys. Its keys are zeroed when they leave it and when it is dropped.
pub struct DataKeyCache {
    most: usize,
    lifetime: Duration,
    parts: Mutex<HashMap<CacheKey, Kept>>,
}

/// Since when, and the key.
type Kept = (Instant, Zeroizing<Vec<u8>>);

/// Whose key, opened with which keyring, from which wrapped key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct CacheKey([u8; 32]);

impl CacheKey {
    pub fn new(tenant: &str, keyring: &[u8; 32], key: &MasterKey) -> CacheKey {
        let mut hash = Sha256::new();
        for part in [tenant.as_bytes(), keyring, key.kind().field().as_bytes(), key.display().as_bytes()] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        hash.update(key.wrapped.as_bytes());
        CacheKey(hash.finalize().into())
    }
}

impl DataKeyCache {
    /// A cache of at most so many keys, each for so long.
    pub fn new(most: usize, lifetime: Duration) -> DataKeyCache {
        DataKeyCache { most, lifetime, parts: Mutex::default() }
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(crate) fn get(&self, key: &CacheKey) -> Option<KeyPart> {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, part) = parts.get(key)?;
        if since.elapsed() >= self.lifetime {
            parts.remove(key);
            return None;
        }
        Some(KeyPart::new(part.to_vec()))
    }

    pub(crate) fn put(&self, key: CacheKey, part: &KeyPart) {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        if parts.len() >= self.most {
            parts.retain(|_, (since, _)| since.elapsed() < self.lifetime);
        }
        if parts.len() >= self.most {
            let oldest = parts.iter().min_by_key(|(_, (since, _))| *since).map(|(key, _)| *key);
            oldest.and_then(|oldest| parts.remove(&oldest));
        }
        if parts.len() < self.most {
            parts.insert(key, (Instant::now(), Zeroizing::new(part.expose().to_vec())));
        }
    }
}

impl fmt::Debug for DataKeyCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataKeyCache").field("most", &self.most).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(tenant: &str, wrapped: &str) -> CacheKey {
        let mut key = MasterKey::age("age1").unwrap_or_else(|_| {
            MasterKey::new(sops_core::metadata::keys::MasterKeyKind::Age { recipient: "age1x".into() })
        });
        key.wrapped = wrapped.into();
        CacheKey::new(tenant, &[0; 32], &key)
    }

    #[test]
    fn t26_a_tenant_does_not_see_the_keys_of_another() {
        let cache = DataKeyCache::new(2, Duration::from_secs(60));
        cache.put(key("a", "w"), &KeyPart::new(vec![1]));
        assert!(cache.get(&key("a", "w")).is_some());
        assert!(cache.get(&key("b", "w")).is_none() && cache.get(&key("a", "v")).is_none());
        assert!(
            cache
                .get(&CacheKey::new(
                    "a",
                    &[1; 32],
                    &MasterKey::new(sops_core::metadata::keys::MasterKeyKind::HcKms { key_id: "w".into() })
                ))
                .is_none()
        );
    }

    #[test]
    fn it_is_bounded_and_forgets() {
        let cache = DataKeyCache::new(2, Duration::from_secs(60));
        for wrapped in ["1", "2", "3"] {
            cache.put(key("a", wrapped), &KeyPart::new(vec![1]));
        }
        assert!(cache.get(&key("a", "1")).is_none() && cache.get(&key("a", "3")).is_some());
        let short = DataKeyCache::new(2, Duration::ZERO);
        short.put(key("a", "1"), &KeyPart::new(vec![1]));
        assert!(short.get(&key("a", "1")).is_none());
        cache.clear();
        assert!(cache.get(&key("a", "3")).is_none());
    }
}
