use sops_core::format::yaml::read;
fn main(){ let b=std::fs::read(std::env::args().nth(1).unwrap()).unwrap(); for _ in 0..5 { let t=std::time::Instant::now(); let (_,s)=read::decode(&b).unwrap(); let t1=t.elapsed(); let o=read::outline(&s).unwrap(); println!("decode {:?} total {:?} items {}",t1,t.elapsed(),o.items.len()); } }
