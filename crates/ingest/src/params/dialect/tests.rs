//! What `ingest.dialect` may say, and what is said of what it may not.

use super::*;
use crate::params::Params;

fn params(rest: &str) -> Params {
    serde_yaml::from_str(&format!("format: csv\npaths: [a.csv]\n{rest}")).unwrap()
}

#[test]
fn every_key_is_read_and_written_back() {
    for dialect in [
        r##"{separator: ";", quote: '"', escape: '\"', comment: "#", skip_lines: 2, header: true}"##,
        r#"{separator: "\t", quote: none, escape: '\', header: [label, text]}"#,
        r#"{quote: "'", escape: none}"#,
    ] {
        let params = params(&format!(
            "columns: {{text: text, label: label}}\ndialect: {dialect}\n"
        ));
        assert_eq!(params.check(), Vec::<String>::new(), "{dialect}");
        let written = serde_yaml::to_string(&params).unwrap();
        assert_eq!(serde_yaml::from_str::<Params>(&written).unwrap(), params);
    }
}

#[test]
fn columns_without_names_have_numbers() {
    let params = params("columns: {text: [2, 3], label: 1}\ndialect: {header: false}\n");
    assert_eq!(params.check(), Vec::<String>::new());
    assert_eq!(params.columns.as_ref().unwrap().text, ["2", "3"]);
    let dialect = params.dialect.unwrap();
    assert_eq!(
        dialect.declared(&["2", "3", "1"]).no_header,
        Some(Width::AtLeast(3))
    );
    assert_eq!(dialect.names(2).unwrap(), ["1", "2"]);
}

#[test]
fn problems_name_their_keys() {
    let params = params(
        "columns: {text: text, label: 0}\ndialect: {separator: é, comment: '\"', quote: none, escape: '\\\"', \
         header: false}\n",
    );
    assert_eq!(
        params.check(),
        [
            "ingest.dialect.separator: `\\u{e9}` cannot be one, choose another ASCII character",
            "ingest.dialect.comment: `\\\"` cannot be one, choose another ASCII character",
            "ingest.dialect.escape: nothing is quoted where `ingest.dialect.quote` is `none`",
            "ingest.columns.text: `text` is no number of a column, and `ingest.dialect.header` says that they \
             have no names",
            "ingest.columns.label: `0` is no number of a column, and `ingest.dialect.header` says that they \
             have no names",
        ]
    );
}

#[test]
fn names_must_be_those_that_are_used() {
    let params = params("columns: {text: body, label: y}\ndialect: {header: [y, text, y]}\n");
    assert_eq!(
        params.check(),
        [
            "ingest.dialect.header: `y` is named twice",
            "ingest.columns.text: `body` is not one of the columns that `ingest.dialect.header` names",
        ]
    );
    let params: Params =
        serde_yaml::from_str("{format: parquet, paths: [a], columns: {text: t, label: y}, dialect: {}}")
            .unwrap();
    assert_eq!(
        params.check(),
        ["ingest.dialect: only `csv` and `tsv` have one, remove it"]
    );
}
