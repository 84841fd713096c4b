//! What the settings are called where the user makes them, so that messages name what can be changed.

/// Where the settings of a reader stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settings {
    /// The section `ingest` of `pipeline.yaml`.
    Pipeline,
    /// The options of `labelproof predict`.
    CommandLine,
}

impl Settings {
    /// The setting that names a column.
    pub(crate) fn column(self, key: &str) -> String {
        match self {
            Self::Pipeline => format!("ingest.columns.{key}"),
            Self::CommandLine => format!("--{key}"),
        }
    }

    /// The setting of the encoding.
    pub(crate) fn encoding(self) -> &'static str {
        match self {
            Self::Pipeline => "ingest.encoding",
            Self::CommandLine => "--encoding",
        }
    }

    /// How a source is said to be JSON lines.
    pub(crate) fn json_lines(self) -> &'static str {
        match self {
            Self::Pipeline => "json_lines",
            Self::CommandLine => "--format jsonl",
        }
    }
}
