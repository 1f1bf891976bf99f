//! The score table as a component: [`chaos_reputation::score_document`] and nothing else.

wit_bindgen::generate!({
    world: "score",
    path: "../../crates/chaos-sandbox/wit",
});

struct Scorer;

impl Guest for Scorer {
    fn score(evidence: Vec<u8>) -> Result<Vec<u8>, Failure> {
        chaos_reputation::score_document(&evidence).map_err(|error| {
            let text = error.text();
            if error.is_no_answer() { Failure::NoAnswer(text) } else { Failure::InvalidInput(text) }
        })
    }
}

export!(Scorer);
