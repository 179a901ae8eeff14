//! The data of a variant, as it is in JSON: its shape and its fields.

use syn::ext::IdentExt;
use syn::{Fields, Type};

use super::serde_attributes::{self, FieldAttributes, Renaming};
use super::type_text::type_text;

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

#[cfg(test)]
mod tests {
    use super::rename;

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
}
