//! What the general laws (`format::laws`) do not say: exact texts.

use super::*;
use crate::outline::{Node, Scalar};
use std::borrow::Cow;

fn outline(text: &str) -> Outline {
    Ini.outline(text).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

/// Section, key and value of every leaf; comments with `;`, dropped ones with `!`, their key behind.
fn shown(text: &str) -> Vec<String> {
    let outline = outline(text);
    let texts = outline.texts(text);
    let mut lines = Vec::new();
    for item in outline.items.iter().skip(1) {
        let key = item.key().map(|key| String::from_utf8_lossy(key.bytes(texts)).into_owned()).unwrap_or_default();
        lines.push(match &item.node {
            Node::Leaf(Scalar::Str(value)) => format!("{key}={}", String::from_utf8_lossy(value.bytes(texts))),
            Node::Comment { text, dropped, .. } => {
                let mark = if *dropped { "!" } else { ";" };
                format!("{mark}{}{key}", String::from_utf8_lossy(text.bytes(texts)))
            }
            _ => format!("[{key}]"),
        });
    }
    lines
}

fn leaf(key: &'static str, text: &'static str) -> Event<'static> {
    Event::Leaf(Some(Cow::Borrowed(key)), Value::Str(Cow::Borrowed(text.as_bytes())))
}

fn changed(text: &str, change: impl FnOnce(Source<'_>, &mut Edits<'_>) -> Result<(), Error>) -> Result<String, Error> {
    let outline = outline(text);
    let mut edits = Edits::new(text, 0, 0);
    change(Source { text, outline: &outline }, &mut edits)?;
    edits.finish()
}

fn set(text: &str, path: &[&str], value: &'static str) -> Result<String, Error> {
    let path: Vec<Step> = path.iter().map(|key| Step::Key((*key).to_owned())).collect();
    changed(text, |source, edits| Ini.set(source, &path, &[leaf("", value)], edits))
}

fn unset(text: &str, index: u32) -> String {
    let removed = changed(text, |source, edits| {
        Ini.remove(source, index, edits);
        Ok(())
    });
    removed.expect("edits apply")
}

fn tree(events: &[Event<'_>]) -> Result<String, Error> {
    let mut out = Vec::new();
    Ini.tree(events, None, &mut out).map(|()| String::from_utf8(out).expect("text"))
}

/// A root with one section of these members.
fn section(name: &'static str, members: &[Event<'static>]) -> Vec<Event<'static>> {
    let mut events = vec![Event::Map(None), Event::Map(Some(name.into()))];
    events.extend(members.iter().cloned());
    events.extend([Event::End, Event::End]);
    events
}

#[test]
fn comments_belong_to_what_stands_below_them() {
    let text = "; a\n\n;; b\n[s] ; tail\n# c\nk=v ; d\n; end\n";
    assert_eq!(shown(text), ["[DEFAULT]", "[s]", ";a\n;; b\n; tail", "k=v", ";c\n; d", "!end"]);
}

#[test]
fn what_the_reference_loses_is_kept_with_its_key() {
    let text = "a=1 ; x\nb=`q` junk\na=2\n; above\n[sops]\nv=1\n";
    assert_eq!(shown(text), ["[DEFAULT]", "a=2", "!1a", "b=q", "!junkb", "!x", "!above", "[sops]", "v=1"]);
}

#[test]
fn a_token_behind_a_header_gets_a_line_above() {
    let text = "a=1\n  [s]  ;;  tail\n";
    let token = "ENC[AES256_GCM,data:YQ==,iv:YQ==,tag:YQ==,type:comment]";
    let index = outline(text).items.iter().position(|i| matches!(i.node, Node::Comment { .. })).expect("a comment");
    let sealed = changed(text, |source, edits| {
        Ini.write_token(source, index, edits, &mut |out| out.extend_from_slice(token.as_bytes()));
        Ok(())
    })
    .expect("edits apply");
    assert_eq!(sealed, format!("a=1\n;;  {token}\n  [s]  ;\n"));
    let opened = changed(&sealed, |source, edits| {
        Ini.write_comment(source, index, b"tail", edits);
        Ok(())
    });
    assert_eq!(opened.expect("edits apply"), text);
}

#[test]
fn continuation_lines_come_back() {
    let text = "a=one \\\n  two \\  \n\tthree\nb=C:\\dir\\\nc=d\n";
    let token = "ENC[AES256_GCM,data:YQ==,iv:YQ==,tag:YQ==,type:str]";
    let sealed = changed(text, |source, edits| {
        for index in [2, 3] {
            Ini.write_token(source, index, edits, &mut |out| out.extend_from_slice(token.as_bytes()));
        }
        Ok(())
    })
    .expect("edits apply");
    assert_eq!(sealed, format!("a={token} 4,4\\\n  \\  \n\t-\nb={token} 6\\\n-\n"));
    assert_eq!(shown(&sealed), ["[DEFAULT]", &format!("a={token}"), &format!("b={token}")]);
    let opened = changed(&sealed, |source, edits| {
        Ini.write_value(source, 2, &Value::Str(b"one two three".into()), edits)?;
        Ini.write_value(source, 3, &Value::Str(b"C:\\dirc=d".into()), edits)
    });
    assert_eq!(opened.expect("edits apply"), text);
}

#[test]
fn comments_of_the_reference_take_lines_of_their_own() {
    let text = "\t; ENC\r\na=1\r\n";
    let index = outline(text).items.iter().position(|i| matches!(i.node, Node::Comment { .. })).expect("a comment");
    for (comment, wanted) in [
        ("x", "\t; x\r\na=1\r\n"),
        ("x\n# y\nz", "\t; x\r\n\t# y\r\n\t; z\r\na=1\r\n"),
        ("\n; y", "\t;\r\n\t; y\r\na=1\r\n"),
    ] {
        let written = changed(text, |source, edits| {
            Ini.write_comment(source, index, comment.as_bytes(), edits);
            Ok(())
        });
        assert_eq!(written.expect("edits apply"), wanted);
    }
}

#[test]
fn values_take_the_quotes_they_need_or_are_refused() {
    for (value, wanted) in [
        ("plain", "a = plain\n"),
        ("x;y", "a = `x;y`\n"),
        ("two\nlines", "a = \"\"\"two\nlines\"\"\"\n"),
        (" pad", "a = \" pad\"\n"),
        ("'q'", "a = \"'q'\"\n"),
        ("C:\\", "a = \"C:\\\"\n"),
        ("", "a = \n"),
        ("`", "a = \"\"\"`\"\"\"\n"),
        ("x\"\"\"\ny", "a = `x\"\"\"\ny`\n"),
        ("`\"\"\"\n\\", ""),
        ("#`\"\"\"", "a = \"\"\"#`\"\"\"\"\"\"\n"),
        ("a\nb\\", "a = \"\"\"a\nb\\\"\"\"\n"),
    ] {
        let written = set("a = 1\n", &["DEFAULT", "a"], value);
        match (written, wanted) {
            (Ok(written), wanted) => assert_eq!(written, wanted, "{value:?}"),
            (Err(Error::Tree { line: 1, path, problem }), "") => {
                assert_eq!(path, "[\"DEFAULT\"][\"a\"]");
                assert!(!problem.contains('`'), "{problem}");
            }
            (Err(error), _) => panic!("{value:?}: {error}"),
        }
    }
    let null = changed("a=1\n", |source, edits| Ini.write_value(source, 2, &Value::Null, edits));
    assert!(matches!(null, Err(Error::Tree { .. })));
}

#[test]
fn set_adds_what_is_missing_and_nothing_else_changes() {
    for (text, path, wanted) in [
        ("[s]\na=1\n", ["s", "b"], "[s]\na=1\nb=v\n"),
        ("[s]\r\n  a : 1 ; c\r\n\r\n[t]\r\n", ["s", "b"], "[s]\r\n  a : 1 ; c\r\n  b : v\r\n\r\n[t]\r\n"),
        ("[s]\na=1\n", ["t", "b"], "[s]\na=1\n\n[t]\nb = v\n"),
        ("[s]\na=1", ["t", "b"], "[s]\na=1\n\n[t]\nb = v"),
        ("[s]\na=1\n", ["DEFAULT", "b"], "b = v\n\n[s]\na=1\n"),
        ("", ["DEFAULT", "b"], "b = v\n"),
        ("", ["s", "b"], "[s]\nb = v\n"),
        ("[s]\n", ["s", "#b"], "[s]\n`#b` = v\n"),
        ("[s]\nlong   = 1\n", ["s", "b"], "[s]\nlong   = 1\nb = v\n"),
        ("[s]\na=x\\", ["s", "b"], "[s]\na=x\\\n\nb=v"),
    ] {
        let written = set(text, &path, "v").unwrap_or_else(|error| panic!("{text:?}: {error}"));
        assert_eq!(written, wanted);
        let outline = outline(&written);
        let source = Source { text: &written, outline: &outline };
        let section = metadata::sections(&outline).find(|s| metadata::name(source, *s) == path[0].as_bytes());
        let mut leaves = metadata::leaves(source, section.expect("the section"));
        assert!(leaves.any(|(_, key, value)| key == path[1].as_bytes() && value == b"v"), "{written}");
    }
}

#[test]
fn places_that_ini_has_not_are_refused() {
    for path in [&["s"][..], &["s", "a", "b"], &["s", "-"], &["s", "a\nb"], &["", "a"]] {
        assert!(matches!(set("[s]\na=1\n", path, "v"), Err(Error::Tree { .. })), "{path:?}");
    }
    let index = [Step::Key("s".into()), Step::Index(0)];
    let at = changed("[s]\n", |source, edits| Ini.set(source, &index, &[leaf("", "v")], edits));
    assert!(matches!(at, Err(Error::Path { .. })));
    let list = [Event::List(None), Event::End];
    let key = [Step::Key("s".into()), Step::Key("a".into())];
    assert!(matches!(changed("[s]\n", |source, edits| Ini.set(source, &key, &list, edits)), Err(Error::Tree { .. })));
    let map = [Event::Map(None), leaf("a", "1"), leaf("b", " 2"), Event::End];
    let made = changed("x=1\n", |source, edits| Ini.set(source, &key[..1], &map, edits));
    assert_eq!(made.expect("a section"), "x=1\n\n[s]\na = 1\nb = \" 2\"\n");
}

#[test]
fn remove_takes_whole_lines_and_earlier_values() {
    assert_eq!(unset("a=1\nb=2 ; c\na=3\n", 2), "b=2 ; c\n");
    assert_eq!(unset("a=1\nb=\"\"\"x\ny\"\"\"", 3), "a=1");
    assert_eq!(unset("[s]\na=1\n\n; c\n[t]\nb=2\n\n[u]\n", 4), "[s]\na=1\n\n[u]\n");
    assert_eq!(unset("a=1\r\nb=2\r\n", 2), "b=2\r\n");
}

#[test]
fn trees_are_written_as_the_reference_writes_them() {
    let rows = include_str!("../../../../../fixtures/ini/reading.json");
    let rows: Vec<serde_json::Value> = serde_json::from_str(rows).expect("JSON");
    let mut compared = 0;
    for row in rows {
        let (Some(text), Some(written)) = (row["text"].as_str(), row["written"].as_str()) else { continue };
        let outline = outline(text);
        let is_dropped = |item: &crate::outline::Item| matches!(item.node, Node::Comment { dropped: true, .. });
        // Not copied: keys that come out as comments, and the comments that get lost.
        if outline.items.iter().any(is_dropped) || shown(text).iter().any(|line| line.starts_with('#')) {
            continue;
        }
        compared += 1;
        let events = outline.events(text, 0, outline.items.len(), |_| None);
        assert_eq!(tree(&events).unwrap_or_else(|error| panic!("{text:?}: {error}")), written, "{text:?}");
    }
    assert!(compared > 100, "{compared}");
}

#[test]
fn trees_that_ini_cannot_carry_are_refused() {
    let null = Event::Leaf(Some("a".into()), Value::Null);
    for members in [
        vec![Event::List(Some("a".into())), Event::End],
        vec![Event::Map(Some("a".into())), Event::End],
        vec![null],
        vec![leaf("-", "x")],
        vec![leaf("a\nb", "x")],
        vec![leaf("", "x")],
        vec![leaf("a", "`\"\"\"\n")],
        vec![leaf("a", "x"), leaf("a", "y")],
    ] {
        assert!(matches!(tree(&section("s", &members)), Err(Error::Tree { .. })), "{}", members.len());
    }
    let problem = |events: &[Event<'_>]| tree(events).err().map(|error| error.to_string()).unwrap_or_default();
    let flat = [Event::Map(None), leaf("a", "1"), Event::End];
    assert!(problem(&flat).contains("Section values should always be TreeBranches"));
    let twice = [section("sops", &[])[..2].to_vec(), section("sops", &[leaf("a", "1")])[1..].to_vec()];
    let [first, second] = twice;
    let twice = [first, vec![Event::End], second].concat();
    assert!(problem(&twice).contains("Found key \"sops\" in encrypted data"));
}

#[test]
fn trees_keep_names_and_comments_that_the_reference_loses() {
    let comment = |text: &'static str| Event::Comment { text: Cow::Borrowed(text.as_bytes()), inline: false };
    let mut events = section("default", &[comment(" one"), leaf("a", "1"), comment("two\n\nthree"), comment("four")]);
    events.insert(1, comment("top"));
    let written = tree(&events).expect("a tree");
    assert_eq!(written, "; top\n; one\n[default]\n; two\n;\n; three\n; four\na = 1\n");
    assert_eq!(shown(&written)[1], "[default]");
}

fn metadata(version: &'static str) -> Vec<Event<'static>> {
    let mut events = vec![Event::Map(None), Event::List(Some("pgp".into())), Event::Map(None)];
    events.extend([leaf("enc", "BEGIN\n\nx=\nEND"), leaf("fp", "F"), Event::End, Event::End]);
    events.extend([leaf("mac", "M"), leaf("version", version), Event::End]);
    events
}

const BRANCH: &str = "[sops]\npgp__list_0__map_enc = BEGIN\\n\\nx=\\nEND\npgp__list_0__map_fp  = F\n\
                      mac                  = M\nversion              = 3.13.2";

#[test]
fn metadata_are_the_last_section() {
    for (plain, encrypted) in [
        ("", format!("{BRANCH}\n")),
        ("\n", format!("{BRANCH}\n\n")),
        ("\u{FEFF}", format!("\u{FEFF}{BRANCH}\n")),
        ("a=1", format!("a=1\n\n{BRANCH}")),
        ("[s]\na=1\n", format!("[s]\na=1\n\n{BRANCH}\n")),
        ("[s]\na=1\n; c \n \n\n", format!("[s]\na=1\n; c \n\n{BRANCH}\n \n\n")),
        ("a=1\r\n", format!("a=1\r\n\r\n{}\r\n", BRANCH.replace('\n', "\r\n"))),
    ] {
        let inserted = changed(plain, |source, edits| {
            Ini.insert_metadata(source, &metadata("3.13.2"), None, None, edits);
            Ok(())
        });
        assert_eq!(inserted.expect("edits apply"), encrypted);
    }
}

#[test]
fn both_layouts_of_metadata_are_read() {
    for enc in ["BEGIN\\n\\nx=\\nEND", "\"\"\"BEGIN\n\nx=\nEND\"\"\""] {
        let text =
            format!("[sops]\nversion=3.13.2\nmac = M\n; c\npgp__list_0__map_fp = F\npgp__list_0__map_enc = {enc}\n");
        let outline = outline(&text);
        let source = Source { text: &text, outline: &outline };
        let items = Ini.metadata_items(source).expect("metadata");
        let read = Ini.metadata(source, &items).expect("metadata");
        let mut sorted = metadata("3.13.2");
        sorted.rotate_left(1);
        let mac = sorted.iter().position(|e| matches!(e, Event::Leaf(Some(k), _) if k == "mac")).expect("a MAC");
        let mac = sorted.remove(mac);
        sorted.insert(0, mac);
        sorted.insert(0, Event::Map(None));
        sorted.pop();
        assert!(crate::format::yaml::branch::is_same_metadata(&read, &sorted), "{text}");
    }
}

#[test]
fn sections_that_are_no_metadata_are_refused() {
    let read = |text: &str| -> Result<(), Error> {
        let outline = outline(text);
        let source = Source { text, outline: &outline };
        let items = Ini.metadata_items(source)?;
        Ini.metadata(source, &items).map(|_| ())
    };
    let duplicate = Error::Metadata { field: String::new(), reason: "Found duplicate sops entry".into() };
    assert_eq!(read("[sops]\na=1\n[sops]\nb=1\n"), Err(duplicate));
    assert_eq!(read("[sops]\n"), Err(Error::NotEncrypted));
    assert_eq!(read("[s]\n"), Err(Error::NotEncrypted));
}

#[test]
fn old_metadata_keep_their_place_and_their_text() {
    let branch = "[sops] ; c\n\tversion=3.13.2\n\tmac: M\n\n\tpgp__list_0__map_fp = F\n\tpgp__list_0__map_enc = BEGIN\\n\\nx=\\nEND";
    let encrypted = format!("[s]\na=1\n\n{branch}\n; d\n[t]\nb=2\n");
    let outline_ = outline(&encrypted);
    let source = Source { text: &encrypted, outline: &outline_ };
    let items = Ini.metadata_items(source).expect("metadata");
    let events = Ini.metadata(source, &items).expect("metadata");
    let existing = Existing { source, items: &items, events: &events };
    let plain = changed(&encrypted, |source, edits| {
        Ini.remove_metadata(source, &items, edits);
        Ok(())
    })
    .expect("edits apply");
    assert_eq!(plain, "[s]\na=1\n; d\n[t]\nb=2\n");
    let wanted = encrypted.replace("version=3.13.2", "version=3.14");
    let inserted = changed(&plain, |source, edits| {
        Ini.insert_metadata(source, &metadata("3.14"), Some(existing), None, edits);
        Ok(())
    });
    assert_eq!(inserted.expect("edits apply"), wanted);
    let replaced = changed(&encrypted, |_, edits| {
        Ini.replace_metadata(existing, &metadata("3.14"), edits);
        Ok(())
    });
    assert_eq!(replaced.expect("edits apply"), wanted);
}
