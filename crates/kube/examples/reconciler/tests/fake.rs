//! A pass against an API server in memory: the story, and everything that goes wrong.

mod server;

use serde_json::{Value, json};
use server::Server;
use sops_core::keys::age::{AgeIdentities, AgeRecipients};
use sops_core::{Format, PlainDocument, Sealer, config::Config};
use sops_reconciler::api::ManifestSync;
use sops_reconciler::metrics::Metrics;
use sops_reconciler::pass::{self, Context};
use std::sync::Arc;

const CANARIES: [&str; 4] = ["s3cr3t", "n3wer", "AGE-SECRET-KEY", "czNjcjN0"];
const OBJECT: &str = "/apis/sync.sops-rs.example/v1alpha1/namespaces/tenant-a/manifestsyncs/app";
const SECRET: &str = "/api/v1/namespaces/tenant-a/secrets/db";
const KEYS: &str = "/api/v1/namespaces/tenant-a/secrets/sops-age";

struct World {
    server: Server,
    context: Context,
    folder: tempfile::TempDir,
    identity: String,
    recipient: String,
}

impl World {
    fn new() -> World {
        let (identity, recipient) = AgeIdentities::generate_text();
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir_all(folder.path().join("source/deploy")).expect("made");
        let server = Server::default();
        let scratch = folder.path().join("scratch");
        std::fs::create_dir(&scratch).expect("made");
        let metrics = Arc::new(Metrics::default());
        let context = Context { client: server.client(), config: None, metrics, scratch };
        let world = World { server, context, folder, identity: identity.to_string(), recipient };
        world.keys("age.agekey", &world.identity);
        world.server.put(
            OBJECT,
            json!({
                "apiVersion": "sync.sops-rs.example/v1alpha1", "kind": "ManifestSync",
                "metadata": {"name": "app", "namespace": "tenant-a", "generation": 1, "uid": "u"},
                "spec": {"source": {"directory": world.folder.path().join("source")}, "path": "deploy", "prune": true,
                         "decryption": {"provider": "sops", "secretRef": {"name": "sops-age"}}},
            }),
        );
        world.write("db.yaml", &world.seal("s3cr3t"));
        world
    }

    fn keys(&self, entry: &str, text: &str) {
        self.server.put(
            KEYS,
            json!({"apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": "sops-age", "namespace": "tenant-a"}, "data": {entry: base64(text)}}),
        );
    }

    fn seal(&self, password: &str) -> String {
        let text = format!(
            "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\ndata:\n  user: YWRtaW4=\n  password: {}\n",
            base64(password)
        );
        let config = format!("creation_rules: [{{age: {}, encrypted_regex: '^(data|stringData)$'}}]", self.recipient);
        let config = Config::parse(config.as_bytes()).expect("readable");
        let recipe = config.recipe_for("x").expect("readable").expect("a rule");
        let plain = PlainDocument::parse(Format::Yaml, text.as_bytes()).expect("plain");
        let keys = sops_core::Keyring::new().with(AgeRecipients);
        let sealed = Sealer::create(recipe, &keys).expect("a sealer").seal(&plain, 1_780_272_000).expect("seals");
        String::from_utf8(sealed).expect("text")
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join("source/deploy").join(name), text).expect("written");
    }

    /// One pass; whether it ended ready. Nothing that anyone can read afterwards holds a value.
    async fn reconcile(&self) -> bool {
        let object: ManifestSync =
            serde_json::from_value(self.server.get(OBJECT).expect("the object")).expect("readable");
        let ended = pass::run(&self.context, &object).await;
        let told = format!("{:?} {:?}", self.server.get(OBJECT), self.server.events());
        assert!(!CANARIES.iter().any(|canary| told.contains(canary)), "{told}");
        let left = std::fs::read_dir(&self.context.scratch).expect("readable").count();
        assert_eq!(left, 0, "a plain file is left");
        match ended {
            Ok(ended) => ended.is_ready,
            Err(failure) => {
                assert!(!CANARIES.iter().any(|canary| format!("{failure:?}").contains(canary)), "{failure:?}");
                false
            }
        }
    }

    fn ready(&self) -> Value {
        let object = self.server.get(OBJECT).expect("the object");
        object["status"]["conditions"][0].clone()
    }

    fn revision(&self, name: &str) -> String {
        self.server.get(OBJECT).expect("the object")["status"][name].as_str().unwrap_or_default().to_owned()
    }

    fn expect_failure(&self, reason: &str, texts: &[&str]) {
        let ready = self.ready();
        assert_eq!((ready["status"].as_str(), ready["reason"].as_str()), (Some("False"), Some(reason)), "{ready}");
        for text in texts {
            assert!(ready["message"].as_str().is_some_and(|message| message.contains(text)), "{text}: {ready}");
        }
    }
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

fn password(world: &World) -> Option<String> {
    Some(world.server.get(SECRET)?["data"]["password"].as_str()?.to_owned())
}

#[tokio::test]
async fn the_story_and_then_nothing_happens_again() {
    let world = World::new();
    assert!(world.reconcile().await);
    let secret = world.server.get(SECRET).expect("the Secret");
    assert_eq!(secret["data"], json!({"user": "YWRtaW4=", "password": base64("s3cr3t")}));
    assert!(secret.get("sops").is_none());
    assert_eq!(world.ready()["status"], "True");
    assert!(world.revision("lastAppliedRevision").starts_with("sha256:"));
    let (version, events) = (secret["metadata"]["resourceVersion"].clone(), world.server.events().len());
    assert!(world.reconcile().await);
    assert_eq!(world.server.get(SECRET).expect("there")["metadata"]["resourceVersion"], version);
    assert_eq!(world.server.events().len(), events);
}

#[tokio::test]
async fn drift_is_repaired_and_the_event_names_the_field() {
    let world = World::new();
    assert!(world.reconcile().await);
    world.server.change(SECRET, |secret| secret["data"]["password"] = json!("ZHJpZnQ="));
    assert!(world.reconcile().await);
    assert_eq!(password(&world), Some(base64("s3cr3t")));
    let event = world.server.events().pop().expect("an event");
    assert!(event["message"].as_str().is_some_and(|m| m.contains("db: changed data.password")), "{event}");
}

#[tokio::test]
async fn a_tampered_file_changes_nothing_and_is_named() {
    let world = World::new();
    assert!(world.reconcile().await);
    let applied = world.revision("lastAppliedRevision");
    let blank = |line: &str| match line.starts_with("  password:") {
        true => "  password: \"\"\n".to_owned(),
        false => format!("{line}\n"),
    };
    world.write("db.yaml", &world.seal("n3wer").lines().map(blank).collect::<String>());
    assert!(!world.reconcile().await);
    world.expect_failure("IntegrityCheckFailed", &["deploy/db.yaml"]);
    assert_eq!(password(&world), Some(base64("s3cr3t")));
    assert_eq!(world.revision("lastAppliedRevision"), applied);
    assert_ne!(world.revision("lastAttemptedRevision"), applied);
    world.server.change(OBJECT, |object| object["spec"]["policy"] = json!("flux-compat"));
    assert!(world.reconcile().await, "{}", world.ready());
    assert_eq!(password(&world), Some(String::new()), "as Flux would");
    world.server.change(OBJECT, |object| object["spec"]["policy"] = json!("recommended"));
    world.write("db.yaml", &world.seal("n3wer"));
    assert!(world.reconcile().await);
    assert_eq!(password(&world), Some(base64("n3wer")));
}

#[tokio::test]
async fn what_is_wrong_with_the_keys_is_said() {
    let world = World::new();
    let (other, other_recipient) = AgeIdentities::generate_text();
    world.server.remove(KEYS);
    assert!(!world.reconcile().await);
    world.expect_failure("DecryptionSecretNotFound", &["tenant-a/sops-age"]);
    world.keys("age.key", &world.identity);
    assert!(!world.reconcile().await);
    world.expect_failure("DecryptionKeyMissing", &["age.key", "looks like an age identity", "must end in .agekey"]);
    world.keys("age.agekey", &other);
    assert!(!world.reconcile().await);
    world.expect_failure("DecryptionKeyMissing", &[&world.recipient, &other_recipient]);
    world.keys("age.agekey", &format!("{}\n{}\n", *other, world.identity));
    assert!(world.reconcile().await);
    assert_eq!(password(&world), Some(base64("s3cr3t")));
}

#[tokio::test]
async fn only_what_is_ours_is_pruned_and_never_after_an_error() {
    let world = World::new();
    let map = "/api/v1/namespaces/tenant-a/configmaps/mine";
    world.server.put(map, json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "mine"}}));
    assert!(world.reconcile().await);
    std::fs::remove_file(world.folder.path().join("source/deploy/db.yaml")).expect("removed");
    world.write("broken.yaml", "kind: Secret\nsops: x\n");
    assert!(!world.reconcile().await);
    assert!(world.server.get(SECRET).is_some(), "nothing is pruned after an error");
    std::fs::remove_file(world.folder.path().join("source/deploy/broken.yaml")).expect("removed");
    assert!(world.reconcile().await);
    assert!(world.server.get(SECRET).is_none());
    assert!(world.server.get(map).is_some() && world.server.get(KEYS).is_some());
    assert_eq!(world.server.get(OBJECT).expect("there")["status"]["inventory"], json!([]));
}

#[tokio::test]
async fn a_deleted_object_takes_what_it_applied_with_it() {
    let world = World::new();
    assert!(world.reconcile().await);
    assert_eq!(
        world.server.get(OBJECT).expect("there")["metadata"]["finalizers"],
        json!(["sync.sops-rs.example/finalizer"])
    );
    world.server.change(OBJECT, |object| object["metadata"]["deletionTimestamp"] = json!("2026-11-25T00:00:00Z"));
    assert!(world.reconcile().await);
    assert!(world.server.get(SECRET).is_none());
    assert_eq!(world.server.get(OBJECT).expect("there")["metadata"]["finalizers"], json!([]));
}

#[tokio::test]
async fn a_suspended_object_is_left_alone() {
    let world = World::new();
    world.server.change(OBJECT, |object| object["spec"]["suspend"] = json!(true));
    assert!(world.reconcile().await);
    assert!(world.server.get(SECRET).is_none());
}

#[tokio::test]
async fn a_refusal_of_the_server_is_told_without_its_words() {
    let world = World::new();
    world.server.refuse(SECRET, 422, "Invalid value: s3cr3t");
    assert!(!world.reconcile().await);
    world.expect_failure("ReconciliationFailed", &["db", "422"]);
    world.server.refuse(SECRET, 403, "secrets \"db\" is forbidden: User \"x\" cannot patch resource");
    assert!(!world.reconcile().await);
    world.expect_failure("ReconciliationFailed", &["is forbidden"]);
    world.server.allow();
    assert!(world.reconcile().await);
}

#[tokio::test]
async fn a_pass_that_was_killed_between_two_objects_is_taken_up_again() {
    let world = World::new();
    world.write("a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n");
    world.server.refuse(SECRET, 500, "gone");
    assert!(!world.reconcile().await);
    // The first object is there, and what may exist stands in the inventory.
    assert!(world.server.get("/api/v1/namespaces/tenant-a/configmaps/a").is_some());
    let inventory = world.server.get(OBJECT).expect("there")["status"]["inventory"].clone();
    assert_eq!(inventory.as_array().map(Vec::len), Some(2));
    world.server.allow();
    assert!(world.reconcile().await);
    assert_eq!(password(&world), Some(base64("s3cr3t")));
}

#[tokio::test]
async fn a_server_that_is_away_ends_the_pass_and_the_next_one_goes_on() {
    let world = World::new();
    world.server.stop(true);
    assert!(!world.reconcile().await);
    world.server.stop(false);
    assert!(world.reconcile().await);
    assert_eq!(password(&world), Some(base64("s3cr3t")));
}
