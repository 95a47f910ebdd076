//! The oldest Rust: what of it can be checked with a newer one.
//!
//! Clippy's `incompatible_msrv` knows which parts of the standard library are newer than
//! `rust-version`; here are the crates that we are compiled with.

use serde_json::Value;

use crate::run::{Outcome, cargo};

/// Fails where a dependency of a published crate needs a newer Rust than we say.
pub(crate) fn msrv() -> Outcome {
    let metadata = metadata()?;
    let ours = version(&metadata["packages"], "djanginxed")
        .ok_or("the facade has no rust-version".to_owned())?;
    let newer = newer(&metadata, ours);
    match newer.is_empty() {
        true => {
            println!(
                "no dependency needs a newer Rust than {}.{}",
                ours.0, ours.1
            );
            Ok(())
        }
        false => Err(format!(
            "rust-version is {}.{}, and these need a newer one: {}",
            ours.0,
            ours.1,
            newer.join(", ")
        )),
    }
}

fn metadata() -> Outcome<Value> {
    let arguments = [
        "metadata",
        "--format-version=1",
        "--all-features",
        "--locked",
    ];
    let output = cargo(arguments)
        .output()
        .map_err(|error| format!("cargo metadata: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    serde_json::from_slice(&output.stdout).map_err(|error| format!("cargo metadata: {error}"))
}

/// The crates with which the published ones are compiled and that need more than `ours`.
fn newer(metadata: &Value, ours: (u32, u32)) -> Vec<String> {
    let all = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let nodes = all(&metadata["resolve"]["nodes"]);
    let packages = all(&metadata["packages"]);
    let members = all(&metadata["workspace_members"]);
    let is_published = |package: &&Value| {
        members.contains(&package["id"])
            && package["publish"]
                .as_array()
                .is_none_or(|to| !to.is_empty())
    };
    let mut waiting: Vec<Value> = packages
        .iter()
        .filter(is_published)
        .map(|package| package["id"].clone())
        .collect();
    let mut seen = Vec::new();
    while let Some(id) = waiting.pop() {
        if seen.contains(&id) {
            continue;
        }
        let node = nodes.iter().find(|node| node["id"] == id);
        let used = node.map(|node| all(&node["deps"])).unwrap_or_default();
        let used = used.into_iter().filter(is_for_users);
        waiting.extend(used.map(|used| used["pkg"].clone()));
        seen.push(id);
    }
    let needs_more = packages
        .iter()
        .filter(|package| seen.contains(&package["id"]));
    let needs_more = needs_more.filter_map(|package| {
        let (major, minor) = parse(package["rust_version"].as_str()?)?;
        let name = format!(
            "{} {} ({major}.{minor})",
            package["name"], package["version"]
        );
        ((major, minor) > ours).then(|| name.replace('"', ""))
    });
    needs_more.collect()
}

/// Whether a dependency is not for tests alone.
fn is_for_users(dependency: &Value) -> bool {
    let kinds = dependency["dep_kinds"].as_array();
    kinds.is_none_or(|kinds| kinds.iter().any(|kind| kind["kind"] != "dev"))
}

fn version(packages: &Value, name: &str) -> Option<(u32, u32)> {
    let mut packages = packages.as_array()?.iter();
    let package = packages.find(|package| package["name"] == name)?;
    parse(package["rust_version"].as_str()?)
}

fn parse(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_crate_that_users_compile_must_not_need_a_newer_rust() {
        let package = |id: &str, rust: &str| json!({"id": id, "name": id, "version": "1.0.0", "rust_version": rust, "publish": null});
        let metadata = |dev: &str| {
            let kinds = json!([{"kind": dev}]);
            json!({
                "packages": [package("djanginxed", "1.89"), package("old", "1.70.1"), package("new", "1.90")],
                "workspace_members": ["djanginxed"],
                "resolve": {"nodes": [
                    {"id": "djanginxed", "deps": [{"pkg": "old", "dep_kinds": [{"kind": null}]}]},
                    {"id": "old", "deps": [{"pkg": "new", "dep_kinds": kinds}]},
                ]},
            })
        };
        assert_eq!(newer(&metadata("dev"), (1, 89)), Vec::<String>::new());
        assert_eq!(newer(&metadata("build"), (1, 89)), ["new 1.0.0 (1.90)"]);
        assert_eq!(newer(&metadata("build"), (1, 90)), Vec::<String>::new());
        assert_eq!(
            version(&metadata("dev")["packages"], "djanginxed"),
            Some((1, 89))
        );
    }
}
