//! What a token says of itself: in which unit its amounts are meant.

use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::{SolCall as _, SolValue as _};

use super::EvmChain;
use crate::{
    Error,
    contracts::{chaos_governor::ChaosGovernor, chaos_token::ChaosToken},
    sending::{decimal, wei},
};

/// How many digits of an amount of our own token lie behind the point: its code says so, and cannot be told otherwise.
pub const CHAOS_TOKEN_DECIMALS: u8 = 18;

/// Longest symbol that is shown, in characters.
const SYMBOL_CHARS_MAX: usize = 24;

/// A token, with what it says of its unit. Anybody gives a token any symbol: the address says which it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenUnit {
    /// The token.
    pub token: Address,
    /// What it calls itself, escaped and cut; none if it says nothing.
    pub symbol: Option<String>,
    /// How many digits of an amount lie behind the point; none if it does not say.
    pub decimals: Option<u8>,
}

impl TokenUnit {
    /// An amount, as a number in whole tokens; in the smallest unit where the token has no other.
    #[must_use]
    pub fn number(&self, amount: U256) -> String {
        decimal(amount, self.digits())
    }

    /// An amount with its unit.
    #[must_use]
    pub fn amount(&self, amount: U256) -> String {
        let number = self.number(amount);
        match (&self.symbol, self.decimals) {
            (Some(symbol), Some(_)) => format!("{number} {symbol}"),
            (None, Some(_)) => format!("{number} tokens"),
            (_, None) => format!("{number} smallest units"),
        }
    }

    /// An amount in whole tokens as people write it, in the smallest unit; none if it is no such number.
    #[must_use]
    pub fn smallest(&self, text: &str) -> Option<U256> {
        wei(text, self.digits())
    }

    fn digits(&self) -> usize {
        usize::from(self.decimals.unwrap_or(0))
    }
}

/// `0x… (CHAOS, 18 decimals)`.
impl std::fmt::Display for TokenUnit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let symbol = self.symbol.as_deref().unwrap_or("no symbol");
        write!(f, "{:#x} ({symbol}, ", self.token)?;
        match self.decimals {
            Some(decimals) => write!(f, "{decimals} decimals)"),
            None => write!(f, "no decimals)"),
        }
    }
}

impl EvmChain {
    /// What a token says of its unit, as the node says.
    ///
    /// # Errors
    /// As every read; not where the token has no such functions.
    pub async fn token_unit(&self, token: Address) -> Result<TokenUnit, Error> {
        let decimals = said(self.call(token, ChaosToken::decimalsCall {}).await)?;
        let symbol = said(self.call_bytes(token, &ChaosToken::symbolCall {}, "latest").await)?;
        Ok(TokenUnit { token, symbol: symbol.as_ref().and_then(symbol_of), decimals })
    }

    /// What each other endpoint of the chain file says of a token's unit, and which endpoint it is; where one does not
    /// answer, why.
    ///
    /// # Errors
    /// If an endpoint of the file is no URL.
    pub async fn units_elsewhere(
        &self,
        token: Address,
    ) -> Result<Vec<(String, Result<TokenUnit, Error>)>, Error> {
        let mut said = Vec::new();
        for rpc in self.others()? {
            let url = rpc.shown_url().to_owned();
            let asked = async {
                let other = Self::described(rpc, None, self.file.as_deref()).await?;
                other.token_unit(token).await
            };
            said.push((url, asked.await));
        }
        Ok(said)
    }

    /// The unit of a governor's votes: that of the token that it names; none if it names none.
    ///
    /// # Errors
    /// As every read.
    pub async fn vote_unit(&self, governor: Address) -> Result<Option<TokenUnit>, Error> {
        match said(self.call(governor, ChaosGovernor::tokenCall {}).await)? {
            Some(token) => self.token_unit(token).await.map(Some),
            None => Ok(None),
        }
    }

    /// Tokens an account holds, in the token's smallest unit.
    ///
    /// # Errors
    /// As every read.
    pub async fn token_balance(&self, token: Address, account: Address) -> Result<U256, Error> {
        self.call(token, ChaosToken::balanceOfCall { account }).await
    }
}

/// An answer; none where the contract gives none.
fn said<T>(outcome: Result<T, Error>) -> Result<Option<T>, Error> {
    match outcome {
        Ok(answer) => Ok(Some(answer)),
        Err(Error::Reverted { .. } | Error::Rejected { .. } | Error::Malformed { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A symbol by its answer: a text, or 32 bytes filled up with zeros, as the oldest tokens have it.
fn symbol_of(answer: &Bytes) -> Option<String> {
    let text = match ChaosToken::symbolCall::abi_decode_returns_validate(answer) {
        Ok(text) => text,
        Err(_) => {
            let word = <[u8; 32]>::abi_decode_validate(answer).ok()?;
            let end = word.iter().position(|byte| *byte == 0).unwrap_or(word.len());
            String::from_utf8(word[..end].to_vec()).ok()?
        }
    };
    // A stranger's text must not turn a line around, or look like more than one word.
    let shown: String = text
        .chars()
        .flat_map(|c| if c == ' ' { '_'.escape_default() } else { c.escape_default() })
        .take(SYMBOL_CHARS_MAX)
        .collect();
    (!shown.is_empty()).then_some(shown)
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;

    use super::*;

    fn unit(symbol: Option<&str>, decimals: Option<u8>) -> TokenUnit {
        TokenUnit { token: Address::repeat_byte(1), symbol: symbol.map(str::to_owned), decimals }
    }

    #[test]
    fn an_amount_is_shown_in_the_unit_that_the_token_has() {
        let million = U256::from(1_000_000_000_000_u64);
        assert_eq!(unit(Some("USDC"), Some(6)).amount(million), "1000000 USDC");
        assert_eq!(unit(Some("CHAOS"), Some(18)).amount(million), "0.000001 CHAOS");
        assert_eq!(unit(None, Some(6)).amount(million), "1000000 tokens");
        assert_eq!(unit(Some("RAW"), None).amount(million), "1000000000000 smallest units");
        assert_eq!(unit(Some("USDC"), Some(6)).smallest("1.5"), Some(U256::from(1_500_000)));
        assert_eq!(unit(None, Some(2)).smallest("1.005"), None);
        let most = unit(None, Some(255));
        assert_eq!(most.number(U256::from(1)).len(), 257);
        assert_eq!(most.smallest("1"), None);
    }

    #[test]
    fn a_symbol_cannot_pass_for_anything_else() {
        let text = |text: &str| symbol_of(&text.to_owned().abi_encode().into());
        assert_eq!(text("USDC").as_deref(), Some("USDC"));
        assert_eq!(text(""), None);
        assert_eq!(text("A\u{202e}B\n").as_deref(), Some("A\\u{202e}B\\n"));
        assert_eq!(text("1 of 2").as_deref(), Some("1_of_2"));
        assert_eq!(text(&"X".repeat(99)).map(|it| it.len()), Some(SYMBOL_CHARS_MAX));
        let mut word = [0; 32];
        word[..3].copy_from_slice(b"MKR");
        assert_eq!(symbol_of(&B256::from(word).abi_encode().into()).as_deref(), Some("MKR"));
        assert_eq!(symbol_of(&Bytes::from(vec![255; 32])), None);
    }
}
