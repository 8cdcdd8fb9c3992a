//! Why a pass failed: a reason and a message for the condition. No text of the API server or of kustomize that could hold a
//! value ends up in one.

use sops_kube::Class;
use std::time::Duration;

#[derive(Clone, Debug)]
pub struct Failure {
    pub reason: &'static str,
    pub message: String,
    pub class: Class,
}

impl Failure {
    pub fn new(reason: &'static str, message: impl Into<String>) -> Failure {
        Failure { reason, message: message.into(), class: Class::UserError }
    }

    /// It may go away by itself.
    pub fn transient(reason: &'static str, message: impl Into<String>) -> Failure {
        Failure { class: Class::Retry(Duration::from_secs(5)), ..Failure::new(reason, message) }
    }
}

impl From<sops_kube::Error> for Failure {
    fn from(error: sops_kube::Error) -> Failure {
        let message = match error.hint() {
            Some(hint) => format!("{error} ({hint})"),
            None => error.to_string(),
        };
        Failure { reason: error.reason(), message, class: error.class() }
    }
}

/// What is safe to say about an answer of the API server: its number and reason; the words only where it names a missing right.
pub fn of_server(doing: &str, error: &kube::Error) -> Failure {
    match error {
        kube::Error::Api(status) if status.code == 403 => {
            Failure::new("ReconciliationFailed", format!("{doing}: {}", status.message))
        }
        kube::Error::Api(status) if status.code < 500 && status.code != 409 && status.code != 429 => {
            Failure::new("ReconciliationFailed", format!("{doing}: refused ({} {})", status.code, status.reason))
        }
        kube::Error::Api(status) => {
            Failure::transient("ReconciliationFailed", format!("{doing}: refused ({} {})", status.code, status.reason))
        }
        _ => Failure::transient("ReconciliationFailed", format!("{doing}: the API server does not answer")),
    }
}
