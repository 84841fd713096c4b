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

    /// The settings that the readers of tables name in their messages.
    pub(crate) fn of_tables(self) -> labelproof_tables::Settings {
        labelproof_tables::Settings {
            encoding: Some(self.encoding()),
            format: Some(match self {
                Self::Pipeline => "ingest.format: ",
                Self::CommandLine => "--format ",
            }),
            sheet: Some(match self {
                Self::Pipeline => "ingest.sheet",
                Self::CommandLine => "--sheet",
            }),
            table: Some(match self {
                Self::Pipeline => "ingest.table` or `ingest.query",
                Self::CommandLine => "--table` or `--query",
            }),
            json_lines: match self {
                Self::Pipeline => "json_lines",
                Self::CommandLine => "--format jsonl",
            },
            json: match self {
                Self::Pipeline => "ingest.format: json",
                Self::CommandLine => "--format json",
            },
            dialect: Some(match self {
                Self::Pipeline => "ingest.dialect",
                Self::CommandLine => "--",
            }),
        }
    }
}
