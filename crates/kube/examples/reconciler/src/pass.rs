//! One pass over one object: fetch, decrypt, build, apply, prune, and say so in its status.

use crate::api::{Condition, Entry, FINALIZER, MANAGER, ManifestSync, Status};
use crate::apply::{self, Kinds};
use crate::failure::{Failure, of_server};
use crate::metrics::Metrics;
use crate::{render, source};
use k8s_openapi::api::core::v1::Event;
use kube::api::{Api, Patch, PatchParams, PostParams};
use kube::{Client, Config, ResourceExt as _};
use serde_json::json;
use sops_kube::{Class, ImportOptions, Keyring};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What every pass needs.
pub struct Context {
    pub client: Client,
    /// To act as a service account; without one nobody can be impersonated.
    pub config: Option<Config>,
    pub metrics: Arc<Metrics>,
    /// Where private directories are made.
    pub scratch: PathBuf,
}

/// When to look again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Next {
    After(Duration),
    Never,
}

/// How a pass ended.
pub struct Ended {
    pub is_ready: bool,
    pub next: Next,
}

/// What a pass found out on its way.
struct Progress {
    revision: Option<String>,
    inventory: Vec<Entry>,
}

pub async fn run(context: &Context, object: &ManifestSync) -> Result<Ended, Failure> {
    let started = Instant::now();
    let ended = pass(context, object).await;
    let metrics = &context.metrics;
    Metrics::add(&metrics.passes, 1);
    Metrics::add(&metrics.milliseconds, started.elapsed().as_millis() as u64);
    if !matches!(ended, Ok(Ended { is_ready: true, .. })) {
        Metrics::add(&metrics.failures, 1);
    }
    ended
}

async fn pass(context: &Context, object: &ManifestSync) -> Result<Ended, Failure> {
    if object.metadata.deletion_timestamp.is_some() {
        return delete(context, object).await;
    }
    if object.spec.suspend {
        return Ok(Ended { is_ready: true, next: Next::Never });
    }
    hold(context, object).await?;
    let mut progress = Progress { revision: None, inventory: object.status.inventory.clone() };
    let result = work(context, object, &mut progress).await;
    let failure = result.as_ref().err().cloned();
    if failure.as_ref().is_some_and(|f| f.reason == "IntegrityCheckFailed") {
        Metrics::add(&context.metrics.integrity_failures, 1);
    }
    report(context, object, progress, failure.as_ref()).await?;
    let seconds = |text: &Option<String>, default| duration(text.as_deref()).unwrap_or(Duration::from_secs(default));
    let interval = jittered(seconds(&object.spec.interval, 300), object.name());
    Ok(match failure {
        None => Ended { is_ready: true, next: Next::After(interval) },
        Some(failure) => {
            let retry = object.spec.retry_interval.as_ref().map(|_| seconds(&object.spec.retry_interval, 60));
            let next = match failure.class {
                Class::Retry(after) => retry.unwrap_or(after),
                Class::WaitForDependency => retry.unwrap_or(Duration::from_secs(30)),
                _ => retry.unwrap_or(interval),
            };
            Ended { is_ready: false, next: Next::After(next) }
        }
    })
}

/// Everything between the source and the cluster.
async fn work(context: &Context, object: &ManifestSync, progress: &mut Progress) -> Result<(), Failure> {
    let fetched = source::fetch(&context.client, object, &context.scratch).await?;
    progress.revision = Some(fetched.revision.clone());
    let keyring = keyring(context, object).await?;
    let (path, policy) = (object.spec.path.clone(), object.spec.policy);
    let objects = source::blocking(move || render::objects(fetched.directory.path(), &path, keyring, policy)).await?;

    let planned = apply::planned(objects, object)?;
    let wanted: BTreeSet<Entry> = planned.iter().map(|p| p.entry.clone()).collect();
    let before: BTreeSet<Entry> = object.status.inventory.iter().cloned().collect();
    // Whatever happens from here on, what may exist is known to the next pass.
    progress.inventory = before.union(&wanted).cloned().collect();
    if !wanted.is_subset(&before) {
        patch_status(context, object, json!({"inventory": progress.inventory})).await?;
    }
    let mut kinds = Kinds::new(client_of(context, object)?);
    let applied = apply::apply(&mut kinds, &planned).await?;
    Metrics::add(&context.metrics.applied, applied.changed.len() as u64);
    for (entry, fields) in &applied.changed {
        let what = if fields.is_empty() { "created".to_owned() } else { format!("changed {}", fields.join(", ")) };
        event(context, object, "Normal", "Applied", &format!("{entry}: {what}")).await;
    }
    if object.spec.prune {
        let gone: Vec<Entry> = before.difference(&wanted).cloned().collect();
        let pruned = apply::prune(&mut kinds, object, &gone).await?;
        Metrics::add(&context.metrics.pruned, pruned.len() as u64);
        for entry in &pruned {
            event(context, object, "Normal", "Pruned", &format!("{entry}: deleted")).await;
        }
    }
    progress.inventory = wanted.into_iter().collect();
    Ok(())
}

async fn keyring(context: &Context, object: &ManifestSync) -> Result<Keyring, Failure> {
    let Some(decryption) = object.spec.decryption.as_ref() else { return Ok(Keyring::default()) };
    let Some(secret) = decryption.secret_ref.as_ref() else { return Ok(Keyring::default()) };
    let options = ImportOptions::recommended();
    // Only ever from the namespace of the object.
    let client = context.client.clone();
    let imported = sops_kube::load_keyring(client, object.namespace(), &secret.name, &options).await?;
    for ignored in &imported.report.ignored {
        if let Some(hint) = ignored.hint {
            event(context, object, "Warning", "KeyIgnored", &format!("{}: {hint}", ignored.name)).await;
        }
    }
    Ok(imported.require_non_empty()?)
}

/// The client that applies: our own, or a service account of the tenant.
fn client_of(context: &Context, object: &ManifestSync) -> Result<Client, Failure> {
    let Some(account) = &object.spec.service_account_name else { return Ok(context.client.clone()) };
    let mut config =
        context.config.clone().ok_or_else(|| Failure::new("ReconciliationFailed", "nobody can be impersonated"))?;
    config.auth_info.impersonate = Some(format!("system:serviceaccount:{}:{account}", object.namespace()));
    Client::try_from(config).map_err(|_| Failure::new("ReconciliationFailed", "nobody can be impersonated"))
}

fn api(context: &Context, object: &ManifestSync) -> Api<ManifestSync> {
    Api::namespaced(context.client.clone(), object.namespace())
}

/// Puts the finalizer on.
async fn hold(context: &Context, object: &ManifestSync) -> Result<(), Failure> {
    if object.finalizers().iter().any(|f| f == FINALIZER) {
        return Ok(());
    }
    let mut finalizers = object.finalizers().to_vec();
    finalizers.push(FINALIZER.into());
    set_finalizers(context, object, &finalizers).await
}

async fn set_finalizers(context: &Context, object: &ManifestSync, finalizers: &[String]) -> Result<(), Failure> {
    let patch = json!({"metadata": {"finalizers": finalizers}});
    let patched = api(context, object).patch(object.name(), &PatchParams::default(), &Patch::Merge(&patch)).await;
    patched.map(drop).map_err(|error| of_server("the finalizer", &error))
}

/// Prunes what was applied and lets the object go.
async fn delete(context: &Context, object: &ManifestSync) -> Result<Ended, Failure> {
    if object.finalizers().iter().any(|f| f == FINALIZER) {
        if object.spec.prune {
            let mut kinds = Kinds::new(client_of(context, object)?);
            apply::prune(&mut kinds, object, &object.status.inventory).await?;
        }
        let left: Vec<String> = object.finalizers().iter().filter(|f| *f != FINALIZER).cloned().collect();
        set_finalizers(context, object, &left).await?;
    }
    Ok(Ended { is_ready: true, next: Next::Never })
}

/// Writes the status, where it says something new; an event where readiness changed.
async fn report(
    context: &Context,
    object: &ManifestSync,
    progress: Progress,
    failure: Option<&Failure>,
) -> Result<(), Failure> {
    let generation = object.metadata.generation.unwrap_or_default();
    let (status, reason, message) = match (failure, &progress.revision) {
        (None, Some(revision)) => ("True", "ReconciliationSucceeded", format!("Applied revision: {revision}")),
        (None, None) => ("True", "ReconciliationSucceeded", String::new()),
        (Some(failure), _) => ("False", failure.reason, failure.message.clone()),
    };
    let attempted = progress.revision.clone().or_else(|| object.status.last_attempted_revision.clone());
    let was = object.ready();
    // The same inputs failed before: waiting does not help.
    let is_stalled = failure.is_some_and(|f| matches!(f.class, Class::UserError | Class::Denied))
        && was
            .is_some_and(|was| was.status == "False" && was.reason == reason && was.observed_generation == generation)
        && object.status.last_attempted_revision == attempted;
    let condition = |kind: &str, status: &str, reason: &str, message: &str| {
        let was = object.status.conditions.iter().find(|condition| condition.kind == kind);
        let since = was.filter(|was| was.status == status).map(|was| was.last_transition_time.clone());
        Condition {
            kind: kind.into(),
            status: status.into(),
            reason: reason.into(),
            message: message.into(),
            observed_generation: generation,
            last_transition_time: since.unwrap_or_else(now),
        }
    };
    let mut conditions = vec![condition("Ready", status, reason, &message)];
    if is_stalled {
        conditions.push(condition("Stalled", "True", reason, "the same revision failed before"));
    } else if failure.is_some() {
        conditions.push(condition("Reconciling", "True", "ProgressingWithRetry", "it is tried again"));
    }
    let new = Status {
        observed_generation: Some(generation),
        last_applied_revision: match failure {
            None => progress.revision.clone(),
            Some(_) => object.status.last_applied_revision.clone(),
        },
        last_attempted_revision: attempted,
        last_handled_reconcile_at: object.annotations().get("reconcile.fluxcd.io/requestedAt").cloned(),
        inventory: progress.inventory,
        conditions,
    };
    if new == object.status {
        return Ok(());
    }
    let is_news = was.is_none_or(|was| was.status != status || was.reason != reason || was.message != message);
    let body = serde_json::to_value(&new).unwrap_or_default();
    patch_status(context, object, body).await?;
    if is_news {
        let kind = if status == "True" { "Normal" } else { "Warning" };
        event(context, object, kind, reason, &message).await;
    }
    Ok(())
}

async fn patch_status(context: &Context, object: &ManifestSync, status: serde_json::Value) -> Result<(), Failure> {
    let patch = json!({"status": status});
    let patched =
        api(context, object).patch_status(object.name(), &PatchParams::default(), &Patch::Merge(&patch)).await;
    patched.map(drop).map_err(|error| of_server("the status", &error))
}

/// Records an event; a pass does not fail for want of one.
async fn event(context: &Context, object: &ManifestSync, kind: &str, reason: &str, message: &str) {
    let body = json!({
        "metadata": {"generateName": format!("{}-", object.name()), "namespace": object.namespace()},
        "involvedObject": {"apiVersion": object.api_version, "kind": object.kind, "name": object.name(),
                           "namespace": object.namespace(), "uid": object.metadata.uid},
        "type": kind, "reason": reason, "message": message.chars().take(1000).collect::<String>(),
        "source": {"component": MANAGER}, "count": 1, "firstTimestamp": now(), "lastTimestamp": now(),
    });
    if let Ok(event) = serde_json::from_value::<Event>(body) {
        let events: Api<Event> = Api::namespaced(context.client.clone(), object.namespace());
        let _best_effort = events.create(&PostParams::default(), &event).await;
    }
}

fn now() -> String {
    let seconds =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs() as i64;
    // Civil date from days since 1970, after Howard Hinnant.
    let days = seconds.div_euclid(86_400) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let rest = seconds.rem_euclid(86_400);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
}

/// `90s`, `1m`, `1h30m`.
fn duration(text: Option<&str>) -> Option<Duration> {
    let (mut total, mut number) = (0u64, String::new());
    for c in text?.chars() {
        match c {
            '0'..='9' => number.push(c),
            's' | 'm' | 'h' => {
                let unit = match c {
                    's' => 1,
                    'm' => 60,
                    _ => 3600,
                };
                total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(unit)?)?;
                number.clear();
            }
            _ => return None,
        }
    }
    number.is_empty().then(|| Duration::from_secs(total))
}

/// Up to a tenth later, by the name, so that objects do not all wake at once.
fn jittered(interval: Duration, name: &str) -> Duration {
    let sum: u64 = name.bytes().map(u64::from).sum();
    interval + interval / 10 * (sum % 100) as u32 / 100
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_durations_are_written_as_the_api_has_them() {
        assert_eq!(now().len(), 20);
        assert_eq!(duration(Some("1h30m5s")), Some(Duration::from_secs(5405)));
        assert_eq!((duration(Some("5")), duration(Some("x")), duration(None)), (None, None, None));
    }
}
