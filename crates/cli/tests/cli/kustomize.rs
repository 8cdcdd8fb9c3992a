//! As a plugin of kustomize: each case as a KRM function, with `kubectl kustomize` as a legacy plugin, and with `kustomize`
//! as a function, where those programs are present.

use crate::world::{ALICE, World};
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn say(text: &str) {
    let _printed = writeln!(std::io::stdout().lock(), "{text}");
}

fn folder() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden/kube");
    let folder = std::env::var_os("SOPS_KUBE_CASES").map_or(beside, PathBuf::from);
    folder.is_dir().then_some(folder)
}

fn has(program: &str) -> bool {
    Command::new(program).arg("version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// One case, laid out in a world whose `ksops` is our command.
struct Laid {
    world: World,
    identities: String,
    wanted: Option<Vec<Value>>,
}

impl Laid {
    fn new(dir: &Path) -> Laid {
        let world = World::new();
        for part in ["project", "legacy"] {
            for entry in std::fs::read_dir(dir.join("project")).expect("a project") {
                let path = entry.expect("an entry").path();
                let name = format!("{part}/{}", path.file_name().expect("a name").to_string_lossy());
                std::fs::create_dir_all(world.path(part)).expect("made");
                world.write(&name, std::fs::read(&path).expect("readable"));
            }
        }
        world.write("legacy/gen.yaml", std::fs::read(dir.join("legacy/gen.yaml")).expect("a configuration"));
        for place in ["bin", "home/.config/kustomize/plugin/viaduct.ai/v1/ksops"] {
            let folder = world.place(place);
            std::fs::create_dir_all(&folder).expect("made");
            std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_sops"), folder.join("ksops")).expect("linked");
        }
        let toml = std::fs::read_to_string(dir.join("case.toml")).expect("case.toml");
        let wanted = toml.contains("build_exit = 0").then(|| {
            serde_json::from_slice(&std::fs::read(dir.join("expected.json")).expect("expected.json")).expect("JSON")
        });
        let secret = std::fs::read_to_string(dir.join("secret.yaml")).expect("secret.yaml");
        Laid { world, identities: identities(&secret), wanted }
    }

    fn command(&self, program: impl AsRef<Path>, part: &str) -> Command {
        let mut command = self.world.command(program);
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{}:{path}", self.world.place("bin").display()));
        command.env("SOPS_AGE_KEY", &self.identities).current_dir(self.world.path(part));
        command
    }

    /// Compares what came out with what should; the order of objects does not count.
    fn judge(&self, how: &str, output: &Output, found: impl FnOnce(&[u8]) -> Vec<Value>) -> Result<(), String> {
        let stderr = String::from_utf8_lossy(&output.stderr);
        let Some(wanted) = &self.wanted else {
            let leaked = ["s3cr3t", "AGE-SECRET-KEY"].iter().find(|canary| stderr.contains(*canary));
            return match (output.status.success(), leaked) {
                (true, _) => Err(format!("{how}: succeeds")),
                (false, Some(canary)) => Err(format!("{how}: {canary} in {stderr}")),
                (false, None) => Ok(()),
            };
        };
        if !output.status.success() {
            return Err(format!("{how}: {stderr}"));
        }
        let text = |values: &[Value]| {
            let mut texts: Vec<String> = values.iter().map(|v| sorted(v).to_string()).collect();
            texts.sort();
            texts
        };
        let (found, wanted) = (text(&found(&output.stdout)), text(wanted));
        if found == wanted { Ok(()) } else { Err(format!("{how}: found {found:?}, wanted {wanted:?}")) }
    }

    /// As a function, called as kustomize calls a generator.
    fn as_function(&self) -> Result<(), String> {
        let config: Value = serde_json::from_slice(&self.world.read("project/gen.yaml")).expect("JSON");
        let list = json!({"apiVersion": "config.kubernetes.io/v1", "kind": "ResourceList",
                          "functionConfig": config, "items": [config]});
        self.world.write("list.json", list.to_string());
        let input = std::fs::File::open(self.world.path("list.json")).expect("opens");
        let output = self.command(self.world.place("bin/ksops"), "project").stdin(input).output().expect("runs");
        let kustomization = String::from_utf8(self.world.read("project/kustomization.yaml")).expect("text");
        let is_changed = kustomization.trim() != r#"{"generators": ["gen.yaml"]}"#
            || String::from_utf8_lossy(&output.stdout).contains("needs-hash");
        if is_changed {
            return if output.status.success() { Ok(()) } else { Err("function fails".into()) };
        }
        self.judge("function", &output, |text| {
            let list: Value = serde_json::from_slice(text).expect("a ResourceList");
            list["items"].as_array().cloned().expect("items")
        })
    }
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members: std::collections::BTreeMap<_, _> =
                members.iter().map(|(k, v)| (k.clone(), sorted(v))).collect();
            members.into_iter().collect::<serde_json::Map<_, _>>().into()
        }
        Value::Array(elements) => elements.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

fn identities(secret: &str) -> String {
    let secret: Value = serde_yaml::from_str(secret).expect("a Secret");
    let decode = |text: &Value| {
        let output = Command::new("base64").arg("-d").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = output.expect("base64 runs");
        child.stdin.take().expect("piped").write_all(text.as_str().expect("text").as_bytes()).expect("written");
        String::from_utf8(child.wait_with_output().expect("runs").stdout).expect("text")
    };
    let data = secret["data"].as_object().expect("data");
    data.values().map(decode).collect::<Vec<_>>().join("\n")
}

fn stream(text: &[u8]) -> Vec<Value> {
    use serde::Deserialize as _;
    let text = std::str::from_utf8(text).expect("text");
    let values = serde_yaml::Deserializer::from_str(text).map(|document| Value::deserialize(document).expect("YAML"));
    values.filter(|value| !value.is_null()).collect()
}

#[test]
fn cases_of_the_plugin_hold_both_ways() {
    let Some(folder) = folder() else { return say("skipped kube plugin: no corpus") };
    let (kubectl, kustomize) = (has("kubectl"), has("kustomize"));
    for (program, is_there) in [("kubectl", kubectl), ("kustomize", kustomize)] {
        if !is_there {
            say(&format!("skipped kube plugin: builds with {program}, which is not there"));
        }
    }
    let mut dirs: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("readable").map(|e| e.expect("an entry").path()).collect();
    dirs.sort();
    let (mut ran, mut failures) = (0, Vec::new());
    for dir in dirs {
        let toml = std::fs::read_to_string(dir.join("case.toml")).unwrap_or_default();
        if !toml.contains("kind = \"krm\"") {
            continue;
        }
        ran += 1;
        let laid = Laid::new(&dir);
        let mut results = vec![laid.as_function()];
        if kubectl {
            let mut command = laid.command("kubectl", "legacy");
            let output = command.args(["kustomize", "--enable-alpha-plugins", "."]).output().expect("kubectl runs");
            results.push(laid.judge("kubectl", &output, stream));
        }
        if kustomize {
            let mut command = laid.command("kustomize", "project");
            let flags = ["build", "--enable-alpha-plugins", "--enable-exec", "."];
            results.push(laid.judge("kustomize", &command.args(flags).output().expect("kustomize runs"), stream));
        }
        let name = dir.file_name().expect("a name").to_string_lossy().into_owned();
        failures.extend(results.into_iter().filter_map(Result::err).map(|error| format!("{name}: {error}")));
    }
    say(&format!("cases kube plugin: {ran}, failed {}", failures.len()));
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    if std::env::var_os("SOPS_KUBE_CASES").is_none() {
        let counts = include_str!("../../../../fixtures/COUNTS");
        let least = counts.lines().find_map(|line| line.strip_prefix("cases kube plugin ")?.parse().ok());
        assert!(ran >= least.unwrap_or(0), "fewer cases than before: {ran}");
    }
}

#[test]
fn our_own_kind_stays_below_its_root() {
    let world = World::with_key();
    let recipient = crate::world::ALICE_RECIPIENT.trim();
    for place in ["app", "base"] {
        std::fs::create_dir(world.path(place)).expect("made");
        world.write(&format!("{place}/s.yaml"), format!("kind: Secret\nstringData:\n  at: {place}\n"));
        world.succeeds(&["encrypt", "-i", "--age", recipient, &format!("{place}/s.yaml")]);
    }
    let run = |members: &str| {
        world.write("app/gen.yaml", format!("kind: EncryptedResources\n{members}"));
        let mut command = world.command(env!("CARGO_BIN_EXE_sops"));
        command.args(["kustomize-plugin", "gen.yaml"]).current_dir(world.path("app")).output().expect("runs")
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let output = run("files: [s.yaml]\n");
    assert!(text(&output.stdout).contains("\"at\":\"app\""), "{}", text(&output.stderr));
    let output = run("root: ..\nfiles: [../base/s.yaml]\n");
    assert!(text(&output.stdout).contains("\"at\":\"base\""), "{}", text(&output.stderr));
    // Out and in again is out.
    let root = world.path("");
    let root = root.file_name().expect("a name").to_string_lossy();
    let around = format!("root: ..\nfiles: [../../{root}/base/s.yaml]\n");
    for members in ["files: [../base/s.yaml]\n", around.as_str(), "files: [/etc/hostname]\n"] {
        let output = run(members);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{members}");
        assert!(text(&output.stderr).contains("leaves the root"), "{}", text(&output.stderr));
    }
    assert!(!text(&output.stderr).contains(ALICE.lines().last().expect("an identity")));
}
