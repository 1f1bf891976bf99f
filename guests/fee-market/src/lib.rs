//! The fee-market simulation as a component: [`chaos_simulation::simulate`] and nothing else.

wit_bindgen::generate!({
    world: "simulate",
    path: "../../crates/chaos-sandbox/wit",
});

struct FeeMarket;

impl Guest for FeeMarket {
    fn simulate(material: Vec<u8>) -> Result<Vec<u8>, Failure> {
        chaos_simulation::simulate(&material).map_err(|error| {
            let text = error.text();
            if error.is_no_answer() { Failure::NoAnswer(text) } else { Failure::InvalidInput(text) }
        })
    }
}

export!(FeeMarket);
