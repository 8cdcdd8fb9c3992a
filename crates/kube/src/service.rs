//! Key services of the embedding program, and what stands around every key source: the policy, the cache, a count.

use crate::cache::{CacheKey, DataKeyCache};
use crate::decryptor::Decryptor;
use crate::error::{Error, ErrorKind};
use sops_core::keys::{CallContext, KeyError, KeyPart, KeySource};
use sops_core::metadata::keys::{KeyKind, MasterKey};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use zeroize::Zeroizing;

/// A wish to stop, shared with whoever may say so.
#[derive(Clone, Debug, Default)]
pub struct CancelFlag(Arc<AtomicBool>);

impl CancelFlag {
    /// Asks for a stop.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether someone asked for a stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a call carries beside the key.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct CallCtx {
    /// Give up then.
    pub deadline: Option<Instant>,
    /// Give up when it says so.
    pub cancel: CancelFlag,
    /// On whose behalf.
    pub tenant: String,
}

/// Why a key service did not open a key. The text must hold no token and no answer of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyServiceError {
    /// No answer: time-out, 5xx, throttled, no such host.
    Unavailable(String),
    /// 401 or 403.
    Denied(String),
    /// Anything else.
    Failed(String),
}

/// A key service that the embedding program brings. It blocks; the core starts no threads.
pub trait KeyService: Send + Sync {
    /// The kind of master key it serves.
    fn kind(&self) -> KeyKind;

    /// Opens a wrapped key.
    ///
    /// # Errors
    /// [`KeyServiceError`].
    fn decrypt(&self, key: &MasterKey, wrapped: &[u8], ctx: &CallCtx) -> Result<Zeroizing<Vec<u8>>, KeyServiceError>;
}

/// What the sources of one decryption noticed.
#[derive(Default)]
pub(crate) struct Noticed {
    fault: Mutex<Option<KeyServiceError>>,
    calls_exceeded: AtomicBool,
    /// How many wrapped keys were opened: one of each key group at most.
    opened: AtomicUsize,
}

impl Noticed {
    /// How many wrapped keys were opened.
    pub fn opened(&self) -> usize {
        self.opened.load(Ordering::Relaxed)
    }

    fn count(&self, part: Option<KeyPart>) -> Option<KeyPart> {
        self.opened.fetch_add(usize::from(part.is_some()), Ordering::Relaxed);
        part
    }

    /// The error that explains a failed decryption better than "no key", if there is one.
    pub fn error(&self, limit: usize) -> Option<Error> {
        if self.calls_exceeded.load(Ordering::Relaxed) {
            return Some(Error::limit("calls to key services", limit as u64));
        }
        let fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        Some(match fault {
            KeyServiceError::Unavailable(text) => Error::new(ErrorKind::KeyServiceUnavailable, text),
            KeyServiceError::Denied(text) => Error::new(ErrorKind::KeyServiceDenied, text),
            KeyServiceError::Failed(_) => return None,
        })
    }
}

/// A key source behind the policy and the cache.
pub(crate) struct Guarded {
    pub source: Arc<dyn KeySource>,
    pub noticed: Arc<Noticed>,
    pub decryptor: Decryptor,
}

impl KeySource for Guarded {
    fn kind(&self) -> KeyKind {
        self.source.kind()
    }

    fn wrap(&self, _: &MasterKey, _: &KeyPart, _: &CallContext) -> Result<String, KeyError> {
        Err(KeyError::Unsupported("encrypting".into()))
    }

    fn unwrap(&self, key: &MasterKey, call: &CallContext) -> Result<Option<KeyPart>, KeyError> {
        self.decryptor.policy().keys.check(key).map_err(KeyError::Failed)?;
        cached(&self.decryptor, key, || self.source.unwrap(key, call)).map(|part| self.noticed.count(part))
    }
}

/// A key service behind the policy, the cache and the count of calls.
pub(crate) struct Served {
    pub service: Arc<dyn KeyService>,
    pub calls: Arc<AtomicUsize>,
    pub noticed: Arc<Noticed>,
    pub decryptor: Decryptor,
}

impl KeySource for Served {
    fn kind(&self) -> KeyKind {
        self.service.kind()
    }

    fn wrap(&self, _: &MasterKey, _: &KeyPart, _: &CallContext) -> Result<String, KeyError> {
        Err(KeyError::Unsupported("encrypting".into()))
    }

    fn unwrap(&self, key: &MasterKey, _: &CallContext) -> Result<Option<KeyPart>, KeyError> {
        self.decryptor.policy().keys.check(key).map_err(KeyError::Failed)?;
        cached(&self.decryptor, key, || {
            if self.calls.fetch_add(1, Ordering::Relaxed) >= self.decryptor.limits().remote_calls {
                self.noticed.calls_exceeded.store(true, Ordering::Relaxed);
                return Err(KeyError::Failed("too many calls".into()));
            }
            let opened = self.service.decrypt(key, key.wrapped.as_bytes(), self.decryptor.context());
            opened.map(|part| Some(KeyPart::new(part.to_vec()))).map_err(|fault| {
                let text = match &fault {
                    KeyServiceError::Unavailable(t) | KeyServiceError::Denied(t) | KeyServiceError::Failed(t) => {
                        t.clone()
                    }
                };
                *self.noticed.fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
                KeyError::Failed(text)
            })
        })
        .map(|part| self.noticed.count(part))
    }
}

fn cached(
    decryptor: &Decryptor,
    key: &MasterKey,
    open: impl FnOnce() -> Result<Option<KeyPart>, KeyError>,
) -> Result<Option<KeyPart>, KeyError> {
    let Some(cache) = decryptor.cache() else { return open() };
    let place = CacheKey::new(&decryptor.context().tenant, &decryptor.keyring().fingerprint(), key);
    if let Some(part) = DataKeyCache::get(cache, &place) {
        return Ok(Some(part));
    }
    let part = open()?;
    if let Some(part) = &part {
        cache.put(place, part);
    }
    Ok(part)
}
