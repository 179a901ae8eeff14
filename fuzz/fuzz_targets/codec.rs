//! Whatever the bytes, decoding them leads to no panic; and what decodes, encoded again, decodes to the same.
//!
//! `cargo +nightly fuzz run codec fuzz/corpus/codec fuzz/seeds/codec`
#![no_main]

use aether_core::codec::{Codec, Decoded, Envelope};
use aether_core::{Commit, Head};
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(decoded) = Codec::decode(&Bytes::copy_from_slice(data)) else { return };
    // The first byte tells the encodings apart.
    let codec = if data[0] == 1 { Codec::Bincode } else { Codec::CloudEventsJson };
    let Some(bytes) = encode(codec, &decoded) else { return };
    let again = match Codec::decode(&bytes) {
        Ok(again) => again,
        Err(error) => panic!("{decoded:?} was encoded as {bytes:?}, which does not decode: {error:?}"),
    };
    assert_eq!(again.actor, decoded.actor);
    assert_eq!(again.events, decoded.events);
    assert_eq!(again.version, decoded.version);
    assert_eq!(again.note, decoded.note);
    assert_eq!(
        again.links,
        Some(decoded.links.unwrap_or_default()),
        "no list of links is written as an empty one"
    );
    assert_eq!(again.marks.is_some(), decoded.marks.is_some());
    for (again, marks) in again.marks.iter().zip(&decoded.marks) {
        assert_eq!((again.index, &again.actors), (marks.index, &marks.actors));
    }
});

/// Encodes what was decoded; `None` if it is no valid commit, such as one with an id twice.
fn encode(codec: Codec, decoded: &Decoded) -> Option<Bytes> {
    let note = decoded.note.as_deref();
    let commit = match (&*decoded.events, note) {
        ([], None) => return None,
        ([], Some(note)) => Commit::note_only(&decoded.actor, Head::NONE, note),
        (events, note) => note.into_iter().fold(Commit::events(events), Commit::with_note),
    };
    let parts = commit.parts().ok()?;
    let links = decoded.links.clone().unwrap_or_default();
    let envelope = Envelope {
        source: "fuzz",
        part: &parts[0],
        links: &links,
        version: decoded.version,
        marks: decoded.marks.as_ref(),
    };
    let mut out = Vec::new();
    codec.encode(&envelope, &mut out);
    Some(out.into())
}
