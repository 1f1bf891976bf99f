//! A node of a map that is accepted is written again byte for byte.

#![no_main]

use chaos_log::map::Node;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(node) = Node::from_bytes(bytes) {
        assert_eq!(node.to_bytes(), bytes);
    }
});
