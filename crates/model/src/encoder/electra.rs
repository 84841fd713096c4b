//! ELECTRA (Clark et al. 2020, arXiv:2003.10555): BERT, whose embeddings may be narrower than the layers, and
//! are then projected to their width.

use super::bert;
use super::names::Names;

pub(super) const NAMES: Names = Names {
    prefix: "electra.",
    unused: &[
        "discriminator_predictions.",
        "generator_predictions.",
        "generator_lm_head.",
        "embeddings.position_ids",
    ],
    ..bert::NAMES
};
