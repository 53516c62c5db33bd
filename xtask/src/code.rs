//! Rust source as tokens, without comments, documentation and tests.

use crate::workspace::File;
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Attribute, ImplItem, Item, UseName, UseRename, UseTree, visit_mut::VisitMut};

/// One token and the line it stands on.
struct Token {
    text: String,
    line: usize,
}

/// The tokens of a file that are compiled without tests.
pub(crate) struct Code {
    tokens: Vec<Token>,
}

impl Code {
    pub(crate) fn parse(file: &File) -> Result<Self, String> {
        let mut parsed = syn::parse_file(&file.text)
            .map_err(|error| format!("this file cannot be parsed as Rust: {error}"))?;
        let mut shipped = Shipped::default();
        shipped.visit_file_mut(&mut parsed);
        flatten(parsed.into_token_stream(), &mut shipped.tokens);
        Ok(Self { tokens: shipped.tokens })
    }

    /// The lines on which a path such as `std::env` is named, also inside `use std::{env, fs}`;
    /// words with blanks between them, as in `extern crate std`, stand one after the other.
    pub(crate) fn lines_naming(&self, path: &str) -> Vec<usize> {
        let mut wanted = Vec::new();
        for word in path.split(' ') {
            wanted.extend(separated(
                word.split("::").filter(|segment| !segment.is_empty()),
                word.ends_with("::"),
            ));
        }
        let mut lines: Vec<usize> = self
            .tokens
            .windows(wanted.len())
            .filter(|window| window.iter().zip(&wanted).all(|(token, wanted)| token.text == *wanted))
            .filter_map(|window| window.first().map(|token| token.line))
            .collect();
        lines.sort_unstable();
        lines.dedup();
        lines
    }
}

fn separated<'a>(segments: impl Iterator<Item = &'a str>, open: bool) -> Vec<&'a str> {
    let mut tokens = Vec::new();
    for segment in segments {
        tokens.extend([segment, ":", ":"]);
    }
    if !open {
        tokens.truncate(tokens.len().saturating_sub(2));
    }
    tokens
}

/// Drops code for tests and writes out every `use` tree in full.
#[derive(Default)]
struct Shipped {
    tokens: Vec<Token>,
}

impl Shipped {
    fn write_out(&mut self, tree: &UseTree, path: &mut Vec<String>) {
        match tree {
            UseTree::Path(tree) => {
                path.push(tree.ident.to_string());
                self.write_out(&tree.tree, path);
                path.pop();
            }
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.write_out(tree, path)),
            UseTree::Name(UseName { ident }) | UseTree::Rename(UseRename { ident, .. }) => {
                let line = ident.span().start().line;
                let last = ident.to_string();
                let segments = path.iter().map(String::as_str).chain([last.as_str()]);
                let texts = separated(segments, false).into_iter().chain([";"]);
                self.tokens.extend(texts.map(|text| Token { text: text.to_owned(), line }));
            }
            UseTree::Glob(_) => {}
        }
    }
}

impl VisitMut for Shipped {
    fn visit_item_use_mut(&mut self, item: &mut syn::ItemUse) {
        self.write_out(&item.tree, &mut Vec::new());
    }

    fn visit_file_mut(&mut self, file: &mut syn::File) {
        file.items.retain(|item| !is_for_tests(attributes(item)));
        syn::visit_mut::visit_file_mut(self, file);
    }

    fn visit_item_mod_mut(&mut self, module: &mut syn::ItemMod) {
        if let Some((_, items)) = &mut module.content {
            items.retain(|item| !is_for_tests(attributes(item)));
        }
        syn::visit_mut::visit_item_mod_mut(self, module);
    }

    fn visit_item_impl_mut(&mut self, item: &mut syn::ItemImpl) {
        item.items.retain(|item| match item {
            ImplItem::Fn(function) => !is_for_tests(&function.attrs),
            _ => true,
        });
        syn::visit_mut::visit_item_impl_mut(self, item);
    }
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.meta.require_list().is_ok_and(|list| list.tokens.to_string() == "test")
    })
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn flatten(stream: TokenStream, into: &mut Vec<Token>) {
    for tree in stream {
        let line = tree.span().start().line;
        match tree {
            TokenTree::Group(group) => flatten(group.stream(), into),
            other => into.push(Token { text: other.to_string(), line }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, path: &str, expected: &[usize]) {
        let file = File { path: "lib.rs".to_owned(), text: text.to_owned() };
        let code = Code::parse(&file).unwrap();
        assert_eq!(code.lines_naming(path), expected, "{path} in {text:?}");
    }

    #[test]
    fn code_counts_and_everything_else_does_not() {
        check("use std::env;", "std::env", &[1]);
        check("fn f() {\n    let _ = std :: env::vars();\n}", "std::env", &[2]);
        check("m! {\n\n std::env }", "std::env", &[3]);
        check("// std::env\n/* std::env */\n/// std::env\nfn f() { \"std::env\"; }", "std::env", &[]);
        check("use std::environment; use mystd::env;", "std::env", &[]);
        check("#[cfg(test)]\nmod tests { use std::env; }", "std::env", &[]);
        check("#[cfg(test)]\nextern crate std;\n#[cfg(test)] use std::env;", "std", &[]);
        check("mod a { #[cfg(test)] use std::env; }\nuse std::env;", "std::env", &[2]);
        check("struct S; impl S { #[cfg(test)] fn f() { std::env::vars(); } }", "std::env", &[]);
        check("#[cfg(not(test))]\nuse std::env;", "std::env", &[2]);
        check("use std::{env, fs};", "std::", &[1]);
        check("use std::{\n    fs,\n    time::{Duration, SystemTime},\n};", "std::time::SystemTime", &[3]);
        check("use std::{\n    fs,\n    env::vars,\n};", "std::env", &[3]);
        check("extern crate std;", "std::", &[]);
        check("fn f() {}\nextern  crate std;", "extern crate std", &[2]);
    }
}
