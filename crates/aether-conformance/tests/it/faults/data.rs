//! Faults with payloads and fields: an event comes back as another.

use aether_core::{Commit, OCTET_STREAM, Payload, SaveError, Saved};
use bytes::Bytes;
use uuid::Uuid;

use crate::draft::{Draft, Fields, remade};
use crate::faulty::Faulty;
use crate::mutant::Mutant;

/// Changes the fields of each event on its way out.
fn each(store: Faulty, change: fn(&mut Fields)) -> Faulty {
    store.on_each_event(move |event| remade(event, change))
}

/// Changes the bytes of each payload that is there.
fn each_payload(store: Faulty, change: fn(&str, &Bytes) -> Option<Payload>) -> Faulty {
    store.on_each_event(move |event| {
        remade(event, |fields| {
            let (content_type, bytes) = (fields.payload.content_type(), fields.payload.bytes());
            let changed =
                content_type.zip(bytes).and_then(|(content_type, bytes)| change(content_type, bytes));
            if let Some(changed) = changed {
                fields.payload = changed;
            }
        })
    })
}

/// Reads JSON and writes it again.
fn rewritten(content_type: &str, bytes: &Bytes) -> Option<Payload> {
    let value: serde_json::Value = serde_json::from_slice(bytes).ok()?;
    Payload::new(content_type.to_owned(), value.to_string()).ok()
}

pub(super) const ALL: &[Mutant] = &[
    Mutant::new("payloads::four_ways_to_say_nothing", "takes empty bytes for no data", |store| {
        each_payload(store, |_, bytes| bytes.is_empty().then(Payload::absent))
    }),
    Mutant::new("payloads::json_comes_back_byte_by_byte", "reads JSON and writes it again", |store| {
        each_payload(store, rewritten)
    }),
    Mutant::new("payloads::binary_comes_back", "loses what base64 pads", |store| {
        each_payload(store, |content_type, bytes| {
            let whole = bytes.slice(..bytes.len() / 3 * 3);
            (content_type == OCTET_STREAM).then(|| Payload::binary(whole))
        })
    }),
    Mutant::new("payloads::content_types_come_back", "loses the parameters of a content type", |store| {
        each_payload(store, |content_type, bytes| {
            let essence = content_type.split(';').next()?.to_owned();
            Payload::new(essence, bytes.clone()).ok()
        })
    }),
    Mutant::new("payloads::of_700_kb_binary_come_back", "cuts data at 512 KiB", |store| {
        each_payload(store, |_, bytes| {
            (bytes.len() > 512 * 1024).then(|| Payload::binary(bytes.slice(..512 * 1024)))
        })
    }),
    Mutant::new("payloads::of_900_kb_json_come_back", "counts JSON as if it were base64", |store| {
        store.on_save(|plain, commit| {
            let size: usize = Draft::of(commit).events.iter().map(|event| event.size() * 4 / 3).sum();
            if size > 1024 * 1024 {
                return Err(SaveError::TooLarge { size, limit: 1024 * 1024 });
            }
            plain.save(commit)
        })
    }),
    Mutant::new("payloads::over_the_limit_are_refused", "saves what fits before it refuses", |store| {
        store.on_save(|plain, commit| {
            let answer = plain.save(commit);
            if matches!(answer, Err(SaveError::TooLarge { .. })) {
                let fits = |event: &&aether_core::Event| event.size() < 1024 * 1024;
                for event in Draft::of(commit).events.iter().take_while(fits) {
                    let _: Saved = plain.save(&Commit::event(event))?;
                }
            }
            answer
        })
    }),
    Mutant::new("fields::all_come_back", "loses the traceparent", |store| {
        each(store, |fields| fields.metadata.traceparent = None)
    }),
    Mutant::new("fields::empty_texts_are_not_absent", "takes an empty command id for none", |store| {
        each(store, |fields| {
            fields.metadata.command_id = fields.metadata.command_id.take().filter(|id| !id.is_empty());
        })
    }),
    Mutant::new("fields::any_uuid_is_an_id", "makes every id one of version 4", |store| {
        each(store, |fields| fields.id = uuid::Builder::from_random_bytes(*fields.id.as_bytes()).into_uuid())
    }),
    Mutant::new("fields::any_metadata_key_comes_back", "keeps keys for itself", |store| {
        each(store, |fields| {
            fields.metadata.user.remove("specversion");
        })
    }),
    Mutant::new("fields::any_metadata_value_comes_back", "trims the values of metadata", |store| {
        each(store, |fields| {
            fields.metadata.user.values_mut().for_each(|value| *value = value.trim().to_owned());
        })
    }),
    Mutant::new("fields::any_event_type_comes_back", "keeps 100 characters of an event type", |store| {
        each(store, |fields| fields.event_type = fields.event_type.chars().take(100).collect())
    }),
    Mutant::new("fields::timestamps_are_exact", "keeps microseconds", |store| {
        each(store, |fields| {
            let micros = fields.timestamp.nanosecond() / 1_000 * 1_000;
            fields.timestamp = fields.timestamp.replace_nanosecond(micros).unwrap();
        })
    }),
    Mutant::new("resend::goes_by_actor_and_id", "knows an id of one actor as another's", |store| {
        store.on_save(|plain, commit| {
            let ids: Vec<Uuid> = Draft::of(commit).events.iter().map(aether_core::Event::id).collect();
            let all = plain.all(aether_core::ReadFrom::Start, usize::MAX).items;
            match all.iter().find(|event| ids.contains(&event.id())) {
                Some(event) => Ok(Saved::new(plain.head(event.actor()), event.position)),
                None => plain.save(commit),
            }
        })
    }),
];
