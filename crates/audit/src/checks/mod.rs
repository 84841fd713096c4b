//! One file a cause, in a folder for each family, and the list of them all.

use crate::catalogue::Check;

pub mod decision;
pub mod input;
pub mod labels;
pub mod leakage;
pub mod metrics;
pub mod pairing;
pub mod weights;

/// Every check, in the order of the catalogue.
pub const ALL: &[Check] = &[
    metrics::double_softmax::CHECK,
    metrics::elementwise_accuracy::CHECK,
    metrics::loss_mismatch::CHECK,
    metrics::batch_averages::CHECK,
    metrics::rows_lost::CHECK,
    metrics::averages_mixed::CHECK,
    metrics::running_metric::CHECK,
    metrics::chosen_on_test::CHECK,
    metrics::class_bias::CHECK,
    pairing::labels_permuted::CHECK,
    pairing::predictions_shuffled::CHECK,
    pairing::predictions_shifted::CHECK,
    pairing::part_mispaired::CHECK,
    pairing::confusion_axes::CHECK,
    pairing::stale_predictions::CHECK,
    pairing::label_spelling::CHECK,
    weights::untrained_head::CHECK,
    weights::other_checkpoint::CHECK,
    weights::normalization_statistics::CHECK,
    weights::dropout_at_prediction::CHECK,
    weights::frozen_encoder_changed::CHECK,
    weights::collapsed::CHECK,
    weights::failed_run::CHECK,
    weights::export_changed::CHECK,
    input::other_tokenizer::CHECK,
    input::cleaning_differs::CHECK,
    input::text_cut_off::CHECK,
    input::text_ignored::CHECK,
    input::padding_pooled::CHECK,
    input::special_tokens::CHECK,
    input::stale_features::CHECK,
    input::wrong_column::CHECK,
    leakage::exact_duplicates::CHECK,
    leakage::near_duplicates::CHECK,
    leakage::shared_groups::CHECK,
    leakage::redrawn_split::CHECK,
    leakage::sorted_split::CHECK,
    leakage::test_inside_train::CHECK,
    leakage::giveaway::CHECK,
    leakage::class_shift::CHECK,
    leakage::text_drift::CHECK,
    leakage::small_validation::CHECK,
    labels::wrong_labels::CHECK,
    labels::generic_words::CHECK,
    labels::two_topics::CHECK,
    labels::majority_guessing::CHECK,
    labels::shortcut::CHECK,
    labels::languages::CHECK,
    labels::underfitting::CHECK,
    decision::calibration::CHECK,
    decision::stored_predictions::CHECK,
];
