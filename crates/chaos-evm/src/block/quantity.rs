//! Numbers and maps as Ethereum's JSON writes them, read strictly.

use std::{collections::BTreeMap, fmt, marker::PhantomData};

use alloy_primitives::U256;
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Unexpected, Visitor},
};

/// Declares a quantity: a string of `0x` and hexadecimal digits that fit the type.
macro_rules! hex_quantity {
    ($name:ident, $inner:ty, $expected:literal) => {
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) struct $name(pub(crate) $inner);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;

                impl Visitor<'_> for Text {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expected)
                    }

                    fn visit_str<E: Error>(self, text: &str) -> Result<$name, E> {
                        text.strip_prefix("0x")
                            .filter(|digits| !digits.is_empty() && !digits.starts_with('+'))
                            .and_then(|digits| <$inner>::from_str_radix(digits, 16).ok())
                            .map($name)
                            .ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
                    }
                }

                deserializer.deserialize_str(Text)
            }
        }
    };
}

hex_quantity!(Hex8, u8, "a 0x-prefixed hexadecimal quantity of at most 8 bits");
hex_quantity!(Hex64, u64, "a 0x-prefixed hexadecimal quantity of at most 64 bits");
hex_quantity!(Hex128, u128, "a 0x-prefixed hexadecimal quantity of at most 128 bits");
hex_quantity!(Hex256, U256, "a 0x-prefixed hexadecimal quantity of at most 256 bits");

/// An account's nonce: a JSON number in the recorded files, a hexadecimal quantity from a node.
#[derive(Clone, Copy)]
pub(crate) struct AccountNonce(pub(crate) u64);

impl<'de> Deserialize<'de> for AccountNonce {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl Visitor<'_> for Either {
            type Value = AccountNonce;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a non-negative integer or 0x-prefixed quantity of at most 64 bits")
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<AccountNonce, E> {
                Ok(AccountNonce(number))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<AccountNonce, E> {
                text.strip_prefix("0x")
                    .and_then(|digits| u64::from_str_radix(digits, 16).ok())
                    .map(AccountNonce)
                    .ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_any(Either)
    }
}

/// A block number written in decimal, as the keys of `blockHashes` are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Decimal64(pub(crate) u64);

impl<'de> Deserialize<'de> for Decimal64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = Decimal64;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a block number in decimal")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Decimal64, E> {
                text.parse()
                    .map(Decimal64)
                    .map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_str(Text)
    }
}

/// A JSON object in which no key appears twice, however it is spelled.
pub(crate) struct UniqueMap<K, V>(pub(crate) BTreeMap<K, V>);

impl<'de, K: Deserialize<'de> + Ord, V: Deserialize<'de>> Deserialize<'de> for UniqueMap<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<K, V>(PhantomData<(K, V)>);

        impl<'de, K: Deserialize<'de> + Ord, V: Deserialize<'de>> Visitor<'de> for Entries<K, V> {
            type Value = UniqueMap<K, V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = BTreeMap::new();
                while let Some((key, value)) = map.next_entry()? {
                    if entries.insert(key, value).is_some() {
                        return Err(A::Error::custom("the same key appears twice"));
                    }
                }
                Ok(UniqueMap(entries))
            }
        }

        deserializer.deserialize_map(Entries(PhantomData))
    }
}
