//! A studio definition that is accepted has one digest, and its policy refuses what is out of bounds.

#![no_main]

use chaos_studio::Studio;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(studio) = Studio::parse(text) {
        let again = Studio::parse(text).expect("the same text");
        assert_eq!(studio.digest(), again.digest());
    }
});
