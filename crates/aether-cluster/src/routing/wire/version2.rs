//! A version 2 that there is only in tests: a request has one field more. It proves that two versions work side by side.

use bincode::{BorrowDecode, Encode};

use super::dialect::Dialect;
use super::version1::{self, WireRequest, decode, encode, read_request};

pub(super) const DIALECT: Dialect = Dialect {
    number: 2,
    write_request: |request, out| {
        encode(Wire { priority: 7, request: WireRequest::from(request) }, out);
    },
    read_request: |message, body| {
        let wire: Wire<'_> = decode(body)?;
        (wire.priority == 7).then(|| read_request(message, wire.request))?
    },
    ..version1::DIALECT
};

#[derive(Encode, BorrowDecode)]
struct Wire<'a> {
    priority: u8,
    request: WireRequest<'a>,
}
