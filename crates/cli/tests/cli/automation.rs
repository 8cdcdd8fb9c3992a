//! Image automation on encrypted files: the markers stay at the end of their lines, and a bump verifies where it can.

use crate::world::{ALICE_RECIPIENT, World};

const RELEASE: &str = "\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: app
spec:
  values:
    image: registry.example/app:1.2.3 # {\"$imagepolicy\": \"flux-system:app\"}
    tag: 1.2.3 # {\"$imagepolicy\": \"flux-system:app:tag\"}
    images:
      - registry.example/a:1 # {\"$imagepolicy\": \"flux-system:a\"}
    flow: [registry.example/b:1] # {\"$imagepolicy\": \"flux-system:b\"}
    secret:
      # inside
      password: p4ss
";

/// The lines with a marker.
fn markers(text: &str) -> Vec<&str> {
    text.lines().filter(|line| line.contains("# {\"$imagepolicy\"")).collect()
}

fn encrypted(world: &World, flags: &[&str]) -> String {
    world.write("r.yaml", RELEASE);
    let recipient = ALICE_RECIPIENT.trim();
    let mut args = vec!["encrypt", "-i", "--age", recipient, "--encrypted-regex", "^secret$"];
    args.extend(flags);
    args.push("r.yaml");
    world.succeeds(&args);
    world.text("r.yaml")
}

#[test]
fn markers_stay_at_their_values_through_every_command() {
    let world = World::with_key();
    let wanted = markers(RELEASE);
    assert_eq!(markers(&encrypted(&world, &["--mac-only-encrypted"])), wanted);
    world.succeeds(&["set", "r.yaml", "[\"spec\"][\"values\"][\"secret\"][\"password\"]", "\"other\""]);
    assert_eq!(markers(&world.text("r.yaml")), wanted);
    world.succeeds(&["rotate", "-i", "r.yaml"]);
    assert_eq!(markers(&world.text("r.yaml")), wanted);
    let plain = String::from_utf8(world.succeeds(&["decrypt", "r.yaml"])).expect("text");
    assert_eq!(plain, RELEASE.replace("p4ss", "other"));
}

#[test]
fn a_bump_verifies_over_encrypted_values_and_the_next_change_keeps_the_rest() {
    let world = World::with_key();
    let bump = |text: &str| text.replace("1.2.3", "1.3.0");
    world.write("r.yaml", bump(&encrypted(&world, &["--mac-only-encrypted"])));
    let plain = String::from_utf8(world.succeeds(&["decrypt", "r.yaml"])).expect("text");
    assert_eq!(plain, bump(RELEASE));
    let before = world.text("r.yaml");
    world.succeeds(&["set", "r.yaml", "[\"spec\"][\"values\"][\"secret\"][\"password\"]", "\"other\""]);
    world.write("r.yaml", world.text("r.yaml").replace("1.3.0", "1.4.0"));
    let plain = String::from_utf8(world.succeeds(&["decrypt", "r.yaml"])).expect("text");
    assert_eq!(plain, RELEASE.replace("1.2.3", "1.4.0").replace("p4ss", "other"));
    let comment = |text: &str| text.lines().find(|line| line.trim_start().starts_with("#ENC[")).map(str::to_owned);
    assert_eq!(comment(&world.text("r.yaml")), comment(&before), "an unchanged comment keeps its ciphertext");
    world.write("full.yaml", bump(&encrypted(&world, &[])));
    world.fails(&["decrypt", "full.yaml"], 51);
}
