//! The files of this crate import each other in no circle of more than two.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use labelproof_artifact::fs;

/// The path of a module, such as `["measures", "gap"]`.
type Module = Vec<String>;

/// The product code of each module: without tests and comments.
fn sources() -> BTreeMap<Module, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = BTreeMap::new();
    for file in fs::files_below(&root).unwrap() {
        let path = file.strip_prefix(&root).unwrap().with_extension("");
        let mut module: Module = path
            .iter()
            .map(|part| part.to_string_lossy().into_owned())
            .collect();
        let last = module.last().unwrap().as_str();
        if file.extension().is_none_or(|extension| extension != "rs")
            || ["lib", "tests", "testing", "circles"].contains(&last)
        {
            continue;
        }
        if last == "mod" {
            module.pop();
        }
        let text = fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        let code: Vec<&str> = code
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .collect();
        sources.insert(module, code.join("\n"));
    }
    sources
}

/// The paths that follow a prefix in some code: `a::b`, and each of `a::{b, c}`.
fn paths(code: &str, prefix: &str) -> Vec<Vec<String>> {
    let segments = |text: &str| -> Vec<String> { text.split("::").map(str::to_owned).collect() };
    let is_path = |character: char| character.is_alphanumeric() || ":_".contains(character);
    let mut paths = Vec::new();
    for after in code.split(prefix).skip(1) {
        let end = after.find(|character| !is_path(character)).unwrap_or(after.len());
        let path = after[..end].trim_end_matches(':');
        let inside = after[end..]
            .strip_prefix('{')
            .and_then(|rest| rest.split('}').next());
        paths.push(segments(path));
        for name in inside.unwrap_or_default().split(',').map(str::trim) {
            paths.push(segments(&format!("{path}::{name}")));
        }
    }
    paths
}

/// The modules that each module names.
fn imports() -> BTreeMap<Module, BTreeSet<Module>> {
    let sources = sources();
    let named = |module: &Module, code: &str| {
        let parent = &module[..module.len() - 1];
        let own = paths(code, "crate::").into_iter();
        let beside = paths(code, "super::")
            .into_iter()
            .map(|path| [parent, &path].concat());
        own.chain(beside)
            .filter_map(|mut path| {
                while !path.is_empty() && !sources.contains_key(&path) {
                    path.pop();
                }
                (!path.is_empty() && path != *module).then_some(path)
            })
            .collect()
    };
    let all = sources
        .iter()
        .map(|(module, code)| (module.clone(), named(module, code)));
    all.collect()
}

/// Every module that can be reached from one, over as many imports as it takes.
fn reached(from: &Module, imports: &BTreeMap<Module, BTreeSet<Module>>) -> BTreeSet<Module> {
    let (mut reached, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(module) = open.pop() {
        open.extend(
            imports[module]
                .iter()
                .filter(|next| reached.insert((*next).clone())),
        );
    }
    reached
}

#[test]
fn no_more_than_two_files_import_each_other() {
    let imports = imports();
    assert!(imports.len() > 90, "{} modules are found", imports.len());
    let reach: BTreeMap<&Module, BTreeSet<Module>> = imports
        .keys()
        .map(|module| (module, reached(module, &imports)))
        .collect();
    for (module, onwards) in &reach {
        let circle: Vec<&Module> = onwards
            .iter()
            .filter(|other| reach[other].contains(*module))
            .collect();
        assert!(circle.len() <= 2, "these files import each other: {circle:?}");
    }
}

#[test]
fn no_check_imports_another() {
    for (module, imports) in imports() {
        let is_check = |module: &Module| module.len() == 3 && module[0] == "checks" && module[2] != "copies";
        // Parts of a check may use what its own file has.
        let is_another = |other: &&Module| is_check(other) && !module.starts_with(other);
        let others: Vec<&Module> = imports.iter().filter(is_another).collect();
        let may = module == ["catalogue"];
        assert!(may || others.is_empty(), "{module:?} imports {others:?}");
    }
}
