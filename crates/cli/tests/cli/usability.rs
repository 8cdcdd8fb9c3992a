//! Several files, content that tells the format, how much is said, and what is sent where.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use crate::world::{ALICE_RECIPIENT, World};

const PLAIN: &str = "a: one\nb: 2\n";

fn with_files(names: &[&str]) -> World {
    let world = World::with_key();
    for name in names {
        world.write(name, PLAIN);
    }
    world
}

fn encrypt(world: &World, names: &[&str]) {
    world.succeeds(&[&["encrypt", "-i", "--age", ALICE_RECIPIENT.trim()][..], names].concat());
}

#[test]
fn several_files_are_done_in_place_and_the_worst_status_is_told() {
    let world = with_files(&["a.yaml", "b.yaml", "c.yaml"]);
    encrypt(&world, &["a.yaml", "b.yaml"]);
    assert!(world.text("b.yaml").contains("ENC["));
    // One is plain (1), one is missing (100), one is right: it is done all the same.
    let message = world.fails(&["decrypt", "-i", "c.yaml", "none.yaml", "a.yaml"], 100);
    assert!(message.contains("c.yaml: sops metadata not found") && message.contains("none.yaml"), "{message}");
    assert_eq!(world.text("a.yaml"), PLAIN);
    for verb in ["encrypt", "decrypt"] {
        let message = world.fails(&[verb, "b.yaml", "c.yaml"], 1);
        assert!(message.contains("hint: add --in-place"), "{message}");
    }
}

#[test]
fn rotate_takes_several_files_as_the_others_do() {
    let world = with_files(&["a.yaml", "b.yaml"]);
    encrypt(&world, &["a.yaml", "b.yaml"]);
    let before = ["a.yaml", "b.yaml"].map(|name| world.read(name));
    let message = world.fails(&["rotate", "a.yaml", "b.yaml"], 1);
    assert!(message.contains("hint: add --in-place"), "{message}");
    assert_eq!(["a.yaml", "b.yaml"].map(|name| world.read(name)), before, "nothing was written");
    world.succeeds(&["rotate", "-i", "a.yaml", "b.yaml"]);
    for (name, before) in ["a.yaml", "b.yaml"].into_iter().zip(before) {
        assert_ne!(world.read(name), before, "{name}");
        assert_eq!(world.succeeds(&["decrypt", name]), PLAIN.as_bytes(), "{name}");
    }
    let message = world.fails(&["rotate", "-i", "none.yaml", "a.yaml"], 2);
    assert!(message.contains("none.yaml"), "{message}");
}

#[test]
fn the_status_of_several_files_is_told_in_lines_and_by_content() {
    let world = with_files(&["a.yaml", "b.yaml", "secret", "plain"]);
    encrypt(&world, &["a.yaml"]);
    world.write("secret", world.read("a.yaml"));
    let text = |args: &[&str]| String::from_utf8(world.succeeds(args)).expect("UTF-8");
    assert_eq!(text(&["filestatus", "a.yaml"]), "{\"encrypted\":true}\n");
    // A name that says nothing: a hook would take an encrypted file for a plain one.
    assert_eq!(text(&["filestatus", "secret"]), "{\"encrypted\":true}\n");
    assert_eq!(text(&["filestatus", "plain"]), "{\"encrypted\":false}\n");
    let all = text(&["filestatus", "a.yaml", "b.yaml", "secret"]);
    let lines = ["a.yaml\",\"encrypted\":true}", "b.yaml\",\"encrypted\":false}", "secret\",\"encrypted\":true}"];
    assert_eq!(all, lines.map(|line| format!("{{\"file\":\"{line}\n")).concat());
    let output = world.sops(&["filestatus", "none.yaml", "a.yaml"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "{\"file\":\"a.yaml\",\"encrypted\":true}\n");
}

/// As people set it up: `git diff` and `git log -p` show the values.
#[test]
fn git_shows_the_plain_text_through_its_filter() {
    let world = with_files(&["a.yaml"]);
    encrypt(&world, &["a.yaml"]);
    world.write(".gitattributes", "*.yaml diff=sops\n");
    let git = |args: &[&str]| {
        let mut command = world.command("git");
        let path = std::path::Path::new(env!("CARGO_BIN_EXE_sops")).parent().expect("a folder").to_path_buf();
        let others = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(std::iter::once(path).chain(std::env::split_paths(&others))).expect("a path");
        let person = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
        let output = command.env("PATH", path).args(person).args(args).output().expect("git starts");
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {args:?}: {text}");
        text
    };
    git(&["init", "-q"]);
    git(&["config", "diff.sops.textconv", "sops decrypt"]);
    git(&["add", "."]);
    git(&["commit", "-qm", "one"]);
    world.succeeds(&["set", "a.yaml", r#"["b"]"#, "3"]);
    let diff = git(&["diff"]);
    assert!(diff.contains("\n a: one\n-b: 2\n+b: 3\n") && !diff.contains("ENC["), "{diff}");
    // Without it, three lines.
    let raw = git(&["diff", "--no-textconv"]);
    let changed = raw.lines().filter(|line| line.starts_with('+') && !line.starts_with("+++"));
    assert!(matches!(changed.count(), 2 | 3), "{raw}");
    git(&["commit", "-qam", "two"]);
    let log = git(&["log", "-p"]);
    assert!(log.contains("\n-b: 2\n+b: 3\n") && log.contains("\n+b: 2\n") && !log.contains("ENC["), "{log}");
}

#[test]
fn the_content_tells_what_the_name_does_not() {
    let world = with_files(&["a.yaml", "blob"]);
    encrypt(&world, &["a.yaml", "blob"]);
    world.write("a.YAML", world.read("a.yaml"));
    assert_eq!(world.succeeds(&["decrypt", "a.YAML"]), PLAIN.as_bytes());
    assert_eq!(
        world.succeeds(&["decrypt", "--output-type", "json", "a.YAML"]),
        b"{\n\t\"a\": \"one\",\n\t\"b\": 2\n}\n"
    );
    assert_eq!(world.succeeds(&["decrypt", "blob"]), PLAIN.as_bytes(), "a binary file stays one");
    // A name that says something is believed.
    world.write("a.json", world.read("a.yaml"));
    world.fails(&["decrypt", "a.json"], 1);
    let mut command = world.command(env!("CARGO_BIN_EXE_sops"));
    let file = std::fs::File::open(world.path("a.yaml")).unwrap();
    let output = command.arg("decrypt").stdin(file).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(message.contains("sops decrypt --input-type yaml --output-type yaml"), "{message}");
}

#[test]
fn how_much_is_said_is_for_every_command_and_every_place() {
    let world = with_files(&["a.yaml"]);
    encrypt(&world, &["a.yaml"]);
    let stderr = |args: &[&str]| String::from_utf8(world.sops(args).stderr).unwrap();
    let unknown = ["decrypt", "--input-type", "yml", "a.yaml"];
    assert!(stderr(&unknown).contains("warning: unknown type \"yml\""));
    assert_eq!(stderr(&[&unknown[..], &["--quiet"]].concat()), "");
    assert_eq!(stderr(&[&["--quiet"], &unknown[..]].concat()), "");
    let verbose = stderr(&["rotate", "-i", "--verbose", "a.yaml"]);
    assert!(verbose.contains("note: a.yaml: written") && !verbose.contains("one"), "{verbose}");
    assert!(stderr(&["keygen"]).contains("Public key") && stderr(&["keygen", "--quiet"]).is_empty());
    assert!(stderr(&["decrypt", "none.yaml", "--quiet"]).contains("none.yaml"), "failures are always told");
}

/// Answers each request with the next of these texts, and returns what was asked.
fn server(answers: &'static [&'static str]) -> (String, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        let answer = |text: &&str| {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = Vec::new();
            let mut buffer = [0; 4096];
            loop {
                let count = stream.read(&mut buffer).unwrap();
                asked.extend_from_slice(&buffer[..count]);
                let text = String::from_utf8_lossy(&asked).to_ascii_lowercase();
                let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                if body.len() >= length.map_or(0, |length| length.parse().unwrap()) || count == 0 {
                    break;
                }
            }
            let (status, body) = text.split_once(' ').unwrap();
            let head = format!("HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
            stream.write_all((head + body).as_bytes()).unwrap();
            String::from_utf8_lossy(&asked).into_owned()
        };
        answers.iter().map(answer).collect()
    });
    (address, thread)
}

#[test]
fn vault_gets_the_values_once_and_its_words_are_not_repeated() {
    let world = with_files(&["a b.yaml"]);
    encrypt(&world, &["a b.yaml"]);
    let publish = |answers| {
        let (address, asked) = server(answers);
        let rule = "destination_rules:\n  - vault_path: apps\n    vault_kv_mount_name: kv\n";
        world.write(".sops.yaml", rule);
        let mut command = world.command(env!("CARGO_BIN_EXE_sops"));
        command.args(["publish", "-y", "a b.yaml"]).env("VAULT_ADDR", address).env("VAULT_TOKEN", "t0ken");
        command.env("VAULT_NAMESPACE", "team").env("HTTP_PROXY", "http://127.0.0.1:9");
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned(), asked.join().unwrap())
    };
    let (code, stderr, asked) = publish(&["404 {}", "204 "]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert!(asked[0].starts_with("GET /v1/kv/data/apps/a%20b.yaml "), "{}", asked[0]);
    assert!(asked[1].to_ascii_lowercase().contains("x-vault-token: t0ken\r\n"), "{}", asked[1]);
    assert!(asked[1].to_ascii_lowercase().contains("x-vault-namespace: team\r\n"));
    assert!(asked[1].starts_with("PUT ") && asked[1].contains("{\"data\":{"), "{}", asked[1]);

    let (code, stderr, _) = publish(&["200 {\"data\": {\"data\": {\"b\": 2, \"a\": \"one\"}, \"metadata\": {}}}"]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "what is there is not written again");

    let (code, stderr, _) = publish(&["500 canary", "403 {\"errors\": [\"canary\"]}"]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("500") && stderr.contains("403") && !stderr.contains("canary"), "{stderr}");
    // A redirect would take the token elsewhere.
    let (code, stderr, _) = publish(&["404 {}", "307 "]);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("307"), "{stderr}");
}
