//! The data of a variant, as it is in JSON: its shape and its fields.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{Fields, Type};

use super::serde_attributes;
use super::serde_attributes::{FieldAttributes, Renaming};

/// The data of a variant.
pub(super) struct Data {
    /// The name of the variant of `Shape`.
    pub(super) shape: &'static str,
    pub(super) fields: Vec<Field>,
}

/// One field of it.
pub(super) struct Field {
    pub(super) name: String,
    pub(super) ty: String,
    pub(super) optional: bool,
}

pub(super) fn data(variant: &syn::Variant, of_enum: &Renaming) -> syn::Result<Data> {
    let of_variant = serde_attributes::of_variant(&variant.attrs)?;
    let rule = of_variant.fields.as_deref().or(of_enum.fields.as_deref());
    let shape = match &variant.fields {
        Fields::Unit => "Unit",
        Fields::Unnamed(fields) if fields.unnamed.len() == 1 => "Newtype",
        Fields::Unnamed(_) => "Tuple",
        Fields::Named(_) => "Struct",
    };
    let mut fields = Vec::with_capacity(variant.fields.len());
    for (index, field) in variant.fields.iter().enumerate() {
        let said = serde_attributes::of_field(&field.attrs)?;
        if said.skip {
            continue;
        }
        let name = match (&said.rename, &field.ident) {
            (Some(name), _) => name.clone(),
            (None, Some(ident)) => rename(&ident.unraw().to_string(), rule),
            (None, None) => index.to_string(),
        };
        let missing = said.default || (field.ident.is_some() && said.with.is_none() && is_option(&field.ty));
        fields.push(Field { name, ty: described(&field.ty, &said), optional: missing || said.flatten });
    }
    Ok(Data { shape, fields })
}

fn described(ty: &Type, said: &FieldAttributes) -> String {
    let mut text = type_text(ty);
    if said.flatten {
        text.insert_str(0, "flattened ");
    }
    if let Some(with) = &said.with {
        text.push_str(" by ");
        text.push_str(with);
    }
    text
}

fn is_option(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "Option"))
}

/// The name of a field by a rule of serde's. A rule that serde does not know is serde's to refuse.
fn rename(field: &str, rule: Option<&str>) -> String {
    let pascal = || -> String {
        field
            .split('_')
            .flat_map(|word| {
                let mut letters = word.chars();
                letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters)
            })
            .collect()
    };
    match rule {
        Some("UPPERCASE" | "SCREAMING_SNAKE_CASE") => field.to_ascii_uppercase(),
        Some("PascalCase") => pascal(),
        Some("camelCase") => {
            let pascal = pascal();
            let mut letters = pascal.chars();
            letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect()
        }
        Some("kebab-case") => field.replace('_', "-"),
        Some("SCREAMING-KEBAB-CASE") => field.to_ascii_uppercase().replace('_', "-"),
        _ => field.to_owned(),
    }
}

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
    use super::{rename, type_text};

    #[test]
    fn fields_are_renamed_as_serde_does() {
        for (rule, renamed) in [
            ("lowercase", "opened_by_id"),
            ("UPPERCASE", "OPENED_BY_ID"),
            ("PascalCase", "OpenedById"),
            ("camelCase", "openedById"),
            ("snake_case", "opened_by_id"),
            ("SCREAMING_SNAKE_CASE", "OPENED_BY_ID"),
            ("kebab-case", "opened-by-id"),
            ("SCREAMING-KEBAB-CASE", "OPENED-BY-ID"),
        ] {
            assert_eq!(rename("opened_by_id", Some(rule)), renamed);
        }
        assert_eq!(rename("opened_by_id", None), "opened_by_id");
    }

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
