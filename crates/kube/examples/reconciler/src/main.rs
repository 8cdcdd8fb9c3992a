//! `sops-reconciler once`: one pass over every object, exit 0 if all are ready. `sops-reconciler run`: until it is told to stop.

use futures::StreamExt as _;
use k8s_openapi::api::core::v1::Secret;
use kube::runtime::controller::{Action, Controller};
use kube::runtime::reflector::ObjectRef;
use kube::runtime::watcher;
use kube::{Api, Client, Config};
use sops_reconciler::api::ManifestSync;
use sops_reconciler::metrics::{self, Metrics};
use sops_reconciler::pass::{self, Context, Next};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// Why the controller could not look after an object; the status says more where it could be written.
#[derive(Debug)]
struct Unhandled(String);

impl std::fmt::Display for Unhandled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unhandled {}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let Ok(config) = Config::infer().await else {
        eprintln!("error: no configuration of a cluster: neither a service account nor KUBECONFIG");
        return ExitCode::FAILURE;
    };
    let Ok(client) = Client::try_from(config.clone()) else {
        eprintln!("error: the configuration of the cluster cannot be used");
        return ExitCode::FAILURE;
    };
    let context = Arc::new(Context {
        client,
        config: Some(config),
        metrics: Arc::new(Metrics::default()),
        scratch: sops_reconciler::scratch(),
    });
    match std::env::args().nth(1).as_deref() {
        Some("once") => once(&context).await,
        Some("run") => run(context).await,
        _ => {
            eprintln!("usage: sops-reconciler once|run");
            ExitCode::FAILURE
        }
    }
}

async fn once(context: &Context) -> ExitCode {
    let objects: Api<ManifestSync> = Api::all(context.client.clone());
    let Ok(list) = objects.list(&Default::default()).await else {
        eprintln!("error: the objects cannot be listed");
        return ExitCode::FAILURE;
    };
    let mut is_ready = true;
    for object in &list.items {
        match pass::run(context, object).await {
            Ok(ended) => is_ready &= ended.is_ready,
            Err(failure) => {
                eprintln!("error: {}/{}: {}: {}", object.namespace(), object.name(), failure.reason, failure.message);
                is_ready = false;
            }
        }
    }
    if is_ready { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn run(context: Arc<Context>) -> ExitCode {
    let port = std::env::var("METRICS_ADDRESS").unwrap_or_else(|_| "127.0.0.1:8080".into());
    let metrics = context.metrics.clone();
    tokio::spawn(async move {
        if metrics::serve(metrics, &port).await.is_err() {
            eprintln!("warning: no metrics on {port}");
        }
    });
    let objects: Api<ManifestSync> = Api::all(context.client.clone());
    let secrets: Api<Secret> = Api::all(context.client.clone());
    let watched = watcher::Config::default().labels("reconcile.fluxcd.io/watch=Enabled");
    let controller = Controller::new(objects, watcher::Config::default());
    let store = controller.store();
    // A changed key counts at once, where its Secret asks for that.
    let mapper = move |secret: Secret| {
        let refers = |object: &ManifestSync| {
            let reference = object.spec.decryption.as_ref().and_then(|d| d.secret_ref.as_ref());
            secret.metadata.namespace.as_deref() == Some(object.namespace())
                && secret.metadata.name.as_deref() == reference.map(|r| r.name.as_str())
        };
        let found = store.state().into_iter().filter(|object| refers(object));
        found.map(|object| ObjectRef::from_obj(&*object)).collect::<Vec<_>>()
    };
    controller
        .watches(secrets, watched, mapper)
        .shutdown_on_signal()
        .run(reconcile, |_, _, _| Action::requeue(Duration::from_secs(15)), context)
        .for_each(|_| async {})
        .await;
    ExitCode::SUCCESS
}

async fn reconcile(object: Arc<ManifestSync>, context: Arc<Context>) -> Result<Action, Unhandled> {
    match pass::run(&context, &object).await {
        Ok(ended) => Ok(match ended.next {
            Next::After(after) => Action::requeue(after),
            Next::Never => Action::await_change(),
        }),
        Err(failure) => Err(Unhandled(format!("{}: {}", failure.reason, failure.message))),
    }
}
