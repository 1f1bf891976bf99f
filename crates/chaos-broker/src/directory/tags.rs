use serde::{Deserialize, Serialize};

use crate::{Name, Refusal};

/// How many kinds of tags there are.
pub(super) const KINDS: usize = 4;

/// Why texts are no tags.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("tag `{text}`: {wrong}")]
pub struct TagsError {
    /// The first one that is wrong.
    pub text: String,
    /// What is wrong with it.
    pub wrong: String,
}

/// What a service says of itself beside its name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tags {
    /// What it is for: `production`, `staging`.
    pub environment: Option<Name>,
    /// The exchange that it works with.
    pub exchange: Option<Name>,
    /// Where it runs.
    pub region: Option<Name>,
    /// How large its machine is.
    pub size: Option<Name>,
}

impl Tags {
    /// Tags as people write them, `KEY=VALUE`, each key once.
    ///
    /// # Errors
    /// With the first text that is no tag.
    pub fn parse(texts: &[String]) -> Result<Self, TagsError> {
        let mut tags = Self::default();
        for text in texts {
            let wrong = |what: &str| TagsError { text: text.clone(), wrong: what.to_owned() };
            let (key, value) = text.split_once('=').ok_or_else(|| wrong("expected KEY=VALUE"))?;
            let slot = match key {
                "exchange" => &mut tags.exchange,
                "region" => &mut tags.region,
                "size" => &mut tags.size,
                "environment" => &mut tags.environment,
                _ => return Err(wrong("there is no such key")),
            };
            let value: Name = value.parse().map_err(|refusal: Refusal| wrong(&refusal.detail))?;
            if slot.replace(value).is_some() {
                return Err(wrong("the key is there twice"));
            }
        }
        Ok(tags)
    }

    /// The tags in the order of their kinds.
    pub(super) const fn by_kind(&self) -> [Option<&Name>; KINDS] {
        [
            self.environment.as_ref(),
            self.exchange.as_ref(),
            self.region.as_ref(),
            self.size.as_ref(),
        ]
    }
}

/// Which services are wanted; what is not named may be anything.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// The service's name, of any instance.
    pub name: Option<Name>,
    /// The tags that it must have.
    pub tags: Tags,
}
