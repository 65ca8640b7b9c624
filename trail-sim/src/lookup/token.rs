//! Page tokens: where the page ended, and a hash of the question, so that a token fits only the question it came from.
//! A token is no secret and proves nothing; a forged one merely starts elsewhere in what its bearer may read anyway.

use aws_core::fault::ApiFault;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{Filter, LookupEventsRequest};
use crate::archive::index::id_hash;
use crate::card::Position;

/// An opened token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageToken {
    question: u64,
    /// The last position of the page before.
    pub last: Position,
}

impl PageToken {
    /// The token that follows a page which ended at `last`.
    pub fn after(last: Position, question: u64) -> String {
        let mut bytes = question.to_le_bytes().to_vec();
        bytes.extend_from_slice(&last.time.to_le_bytes());
        bytes.extend_from_slice(&last.ordinal.to_le_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Where a request's token says the page before ended; `None` without a token.
    pub fn open(request: &LookupEventsRequest, question: u64) -> Result<Option<Position>, ApiFault> {
        let Some(text) = &request.next_token else { return Ok(None) };
        let refused = || ApiFault::client("InvalidNextTokenException", "The specified token is not valid.");
        let token = Self::decode(text).ok_or_else(refused)?;
        if token.question == question { Ok(Some(token.last)) } else { Err(refused()) }
    }

    /// A hash of all that must not change from page to page. The page size may.
    pub fn question(request: &LookupEventsRequest, filter: &Filter, account: &str, region: &str) -> u64 {
        let (start, end) = (request.start_time, request.end_time);
        id_hash(&format!("{filter:?} {start:?} {end:?} {account} {region}"))
    }

    fn decode(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (words, rest) = bytes.as_chunks::<8>();
        let [question, time, ordinal] = words else { return None };
        let last = Position { time: i64::from_le_bytes(*time), ordinal: u64::from_le_bytes(*ordinal) };
        rest.is_empty().then(|| Self { question: u64::from_le_bytes(*question), last })
    }
}
