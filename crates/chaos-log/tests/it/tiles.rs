use std::collections::BTreeMap;

use chaos_log::{
    BundleError, LEAF_BYTES_MAX, MemoryLog, PathError, ProveError, TileId, TileKind, TilePath,
    TileRead, bundle_from_bytes, bundle_to_bytes, leaf_hash, prove_inclusion, tile_from_bytes,
    tile_to_bytes,
};
use proptest::{collection::vec, prelude::*};

use crate::{fixture, leaf, log_of};

#[track_caller]
fn check_path(text: &str, expect: Result<(TileKind, u64, u16), &str>) {
    let found = text
        .parse::<TilePath>()
        .map(|path| (path.kind(), path.index(), path.width()))
        .map_err(|error| error.to_string());
    assert_eq!(found, expect.map_err(str::to_owned), "{text}");
    if let Ok((kind, index, width)) = found {
        assert_eq!(TilePath::new(kind, index, width).unwrap().to_string(), text);
    }
}

#[test]
fn paths_are_read_in_their_one_spelling_only() {
    let hashes = |level| TileKind::Hashes { level };
    check_path("tile/0/000", Ok((hashes(0), 0, 256)));
    check_path("tile/0/x001/x234/067", Ok((hashes(0), 1_234_067, 256)));
    check_path("tile/63/999.p/255", Ok((hashes(63), 999, 255)));
    check_path("tile/entries/x001/000.p/1", Ok((TileKind::Entries, 1000, 1)));
    for text in [
        "",
        "tile",
        "tile/0",
        "tile/0/0",
        "tile/0/0000",
        "tile/00/000",
        "tile/-1/000",
        "tile/0/x000/001",
        "tile/0/001/067",
        "tile/0/x001/x067",
        "tile/0/001.p/01",
        "tile/0/001.p/256",
        "tile/0/+01",
        "tile/data/000",
        "/tile/0/000",
        "tile/0/000/",
    ] {
        let error = text.parse::<TilePath>().unwrap_err();
        assert!(matches!(error, PathError::Form { .. }), "{text}: {error}");
    }
    check_path("tile/64/000", Err("level 64 is above 63"));
    check_path("tile/0/000.p/0", Err("width 0 is not between 1 and 256"));
    check_path("tile/0/000.p/257", Err("width 257 is not between 1 and 256"));
    let end = "tile/0/x072/x057/x594/x037/x927/936";
    check_path(end, Err("tile index 72057594037927936 is 2^56 or more"));
}

#[test]
fn paths_are_those_of_the_specification() {
    let vectors = &fixture("notes.json")["tiles"];
    let index = vectors["path"]["index"].as_u64().unwrap();
    let path = TilePath::new(TileKind::Hashes { level: 1 }, index, 256).unwrap();
    let text = vectors["path"]["text"].as_str().unwrap();
    assert_eq!(path.to_string(), format!("tile/1/{text}"));

    let expected = &vectors["hash_tiles"];
    let tiles: Vec<_> = TilePath::between(0, vectors["size"].as_u64().unwrap())
        .filter_map(|path| Some((path.tile()?.level, path.width())))
        .collect();
    let full = |level| tiles.iter().filter(|tile| **tile == (level, 256)).count() as u64;
    let partial = |level| tiles.iter().find(|tile| tile.0 == level && tile.1 < 256).unwrap().1;
    assert_eq!(Some(full(0)), expected["full_level_0"].as_u64());
    assert_eq!(Some(u64::from(partial(0))), expected["partial_level_0_width"].as_u64());
    assert_eq!(Some(full(1)), expected["full_level_1"].as_u64());
    assert_eq!(Some(u64::from(partial(1))), expected["partial_level_1_width"].as_u64());
    assert_eq!(Some(u64::from(partial(2))), expected["partial_level_2_width"].as_u64());
    assert_eq!(tiles.len(), 273 + 1 + 3);
    // A tree of 256 entries has a full tile and, above it, one of width 1.
    let names: Vec<_> = TilePath::between(0, 256).map(|path| path.to_string()).collect();
    assert_eq!(names, ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]);
}

#[test]
fn a_missing_or_short_tile_is_named() {
    struct Cut(MemoryLog, TileId);
    impl TileRead for Cut {
        type Error = std::convert::Infallible;
        fn read_tile(
            &self,
            id: TileId,
        ) -> Result<Option<Vec<chaos_log::Hash>>, std::convert::Infallible> {
            if id == self.1 { Ok(None) } else { self.0.read_tile(id) }
        }
    }
    let lost = TileId { level: 0, index: 1 };
    let cut = Cut(log_of(600), lost);
    prove_inclusion(&cut, 3, 200).unwrap();
    let error = prove_inclusion(&cut, 300, 600).unwrap_err();
    assert!(matches!(error, ProveError::Narrow { tile, found: 0, .. } if tile == lost), "{error}");
    assert_eq!(
        prove_inclusion(&log_of(3), 2, 4).unwrap_err().to_string(),
        "tile 0 of level 0 holds 3 hashes, expected at least 4"
    );
    assert_eq!(
        prove_inclusion(&log_of(3), 3, 3).unwrap_err().to_string(),
        "entry 3 is not in a log of 3 entries"
    );
}

#[test]
fn bundles_refuse_what_the_format_cannot_say() {
    let longest = vec![7; LEAF_BYTES_MAX];
    let bytes = bundle_to_bytes(&[longest.as_slice(), b""]).unwrap();
    assert_eq!(bundle_from_bytes(&bytes).unwrap(), [longest.as_slice(), b""]);
    assert_eq!(
        bundle_to_bytes(&[vec![], vec![0; LEAF_BYTES_MAX + 1]]).unwrap_err(),
        BundleError::LeafTooLong { position: 1, bytes: LEAF_BYTES_MAX + 1 }
    );
    assert_eq!(bundle_to_bytes::<&[u8]>(&[]).unwrap_err(), BundleError::Count { found: 0 });
    assert_eq!(bundle_from_bytes(b"").unwrap_err(), BundleError::Count { found: 0 });
    assert_eq!(bundle_from_bytes(&[0; 2 * 257]).unwrap_err(), BundleError::Count { found: 257 });
    let cut = |bytes| bundle_from_bytes(bytes).unwrap_err().to_string();
    assert_eq!(cut(&[0]), "bundle ends within leaf 0: expected 2 more bytes, found 1");
    assert_eq!(
        cut(&[0, 0, 1, 2, 9]),
        "bundle ends within leaf 1: expected 258 more bytes, found 1"
    );
    let too_long = MemoryLog::new().append(vec![0; LEAF_BYTES_MAX + 1]).unwrap_err();
    assert_eq!(too_long.to_string(), "leaf has 65536 bytes, the limit is 65535");
}

proptest! {
    #[test]
    fn bundles_read_back(leaves in vec(vec(any::<u8>(), 0..300), 1..=256)) {
        let bytes = bundle_to_bytes(&leaves).unwrap();
        prop_assert_eq!(bundle_from_bytes(&bytes).unwrap(), leaves);
    }

    #[test]
    fn bundle_bytes_that_are_read_are_written_again(bytes in vec(0u8..3, 0..600)) {
        if let Ok(leaves) = bundle_from_bytes(&bytes) {
            prop_assert_eq!(bundle_to_bytes(&leaves).unwrap(), bytes);
        }
    }

    #[test]
    fn tiles_between_two_sizes_complete_the_older_set(old in 0u64..3000, more in 0u64..3000) {
        let place = |path: TilePath| ((path.kind(), path.index()), path.width());
        let mut grown: BTreeMap<_, _> = TilePath::between(0, old).map(place).collect();
        grown.extend(TilePath::between(old, old + more).map(place));
        let whole: BTreeMap<_, _> = TilePath::between(0, old + more).map(place).collect();
        prop_assert_eq!(grown, whole);
    }
}

#[test]
fn tiles_hold_whole_hashes() {
    let hashes: Vec<_> = (0..256).map(|index| leaf_hash(&leaf(index))).collect();
    let bytes = tile_to_bytes(&hashes);
    assert_eq!(bytes.len(), 8_192);
    assert_eq!(tile_from_bytes(&bytes).unwrap(), hashes);
    for wrong in [0, 31, 33, 8_193, 8_224] {
        let error = tile_from_bytes(&vec![0; wrong]).unwrap_err();
        let expected = format!("expected 1 to 256 hashes of 32 bytes, found {wrong} bytes");
        assert_eq!(error.to_string(), expected);
    }
}
