//! What a training step calls of LibTorch on an accelerator, counted on the processor with the same code.
//!
//! A GPU waits where the processor waits for it, and where its kernels are smaller than the calls of them. So
//! a step must copy nothing between the two but its batch and its losses, and call few kernels.

use std::collections::BTreeMap;

use labelproof_kernels::operators::{Call, recorded};

use super::*;

const LAYERS: usize = 2;
const BATCH: usize = 4;

/// A training of a classifier of two layers whose batches all have the same shape.
struct Training<'a> {
    encoder: &'a Path,
    steps: usize,
    head_dropout: f64,
    precision: Precision,
}

impl Training<'_> {
    /// Trains for an epoch; returns the logits of a few rows after it.
    fn run(&self) -> Vec<f32> {
        let device = device::open(DeviceChoice::Cpu).unwrap();
        let pretrained = Pretrained::load(self.encoder, &device).unwrap();
        let settings = HeadSettings {
            input: pretrained.config.hidden_size,
            classes: 3,
            dropout: self.head_dropout,
            batch_normalization: BatchNormalization::None,
            kind: HeadKind::Linear,
        };
        let classifier = Classifier {
            encoder: pretrained.encoder,
            head: Head::new(&settings, HeadLayout::LINEAR, 1, &device),
            pooling: Pooling::Mean,
            precision: self.precision,
        };
        let rows = BATCH * self.steps;
        // The lengths that the loop sorts by are equal, so that every batch mixes padded rows with others.
        let tokens: Vec<Vec<u32>> = (0..rows)
            .map(|row| vec![2, 4, 5, 6, 3][row % 2..].to_vec())
            .collect();
        let labels: Vec<u32> = (0..rows).map(|row| u32::from(row % 3 == 0)).collect();
        let ids: Vec<String> = (0..rows).map(|row| format!("row {row}")).collect();
        let autodiff = device.clone().autodiff();
        let params = Params {
            epochs: 1,
            batch_size: BATCH,
            learning_rate: 1e-3,
            gradient_clipping: Some(1.0),
            optimizer: OptimizerKind::Adamw,
            ..Params::default()
        };
        let task = Task {
            train_logits: &|classifier: &Classifier, batch: &MicroBatch<'_>| {
                classifier.forward(&batch.batch(&tokens, Layout::padded(0), &autodiff))
            },
            validation_logits: &|_: &Classifier| Ok(vec![0.0; 3]),
            train_labels: &labels,
            validation_labels: &[0],
            train_lengths: &vec![1; rows],
            train_ids: &ids,
            class_weights: Some(vec![1.0, 2.0, 1.0]),
            classes: 3,
            device: &device,
            layers: LAYERS,
            embedding: None,
            workers: &Workers::alone(),
            course: Course::default(),
        };
        let folder = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::new(folder.path());
        let (classifier, _) = fit(&params, &task, classifier, checkpoints, &Silent).unwrap();
        let shown: Vec<&[u32]> = tokens[..2].iter().map(Vec::as_slice).collect();
        let logits = classifier.forward(&Batch::new(&shown, 0, &device));
        logits.into_data().iter::<f32>().collect()
    }
}

/// How often a training calls each operation of LibTorch that is not part of another, and how often it moves
/// something between the device and the processor.
fn counts(training: &Training<'_>) -> (BTreeMap<String, usize>, usize) {
    let (_, calls) = recorded(|| device::as_accelerator(|| training.run()));
    let mut counts = BTreeMap::new();
    let mut copies = 0;
    for (place, call) in calls.iter().enumerate().filter(|(_, call)| call.depth == 0) {
        let parts = || calls[place + 1..].iter().take_while(|part| part.depth > 0);
        if call.name == "aten::to" && parts().count() == 0 {
            // Nothing is cast: it goes to the device or to the processor, where it is already.
            copies += 1;
            continue;
        }
        // The kernel for processors reads the number of the step, the one for GPUs does not.
        let is_adamw = call.name == "aten::_fused_adamw_";
        assert!(
            !waits(call) && (is_adamw || !parts().any(waits)),
            "{} waits for the device",
            call.name
        );
        *counts.entry(call.name.clone()).or_default() += 1;
    }
    (counts, copies)
}

/// Whether a call gives a number of the device to the processor.
fn waits(call: &Call) -> bool {
    [
        "aten::item",
        "aten::_local_scalar_dense",
        "aten::is_nonzero",
        "aten::nonzero",
        "aten::equal",
    ]
    .contains(&call.name.as_str())
}

/// Operations that start no kernel: they give another view of the same memory, or memory alone.
const WITHOUT_KERNEL: [&str; 17] = [
    "aten::alias",
    "aten::as_strided",
    "aten::detach",
    "aten::empty",
    "aten::empty_like",
    "aten::empty_strided",
    "aten::expand",
    "aten::narrow",
    "aten::reshape",
    "aten::resolve_conj",
    "aten::select",
    "aten::slice",
    "aten::squeeze",
    "aten::t",
    "aten::transpose",
    "aten::unsqueeze",
    "aten::view",
];

#[test]
fn a_step_on_an_accelerator_copies_its_batch_and_its_losses_alone_and_calls_few_kernels() {
    let folder = tempfile::tempdir().unwrap();
    encoder::write(folder.path(), &["one", "two", "three"]);
    for (precision, most) in [(Precision::Float32, 190), (Precision::Bfloat16, 230)] {
        let training = |steps: usize| Training {
            encoder: folder.path(),
            steps,
            head_dropout: 0.1,
            precision,
        };
        // The first one also copies the random numbers of the masks, once for all.
        let [_, (fewer, copies_before), (more, copies)] = [1, 2, 3].map(|steps| counts(&training(steps)));
        let step: BTreeMap<&str, usize> = more
            .iter()
            .map(|(name, count)| (name.as_str(), count - fewer.get(name).unwrap_or(&0)))
            .filter(|(_, count)| *count > 0)
            .collect();
        let kernels: usize = step
            .iter()
            .filter(|(name, _)| name.starts_with("aten::") && !WITHOUT_KERNEL.contains(name))
            .map(|(_, count)| count)
            .sum();
        assert_eq!(
            step["aten::_fused_adamw_"], 2,
            "with weight decay and without: {step:?}"
        );
        assert_eq!(step["aten::scaled_dot_product_attention"], LAYERS, "{step:?}");
        // Token ids, mask and labels go in, loss and logits come out.
        assert_eq!(copies - copies_before, 5, "{step:?}");
        assert!(kernels <= most, "{kernels}: {step:?}");
    }
}

#[test]
fn a_training_on_an_accelerator_gives_the_same_bits_each_time_and_nearly_those_of_the_processor() {
    let folder = tempfile::tempdir().unwrap();
    encoder::write(folder.path(), &["one", "two", "three"]);
    let training = Training {
        encoder: folder.path(),
        steps: 20,
        // Its masks come from a generator that all tests of this process share.
        head_dropout: 0.0,
        precision: Precision::Float32,
    };
    let processor = training.run();
    let accelerator = device::as_accelerator(|| training.run());
    assert_eq!(accelerator, device::as_accelerator(|| training.run()));
    for (one, other) in processor.iter().zip(&accelerator) {
        assert!((one - other).abs() < 1e-3, "{one} {other}");
    }
    let fewer = Training {
        steps: 10,
        ..training
    };
    assert!((fewer.run()[0] - processor[0]).abs() > 1e-2, "the steps show");
}
