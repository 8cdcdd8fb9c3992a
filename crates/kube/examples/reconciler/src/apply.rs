//! Applying and pruning: server-side, in stages, with one field manager; only what carries our labels is ever deleted.

use crate::api::{Entry, MANAGER, ManifestSync, OWNER_NAME, OWNER_NAMESPACE, PRUNE};
use crate::failure::{Failure, of_server};
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, Patch, PatchParams};
use kube::core::GroupVersionKind;
use kube::discovery::{Scope, pinned_kind};
use kube::{Client, ResourceExt as _};
use serde_json::{Value, json};
use sops_kube::{Manifest, ObjectId};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// What a pass did to the cluster.
#[derive(Debug, Default)]
pub struct Applied {
    /// Objects that changed: the fields, never their values.
    pub changed: Vec<(Entry, Vec<String>)>,
}

/// Kinds that were looked up.
pub struct Kinds {
    client: Client,
    known: HashMap<GroupVersionKind, (ApiResource, Scope)>,
}

/// One object, ready to be sent.
pub struct Planned {
    pub entry: Entry,
    object: Manifest,
}

impl Kinds {
    pub fn new(client: Client) -> Kinds {
        Kinds { client, known: HashMap::new() }
    }

    async fn api(&mut self, entry: &Entry) -> Result<Api<DynamicObject>, Failure> {
        let (group, version) = entry.api_version.split_once('/').unwrap_or(("", &entry.api_version));
        let kind = GroupVersionKind::gvk(group, version, &entry.kind);
        let (resource, scope) = match self.known.get(&kind) {
            Some(known) => known.clone(),
            None => {
                let found = pinned_kind(&self.client, &kind).await;
                let (resource, capabilities) =
                    found.map_err(|error| of_server(&format!("kind {}", entry.kind), &error))?;
                self.known.insert(kind, (resource.clone(), capabilities.scope.clone()));
                (resource, capabilities.scope)
            }
        };
        let client = self.client.clone();
        Ok(match scope {
            Scope::Cluster => Api::all_with(client, &resource),
            Scope::Namespaced => Api::namespaced_with(client, &entry.namespace, &resource),
        })
    }
}

/// Labels objects as those of `owner` and says who they are.
pub fn planned(objects: Vec<Manifest>, owner: &ManifestSync) -> Result<Vec<Planned>, Failure> {
    let mut planned = Vec::new();
    for object in objects {
        let id = ObjectId::of(&object)
            .ok_or_else(|| Failure::new("BuildFailed", "an object without apiVersion, kind or name"))?;
        let namespace = if id.namespace.is_empty() { owner.namespace().to_owned() } else { id.namespace };
        let entry = Entry { api_version: id.api_version, kind: id.kind, namespace, name: id.name };
        let mut value = object.into_inner();
        if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
            let labels = metadata.entry("labels").or_insert_with(|| json!({}));
            if let Some(labels) = labels.as_object_mut() {
                labels.insert(OWNER_NAME.into(), owner.name().into());
                labels.insert(OWNER_NAMESPACE.into(), owner.namespace().into());
            }
        }
        planned.push(Planned { entry, object: Manifest::new(value) });
    }
    planned.sort_by_key(|planned| stage(&planned.entry));
    Ok(planned)
}

/// What others need goes first.
fn stage(entry: &Entry) -> u8 {
    match entry.kind.as_str() {
        "Namespace" => 0,
        "CustomResourceDefinition" => 1,
        _ => 2,
    }
}

/// Applies all objects. Errors are collected; after any of them nothing is to be pruned.
pub async fn apply(kinds: &mut Kinds, planned: &[Planned]) -> Result<Applied, Failure> {
    let mut applied = Applied::default();
    let mut failures: Vec<Failure> = Vec::new();
    let mut definitions = Vec::new();
    let mut at = 0;
    for planned in planned {
        if stage(&planned.entry) != at {
            at = stage(&planned.entry);
            established(kinds, &definitions).await?;
        }
        match one(kinds, planned).await {
            Ok(Some(fields)) => applied.changed.push((planned.entry.clone(), fields)),
            Ok(None) => {}
            Err(failure) => failures.push(failure),
        }
        if at == 1 {
            definitions.push(planned.entry.clone());
        }
    }
    let Some(mut first) = failures.first().cloned() else { return Ok(applied) };
    if failures.len() > 1 {
        first.message = failures.iter().map(|f| f.message.clone()).collect::<Vec<_>>().join("; ");
    }
    Err(first)
}

/// Applies one object; the fields that changed, if any did.
async fn one(kinds: &mut Kinds, planned: &Planned) -> Result<Option<Vec<String>>, Failure> {
    let entry = &planned.entry;
    let doing = entry.to_string();
    let api = kinds.api(entry).await?;
    let before = api.get_opt(&entry.name).await.map_err(|error| of_server(&doing, &error))?;
    let mut object = planned.object.clone().into_inner();
    let namespaced = api.resource_url().contains("/namespaces/");
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut)
        && namespaced
    {
        metadata.insert("namespace".into(), entry.namespace.clone().into());
    }
    let parameters = PatchParams::apply(MANAGER).force();
    let after = api.patch(&entry.name, &parameters, &Patch::Apply(&object)).await;
    let after = after.map_err(|error| of_server(&doing, &error))?;
    drop(Manifest::new(object));
    Ok(match before {
        None => Some(Vec::new()),
        Some(before) if before.resource_version() == after.resource_version() => None,
        Some(before) => Some(changed(&before.data, &after.data)),
    })
}

/// The places where two objects differ.
fn changed(before: &Value, after: &Value) -> Vec<String> {
    let (before, after) = (leaves(before), leaves(after));
    let names = before.keys().chain(after.keys()).collect::<std::collections::BTreeSet<_>>();
    names.into_iter().filter(|name| before.get(*name) != after.get(*name)).cloned().collect()
}

fn leaves(value: &Value) -> BTreeMap<String, &Value> {
    let mut found = BTreeMap::new();
    let mut open = vec![(String::new(), value)];
    while let Some((path, value)) = open.pop() {
        let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        match value {
            Value::Object(members) => open.extend(members.iter().map(|(key, value)| (below(key), value))),
            _ => {
                found.insert(path, value);
            }
        }
    }
    found
}

/// Waits until definitions can be used.
async fn established(kinds: &mut Kinds, definitions: &[Entry]) -> Result<(), Failure> {
    for entry in definitions {
        let api = kinds.api(entry).await?;
        let mut is_ready = false;
        for _ in 0..100 {
            let found = api.get_opt(&entry.name).await.map_err(|error| of_server(&entry.to_string(), &error))?;
            let conditions = found.and_then(|f| f.data.pointer("/status/conditions").cloned());
            is_ready = conditions
                .as_ref()
                .and_then(Value::as_array)
                .is_some_and(|all| all.iter().any(|c| c["type"] == "Established" && c["status"] == "True"));
            if is_ready {
                break;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        if !is_ready {
            return Err(Failure::transient("ReconciliationFailed", format!("{entry} is not established")));
        }
    }
    Ok(())
}

/// Deletes what is in the old inventory only, if it is still ours.
pub async fn prune(kinds: &mut Kinds, owner: &ManifestSync, gone: &[Entry]) -> Result<Vec<Entry>, Failure> {
    let mut pruned = Vec::new();
    for entry in gone {
        let prefix = |failure: Failure| Failure { reason: "PruneFailed", ..failure };
        let api = kinds.api(entry).await.map_err(prefix)?;
        let doing = entry.to_string();
        let found = api.get_opt(&entry.name).await.map_err(|error| prefix(of_server(&doing, &error)))?;
        let Some(found) = found else { continue };
        let is_ours = found.labels().get(OWNER_NAME).map(String::as_str) == Some(owner.name())
            && found.labels().get(OWNER_NAMESPACE).map(String::as_str) == Some(owner.namespace());
        let is_kept = found.annotations().get(PRUNE).is_some_and(|value| value == "disabled");
        if !is_ours || is_kept {
            continue;
        }
        let deleted = api.delete(&entry.name, &DeleteParams::background()).await;
        deleted.map_err(|error| prefix(of_server(&doing, &error)))?;
        pruned.push(entry.clone());
    }
    Ok(pruned)
}
