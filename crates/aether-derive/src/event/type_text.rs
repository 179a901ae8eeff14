//! A type as text, always the same for the same type, whatever the compiler makes of white space.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::Type;

pub(super) fn type_text(ty: &Type) -> String {
    let mut text = String::new();
    push(ty.to_token_stream(), &mut text);
    text
}

fn push(tokens: TokenStream, text: &mut String) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    proc_macro2::Delimiter::Parenthesis => ("(", ")"),
                    proc_macro2::Delimiter::Bracket => ("[", "]"),
                    proc_macro2::Delimiter::Brace => ("{", "}"),
                    proc_macro2::Delimiter::None => ("", ""),
                };
                text.push_str(open);
                push(group.stream(), text);
                text.push_str(close);
            }
            TokenTree::Punct(punct) => {
                text.push(punct.as_char());
                if matches!(punct.as_char(), ',' | ';') {
                    text.push(' ');
                }
            }
            word @ (TokenTree::Ident(_) | TokenTree::Literal(_)) => {
                if text.ends_with(|last: char| last.is_alphanumeric() || last == '_') {
                    text.push(' ');
                }
                text.push_str(&word.to_string());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::type_text;

    #[test]
    fn types_read_as_they_are_written() {
        for text in [
            "u64",
            "Option<String>",
            "std::collections::BTreeMap<String, Vec<(u8, bool)>>",
            "[u8; 16]",
            "Box<dyn Fn(u8)->u8>",
        ] {
            assert_eq!(type_text(&syn::parse_str(text).unwrap()), text);
        }
    }
}
