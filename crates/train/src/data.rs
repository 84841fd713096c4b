//! The rows that training reads: joined by id, in the order of the documents, without the test split.

use std::collections::BTreeMap;

use labelproof_artifact::{
    ArtifactError, Artifacts, Document, LabelMap, Row, Split, SplitRow, TableReader, TokenRow,
};

use crate::error::Error;

/// The rows of one split.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub(crate) ids: Vec<String>,
    /// The place of each row's class in the label map.
    pub(crate) labels: Vec<u32>,
    /// The token ids of each row.
    pub(crate) tokens: Vec<Vec<u32>>,
    /// The set of rows that each row had to stay together with when the data were split.
    pub(crate) groups: Vec<String>,
}

impl Rows {
    /// The number of tokens of each row.
    pub(crate) fn lengths(&self) -> Vec<usize> {
        self.tokens.iter().map(Vec::len).collect()
    }

    /// Some of these rows, in this order.
    pub(crate) fn pick(&self, rows: &[usize]) -> Self {
        fn pick<T: Clone>(all: &[T], rows: &[usize]) -> Vec<T> {
            rows.iter().map(|&row| all[row].clone()).collect()
        }
        Self {
            ids: pick(&self.ids, rows),
            labels: pick(&self.labels, rows),
            tokens: pick(&self.tokens, rows),
            groups: pick(&self.groups, rows),
        }
    }
}

/// The rows that training learns from, and those that choose the epoch.
#[derive(Debug)]
pub(crate) struct TrainingData {
    pub(crate) labels: LabelMap,
    pub(crate) train: Rows,
    pub(crate) validation: Rows,
}

impl TrainingData {
    /// Reads the tokens and splits of a folder of artifacts.
    pub(crate) fn read(artifacts: Artifacts<'_>) -> Result<Self, Error> {
        let labels = LabelMap::read(artifacts)?;
        let mut splits = BTreeMap::new();
        for batch in TableReader::<SplitRow>::open(artifacts)? {
            splits.extend(batch?.into_iter().map(|row| (row.id, (row.split, row.group))));
        }
        let mut data = Self {
            labels,
            train: Rows::default(),
            validation: Rows::default(),
        };
        for batch in TableReader::<TokenRow>::open(artifacts)? {
            for row in batch? {
                data.add(row, &mut splits, artifacts)?;
            }
        }
        for (rows, split) in [(&data.train, Split::Train), (&data.validation, Split::Validation)] {
            if rows.ids.is_empty() {
                return Err(Error::EmptySplit { split: split.name() });
            }
        }
        Ok(data)
    }

    fn add(
        &mut self,
        row: TokenRow,
        splits: &mut BTreeMap<String, (Split, String)>,
        artifacts: Artifacts<'_>,
    ) -> Result<(), ArtifactError> {
        let Some((split, group)) = splits.remove(&row.id) else {
            return Err(artifacts.damaged(SplitRow::KIND, format!("row `{}` has no split", row.id)));
        };
        let rows = match split {
            Split::Train => &mut self.train,
            Split::Validation => &mut self.validation,
            Split::Test => return Ok(()),
        };
        let Some(label) = self.labels.index(&row.label) else {
            let problem = format!(
                "label `{}` of row `{}` is not in the label map",
                row.label, row.id
            );
            return Err(artifacts.damaged(TokenRow::KIND, problem));
        };
        rows.ids.push(row.id);
        rows.labels.push(label);
        rows.tokens.push(row.tokens);
        rows.groups.push(group);
        Ok(())
    }
}

/// The number of training rows that the bundle keeps as canaries, and of those kept whole, so that truncation
/// is replayed too.
const CANARIES: usize = 8;
const WHOLE_CANARIES: usize = 1;
/// The number of characters of the other canaries: enough to tell tokenizers apart, few enough to be replayed
/// at every start, which must not take longer than loading LibTorch.
const CANARY_CHARACTERS: usize = 200;

/// The raw texts of the canaries, training rows that are chosen by the seed.
pub(crate) fn canary_texts(
    artifacts: Artifacts<'_>,
    train_ids: &[String],
    seed: u64,
) -> Result<Vec<String>, Error> {
    let mut ranked: Vec<([u8; 32], &str)> = train_ids
        .iter()
        .map(|id| {
            let mut hasher = blake3::Hasher::new();
            hasher
                .update(b"canary")
                .update(&seed.to_le_bytes())
                .update(id.as_bytes());
            (*hasher.finalize().as_bytes(), id.as_str())
        })
        .collect();
    ranked.sort_unstable();
    ranked.truncate(CANARIES);
    let chosen: BTreeMap<&str, usize> = ranked
        .iter()
        .zip(0..)
        .map(|((_, id), place)| (*id, place))
        .collect();
    let mut texts = vec![String::new(); chosen.len()];
    for batch in TableReader::<Document>::open(artifacts)? {
        for document in batch? {
            if let Some(&place) = chosen.get(document.id.as_str()) {
                texts[place] = if place < WHOLE_CANARIES {
                    document.text
                } else {
                    document.text.chars().take(CANARY_CHARACTERS).collect()
                };
            }
        }
    }
    Ok(texts)
}
