//! scratch
use chaos_store::{Append, Records as _, Store};
use std::time::Instant;
fn main() {
    let d = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR").to_owned() + "/../../target").expect("x");
    let mut s = Store::open(d.path()).expect("x");
    let mut n = 0u64;
    for step in 0..20 {
        let t = Instant::now();
        for _ in 0..196 {
            let b: Vec<_> = (0..256).map(|_| { n += 1; let mut r = format!("r {n}").into_bytes(); r.resize(700, b'.'); Append::new(r, vec![1; 100]).expect("x") }).collect();
            s.append_batch(&b).expect("x");
        }
        println!("{step} {n} {:.0}/s", 196.0 * 256.0 / t.elapsed().as_secs_f64());
    }
    let t = Instant::now();
    drop(s);
    println!("close {:?}", t.elapsed());
    let t = Instant::now();
    let s = Store::open(d.path()).expect("x");
    println!("open {:?}", t.elapsed());
    let t = Instant::now();
    let h = s.head().expect("x");
    let p = chaos_log::prove_inclusion(&s, 12345, h.size).expect("x");
    println!("proof {} {:?}", p.hashes().len(), t.elapsed());
    let t = Instant::now();
    s.check().expect("x");
    println!("check {:?}", t.elapsed());
}
