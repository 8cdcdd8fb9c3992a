use sops_core::format::yaml::read;
use sops_core::outline::*;
use std::io::Read;
fn main() {
    // stdin: JSON array of documents; output JSON array of token lists or error string
    let mut s = String::new(); std::io::stdin().read_to_string(&mut s).unwrap();
    let docs: Vec<String> = serde_json::from_str(&s).unwrap();
    let mut res = Vec::new();
    for d in docs {
        let r = read::decode(d.as_bytes()).and_then(|(_, t)| { let o = read::outline(&t)?; Ok((t, o)) });
        match r {
            Err(e) => res.push(serde_json::json!({"error": e.to_string()})),
            Ok((t, o)) => {
                let mut toks = Vec::new();
                let mut open: Vec<(u32, usize)> = Vec::new();
                let mut path = String::new();
                for (i, it) in o.items.iter().enumerate() {
                    while open.last().is_some_and(|x| x.0 <= i as u32) { let (_, l) = open.pop().unwrap(); path.truncate(l); }
                    let key = it.key.as_ref().map(|k| String::from_utf8_lossy(k.bytes(&t)).into_owned());
                    match &it.node {
                        Node::Map | Node::List => { open.push((it.end, path.len())); if let Some(k) = key { path.push_str(&k); path.push(':'); } }
                        Node::Comment { text, dropped, .. } => { if !dropped { let a = if path.is_empty() { ":".to_string() } else { path.clone() }; toks.push(serde_json::json!([a, "comment", String::from_utf8_lossy(text.bytes(&t))])); } }
                        Node::Leaf(s) => { let (ty, v) = match s.value(&t) { sops_core::value::Value::Null => continue, sops_core::value::Value::Str(x) => ("str", String::from_utf8_lossy(&x).into_owned()), sops_core::value::Value::Int(i) => ("int", i.to_string()), sops_core::value::Value::Bool(b) => ("bool", if b {"True".into()} else {"False".into()}), _ => ("?", String::new()) };
                            let a = match key { Some(k) => format!("{path}{k}:"), None => path.clone() };
                            toks.push(serde_json::json!([a, ty, v])); }
                    }
                }
                res.push(serde_json::json!({"tokens": toks}));
            }
        }
    }
    println!("{}", serde_json::to_string(&res).unwrap());
}
