//! RoBERTa (Liu et al. 2019, arXiv:1907.11692), and CamemBERT and XLM-R, which differ from it in their
//! vocabularies alone: BERT with one segment, whose positions are counted from behind the number of the
//! padding token.

use super::bert;
use super::names::Names;

pub(super) const NAMES: Names = Names {
    prefix: "roberta.",
    unused: &["pooler.", "lm_head.", "embeddings.position_ids"],
    ..bert::NAMES
};
