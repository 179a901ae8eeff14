//! Lists of types: tuples, and whether a name is among theirs.

/// Calls a macro once for each length of a tuple, with the names of its parameters.
macro_rules! for_each_arity {
    ($macro:ident) => {
        $crate::list::for_each_arity!(@ $macro [] C1 C2 C3 C4 C5 C6 C7 C8 C9 C10 C11 C12 C13 C14 C15 C16 C17 C18 C19 C20
            C21 C22 C23 C24);
    };
    (@ $macro:ident [$($taken:ident)*] $next:ident $($rest:ident)*) => {
        $macro!($($taken)*);
        $crate::list::for_each_arity!(@ $macro [$($taken)* $next] $($rest)*);
    };
    (@ $macro:ident [$($taken:ident)*]) => {
        $macro!($($taken)*);
    };
}

pub(crate) use for_each_arity;

/// Whether `name` is one of `names`.
pub(crate) const fn contains(names: &[&str], name: &str) -> bool {
    let mut index = 0;
    while index < names.len() {
        if equal(names[index].as_bytes(), name.as_bytes()) {
            return true;
        }
        index += 1;
    }
    false
}

const fn equal(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut index = 0;
    while index < a.len() {
        if a[index] != b[index] {
            return false;
        }
        index += 1;
    }
    true
}

/// The first name that is there twice.
pub(crate) fn duplicate(names: &[&'static str]) -> Option<&'static str> {
    names.iter().enumerate().find(|(index, name)| names[..*index].contains(name)).map(|(_, name)| *name)
}
