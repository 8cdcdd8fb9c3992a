//! An API server in memory: objects by path, server-side apply as a merge, status, events, refusals on demand.

use http::{Method, Request, Response};
use http_body_util::BodyExt as _;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

#[derive(Clone, Default)]
pub struct Server(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    objects: BTreeMap<String, Value>,
    events: Vec<Value>,
    version: u64,
    refusal: Option<(String, u16, String)>,
    is_down: bool,
}

impl Server {
    pub fn client(&self) -> Client {
        let server = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let server = server.clone();
            async move {
                let (parts, body) = request.into_parts();
                let body = body.collect().await.map(|b| b.to_bytes().to_vec()).unwrap_or_default();
                let kind =
                    parts.headers.get("content-type").and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
                let (status, value) = server.answer(&parts.method, parts.uri.path(), &kind, &body);
                let response = Response::builder().status(status).header("content-type", "application/json");
                Ok::<_, Infallible>(response.body(Body::from(value.to_string().into_bytes())).expect("a response"))
            }
        });
        Client::new(service, "default")
    }

    pub fn get(&self, path: &str) -> Option<Value> {
        self.0.lock().expect("not poisoned").objects.get(path).cloned()
    }

    pub fn put(&self, path: &str, value: Value) {
        self.0.lock().expect("not poisoned").store(path, value);
    }

    pub fn remove(&self, path: &str) {
        self.0.lock().expect("not poisoned").objects.remove(path);
    }

    pub fn change(&self, path: &str, change: impl FnOnce(&mut Value)) {
        let mut state = self.0.lock().expect("not poisoned");
        let mut value = state.objects.get(path).cloned().expect("an object");
        change(&mut value);
        state.store(path, value);
    }

    pub fn events(&self) -> Vec<Value> {
        self.0.lock().expect("not poisoned").events.clone()
    }

    pub fn refuse(&self, path: &str, code: u16, message: &str) {
        self.0.lock().expect("not poisoned").refusal = Some((path.into(), code, message.into()));
    }

    pub fn allow(&self) {
        self.0.lock().expect("not poisoned").refusal = None;
    }

    pub fn stop(&self, is_down: bool) {
        self.0.lock().expect("not poisoned").is_down = is_down;
    }

    fn answer(&self, method: &Method, path: &str, kind: &str, body: &[u8]) -> (u16, Value) {
        let mut state = self.0.lock().expect("not poisoned");
        if state.is_down {
            return failed(503, "down");
        }
        if let Some((refused, code, message)) = &state.refusal
            && refused == path
            && *method == Method::PATCH
        {
            return failed(*code, message);
        }
        if path == "/api/v1" {
            return (200, resources());
        }
        let value: Value = serde_json::from_slice(body).unwrap_or_default();
        match *method {
            Method::GET => match state.objects.get(path) {
                Some(found) => (200, found.clone()),
                None => failed(404, "not found"),
            },
            Method::POST if path.ends_with("/events") => {
                state.events.push(value.clone());
                (201, value)
            }
            Method::DELETE => match state.objects.remove(path) {
                Some(found) => (200, found),
                None => failed(404, "not found"),
            },
            Method::PATCH => state.patch(path, kind, value),
            _ => failed(405, "not allowed"),
        }
    }
}

impl State {
    fn store(&mut self, path: &str, mut value: Value) -> Value {
        let old = self.objects.get(path).map(|old| without_version(old));
        if old.as_ref() == Some(&without_version(&value)) {
            return self.objects[path].clone();
        }
        self.version += 1;
        value["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.objects.insert(path.to_owned(), value.clone());
        value
    }

    fn patch(&mut self, path: &str, kind: &str, patch: Value) -> (u16, Value) {
        let (place, is_status) = match path.strip_suffix("/status") {
            Some(place) => (place, true),
            None => (path, false),
        };
        let is_apply = kind.contains("apply-patch");
        let Some(mut value) = self.objects.get(place).cloned().or_else(|| is_apply.then(|| json!({}))) else {
            return failed(404, "not found");
        };
        let patch = if is_status { json!({"status": patch["status"]}) } else { patch };
        merge(&mut value, &patch);
        (200, self.store(place, value))
    }
}

fn without_version(value: &Value) -> Value {
    let mut value = value.clone();
    if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("resourceVersion");
    }
    value
}

fn merge(value: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *value = patch.clone();
        return;
    };
    if !value.is_object() {
        *value = json!({});
    }
    for (key, change) in patch {
        match change {
            Value::Null => drop(value.as_object_mut().expect("an object").remove(key)),
            _ => merge(&mut value[key], change),
        }
    }
}

fn failed(code: u16, message: &str) -> (u16, Value) {
    let reason = match code {
        403 => "Forbidden",
        404 => "NotFound",
        422 => "Invalid",
        _ => "Unknown",
    };
    (
        code,
        json!({"apiVersion": "v1", "kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": message}),
    )
}

fn resources() -> Value {
    let resource = |name: &str, kind: &str, namespaced: bool| json!({"name": name, "singularName": "", "kind": kind, "namespaced": namespaced, "verbs": ["get", "patch", "delete", "list"]});
    json!({"apiVersion": "v1", "kind": "APIResourceList", "groupVersion": "v1", "resources": [
        resource("secrets", "Secret", true), resource("configmaps", "ConfigMap", true),
        resource("namespaces", "Namespace", false),
    ]})
}
