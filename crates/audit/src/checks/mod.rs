//! One file a cause, and the list of them all.

use crate::check::Check;

mod copies;

pub mod averages_mixed;
pub mod batch_averages;
pub mod calibration;
pub mod chosen_on_test;
pub mod class_bias;
pub mod class_shift;
pub mod cleaning_differs;
pub mod collapsed;
pub mod confusion_axes;
pub mod double_softmax;
pub mod dropout_at_prediction;
pub mod elementwise_accuracy;
pub mod exact_duplicates;
pub mod export_changed;
pub mod failed_run;
pub mod frozen_encoder_changed;
pub mod generic_words;
pub mod giveaway;
pub mod label_spelling;
pub mod labels_permuted;
pub mod languages;
pub mod loss_mismatch;
pub mod majority_guessing;
pub mod near_duplicates;
pub mod normalization_statistics;
pub mod other_checkpoint;
pub mod other_tokenizer;
pub mod padding_pooled;
pub mod part_mispaired;
pub mod predictions_shifted;
pub mod predictions_shuffled;
pub mod redrawn_split;
pub mod rows_lost;
pub mod running_metric;
pub mod shared_groups;
pub mod shortcut;
pub mod small_validation;
pub mod sorted_split;
pub mod special_tokens;
pub mod stale_features;
pub mod stale_predictions;
pub mod stored_predictions;
pub mod test_inside_train;
pub mod text_cut_off;
pub mod text_drift;
pub mod text_ignored;
pub mod two_topics;
pub mod underfitting;
pub mod untrained_head;
pub mod wrong_column;
pub mod wrong_labels;

/// Every check, in the order of the catalogue.
pub const ALL: &[Check] = &[
    double_softmax::CHECK,
    elementwise_accuracy::CHECK,
    loss_mismatch::CHECK,
    batch_averages::CHECK,
    rows_lost::CHECK,
    averages_mixed::CHECK,
    running_metric::CHECK,
    chosen_on_test::CHECK,
    class_bias::CHECK,
    labels_permuted::CHECK,
    predictions_shuffled::CHECK,
    predictions_shifted::CHECK,
    part_mispaired::CHECK,
    confusion_axes::CHECK,
    stale_predictions::CHECK,
    label_spelling::CHECK,
    untrained_head::CHECK,
    other_checkpoint::CHECK,
    normalization_statistics::CHECK,
    dropout_at_prediction::CHECK,
    frozen_encoder_changed::CHECK,
    collapsed::CHECK,
    failed_run::CHECK,
    export_changed::CHECK,
    other_tokenizer::CHECK,
    cleaning_differs::CHECK,
    text_cut_off::CHECK,
    text_ignored::CHECK,
    padding_pooled::CHECK,
    special_tokens::CHECK,
    stale_features::CHECK,
    wrong_column::CHECK,
    exact_duplicates::CHECK,
    near_duplicates::CHECK,
    shared_groups::CHECK,
    redrawn_split::CHECK,
    sorted_split::CHECK,
    test_inside_train::CHECK,
    giveaway::CHECK,
    class_shift::CHECK,
    text_drift::CHECK,
    small_validation::CHECK,
    wrong_labels::CHECK,
    generic_words::CHECK,
    two_topics::CHECK,
    majority_guessing::CHECK,
    shortcut::CHECK,
    languages::CHECK,
    underfitting::CHECK,
    calibration::CHECK,
    stored_predictions::CHECK,
];
