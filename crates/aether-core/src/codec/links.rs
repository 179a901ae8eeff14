//! Back-links: the sequences of an actor's earlier commits, packed.
//!
//! The newest sequence as a LEB128 varint, then the differences to the next older ones, in URL-safe base64 without
//! padding. An empty list means that there is no earlier commit.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use smallvec::SmallVec;

/// The most links that are read from one commit.
const LIMIT: usize = 1024;

/// Appends `links` (strictly descending) to `out`.
pub(crate) fn pack(links: &[u64], out: &mut SmallVec<[u8; 64]>) {
    let mut newer = None;
    for &link in links {
        let mut rest = newer.map_or(link, |newer: u64| newer.saturating_sub(link));
        newer = Some(link);
        while rest >= 0x80 {
            out.push((rest & 0x7f) as u8 | 0x80);
            rest >>= 7;
        }
        out.push(rest as u8);
    }
}

/// What [`pack`] packed; `None` if the bytes are no strictly descending list of sequences above 0.
pub(crate) fn unpack(bytes: &[u8]) -> Option<Vec<u64>> {
    let mut links: Vec<u64> = Vec::with_capacity(bytes.len().min(LIMIT));
    let mut bytes = bytes.iter();
    while bytes.len() > 0 {
        let mut number = 0u64;
        for shift in (0..).step_by(7) {
            let byte = *bytes.next()?;
            let bits = u64::from(byte & 0x7f);
            if shift > 63 || (shift == 63 && bits > 1) {
                return None;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        if number == 0 || links.len() == LIMIT {
            return None;
        }
        let link = match links.last() {
            Some(newer) => newer.checked_sub(number)?,
            None => number,
        };
        if link == 0 {
            return None;
        }
        links.push(link);
    }
    Some(links)
}

/// Appends the text of `links` to `out`.
pub(crate) fn encode(links: &[u64], out: &mut Vec<u8>) {
    let mut packed = SmallVec::new();
    pack(links, &mut packed);
    let start = out.len();
    out.resize(start + packed.len().div_ceil(3) * 4, 0);
    let written = URL_SAFE_NO_PAD.encode_slice(&packed, &mut out[start..]).unwrap_or(0);
    out.truncate(start + written);
}

/// The links that a text stands for.
pub(crate) fn decode(text: &str) -> Option<Vec<u64>> {
    let mut packed: SmallVec<[u8; 64]> = SmallVec::from_elem(0, base64::decoded_len_estimate(text.len()));
    let length = URL_SAFE_NO_PAD.decode_slice(text, &mut packed).ok()?;
    unpack(packed.get(..length)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn links_come_back(mut links in proptest::collection::btree_set(1u64.., 0..40)) {
            let links: Vec<u64> = std::mem::take(&mut links).into_iter().rev().collect();
            let mut text = Vec::new();
            encode(&links, &mut text);
            prop_assert_eq!(decode(std::str::from_utf8(&text).unwrap()), Some(links));
        }

        #[test]
        fn any_bytes_are_links_or_are_not(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            if let Some(links) = unpack(&bytes) {
                prop_assert!(links.windows(2).all(|pair| pair[0] > pair[1]));
                prop_assert!(links.last().is_none_or(|&oldest| oldest > 0));
            }
        }
    }

    #[test]
    fn sixteen_links_are_short() {
        let links: Vec<u64> = (0..16).map(|i| 1_000_000 - i * 10_000).collect();
        let mut text = Vec::new();
        encode(&links, &mut text);
        assert!(text.len() <= 55, "{}", text.len());
    }
}
