//! A store works over whatever connection its user brings.

use crate::common::{actor, collect, config, event, versions};
use aether_core::{EventStoreExt, Version};
use aether_nats_server::NatsServer;
use aether_store_jetstream::JetStreamEventStore;
use async_nats::ConnectOptions;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use nkeys::KeyPair;
use serde_json::{Value, json};

fn server(config: impl AsRef<str>) -> NatsServer {
    NatsServer::builder().config_extra(config).start().unwrap()
}

/// Saves and reads over a connection with these options; nobody gets in without them.
async fn works(server: &NatsServer, options: ConnectOptions) {
    assert!(async_nats::connect(server.url()).await.is_err(), "the server lets everybody in");
    let client = options.connect(server.url()).await.unwrap();
    let store = JetStreamEventStore::create(client, config()).await.unwrap();
    let order = actor("order-1");
    for version in [1, 2, 3] {
        store.save_event(&event(&order, version)).await.unwrap();
    }
    let read = collect(aether_core::EventStore::get_events(&store, &order, Version::ZERO)).await.unwrap();
    assert_eq!(versions(&read), [1, 2, 3]);
}

#[tokio::test]
async fn with_user_and_password() {
    let server = server("authorization { user: app, password: secret }");
    works(&server, ConnectOptions::with_user_and_password("app".into(), "secret".into())).await;
}

#[tokio::test]
async fn with_a_token() {
    let server = server("authorization { token: secret }");
    works(&server, ConnectOptions::with_token("secret".into())).await;
}

#[tokio::test]
async fn with_an_nkey() {
    let user = KeyPair::new_user();
    let server = server(format!("authorization {{ users: [ {{ nkey: {} }} ] }}", user.public_key()));
    works(&server, ConnectOptions::with_nkey(user.seed().unwrap())).await;
}

/// A JWT of the kind that NATS uses: about `subject`, signed by `issuer`.
fn jwt(issuer: &KeyPair, subject: &KeyPair, name: &str, claims: Value) -> String {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = part(json!({ "typ": "JWT", "alg": "ed25519-nkey" }));
    let body = part(json!({
        "jti": name, "iat": 1, "iss": issuer.public_key(), "sub": subject.public_key(), "name": name, "nats": claims,
    }));
    let signed = format!("{header}.{body}");
    let signature = URL_SAFE_NO_PAD.encode(issuer.sign(signed.as_bytes()).unwrap());
    format!("{signed}.{signature}")
}

#[tokio::test]
async fn with_jwt_credentials() {
    let (operator, account) = (KeyPair::new_operator(), KeyPair::new_account());
    let (system, user) = (KeyPair::new_account(), KeyPair::new_user());
    let limits = |storage: i64| {
        json!({ "type": "account", "version": 2, "limits": {
            "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true, "conn": -1,
            "leaf": -1, "mem_storage": storage, "disk_storage": storage, "streams": -1, "consumer": -1,
        }})
    };
    let server = server(format!(
        "operator: {}\nsystem_account: {}\nresolver: MEMORY\nresolver_preload: {{ {}: {}, {}: {} }}",
        jwt(&operator, &operator, "operator", json!({ "type": "operator", "version": 2 })),
        system.public_key(),
        account.public_key(),
        jwt(&operator, &account, "app", limits(-1)),
        system.public_key(),
        jwt(&operator, &system, "sys", limits(0)),
    ));
    let claims = json!({ "type": "user", "version": 2, "subs": -1, "data": -1, "payload": -1 });
    let credentials = format!(
        "-----BEGIN NATS USER JWT-----\n{}\n------END NATS USER JWT------\n\n\
         -----BEGIN USER NKEY SEED-----\n{}\n------END USER NKEY SEED------\n",
        jwt(&account, &user, "user", claims),
        user.seed().unwrap(),
    );
    works(&server, ConnectOptions::with_credentials(&credentials).unwrap()).await;
}

#[tokio::test]
async fn over_tls() {
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let server = server(format!("tls {{ cert_file: {cert:?}, key_file: {key:?} }}"));
    works(&server, ConnectOptions::new().add_root_certificates(cert).require_tls(true)).await;
}
