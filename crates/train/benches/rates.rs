//! How near the encoder comes to the machine's limit: the arithmetic rate of prediction and of a training
//! step, beside that of plain matrix products at the encoder's shapes, by turns in one process.
//!
//! Prints a line of JSON for each work. Counted are the products of the dense layers and of attention; a step
//! counts as three forward passes.

use std::path::Path;
use std::time::Instant;

use burn::module::Module;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Distribution, Int, Tensor, TensorData};
use labelproof_kernels::device;
use labelproof_model::batch::Batch;
use labelproof_model::{
    BatchNormalization, Classifier, DeviceChoice, EncoderConfig, Head, HeadKind, HeadLayout, HeadSettings,
    Pooling, Precision, Pretrained,
};
use labelproof_settings::train::Params;
use labelproof_train::lazy_embedding::{LazyEmbedding, StepTokens};
use labelproof_train::optimizer;

const ROWS: usize = 16;
const CLASSES: usize = 5;
const ROUNDS: usize = 7;
/// Steps before that: memory is asked for in the first ones, and kept.
const WARM_UP: usize = 3;

fn main() {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../external/encoders/all-minilm-l6-v2"
    );
    let device = device::open(DeviceChoice::Cpu).expect("the processor is always there");
    let pretrained =
        Pretrained::load(Path::new(folder), &device).expect("`make setup` fetches the sample encoder");
    let config = pretrained.config.clone();
    let settings = HeadSettings {
        input: config.hidden_size,
        classes: CLASSES,
        dropout: 0.0,
        batch_normalization: BatchNormalization::None,
        kind: HeadKind::Linear,
    };
    let classifier = Classifier {
        encoder: pretrained.encoder,
        head: Head::new(&settings, HeadLayout::LINEAR, 1, &device),
        pooling: Pooling::Mean,
        precision: Precision::Float32,
    };
    // Tokens a row may be given as an argument, for a profile.
    let wanted: Option<usize> = std::env::args().find_map(|argument| argument.parse().ok());
    for sequence in wanted.map_or(vec![16, 128, 256], |wanted| vec![wanted]) {
        let flops = forward_flops(&config, sequence);
        let rows: Vec<Vec<u32>> = (0..ROWS)
            .map(|row| (0..sequence).map(|place| word(row, place)).collect())
            .collect();
        let rows: Vec<&[u32]> = rows.iter().map(Vec::as_slice).collect();
        let in_int8 = Classifier {
            encoder: classifier.encoder.clone().with_int8(),
            precision: Precision::Int8,
            ..classifier.clone()
        };
        let forward = || {
            let _ = in_int8.forward(&Batch::new(&rows, 0, &device)).into_data();
        };
        report("forward in int8", sequence, flops, &config, &device, forward);
        for (suffix, precision) in [("", Precision::Float32), (" in bfloat16", Precision::Bfloat16)] {
            let classifier = Classifier {
                precision,
                ..classifier.clone()
            };
            let forward = || {
                let _ = classifier.forward(&Batch::new(&rows, 0, &device)).into_data();
            };
            report(
                &format!("forward{suffix}"),
                sequence,
                flops,
                &config,
                &device,
                forward,
            );
            let mut training = Training::new(classifier.clone());
            let step = || training.step(&rows, &device);
            report(
                &format!("step{suffix}"),
                sequence,
                3.0 * flops,
                &config,
                &device,
                step,
            );
        }
    }
}

/// The id of some ordinary token.
fn word(row: usize, place: usize) -> u32 {
    u32::try_from(2000 + (row * 7919 + place * 104_729) % 20_000).expect("ids are small")
}

/// The floating-point operations of a batch's forward pass.
fn forward_flops(config: &EncoderConfig, sequence: usize) -> f64 {
    let (width, inner) = (config.hidden_size as f64, config.intermediate_size as f64);
    let dense = 2.0 * (4.0 * width * width + 2.0 * width * inner);
    let attention = 4.0 * sequence as f64 * width;
    (ROWS * sequence * config.num_hidden_layers) as f64 * (dense + attention)
}

/// A training of a whole classifier, as in the stage.
struct Training {
    params: Params,
    /// The module, which is there except within a step.
    module: Option<Classifier>,
    optimizer: ModuleOptimizer,
    embedding: LazyEmbedding,
    steps: usize,
}

impl Training {
    fn new(classifier: Classifier) -> Self {
        let params = Params::default();
        let mut module = classifier.train();
        Self {
            optimizer: optimizer::build(&params, 0),
            embedding: LazyEmbedding::new(module.encoder.word_embedding_table_mut()),
            module: Some(module),
            params,
            steps: 0,
        }
    }

    fn step(&mut self, rows: &[&[u32]], device: &Device) {
        const RATE: f64 = 1e-5;
        let mut module = self.module.take().expect("it is put back after each step");
        let tokens = StepTokens::new(rows.iter().copied(), 0);
        self.embedding
            .put_rows(&tokens, module.encoder.word_embedding_table_mut());
        let rows: Vec<Vec<u32>> = rows.iter().map(|row| tokens.renumber(row)).collect();
        let rows: Vec<&[u32]> = rows.iter().map(Vec::as_slice).collect();
        let mut gradients = gradients(&module, &rows, device);
        self.steps += 1;
        let step = optimizer::embedding_step(&self.params, 0, RATE, self.steps);
        let table = module.encoder.word_embedding_table_mut();
        self.embedding.step(&tokens, table, &mut gradients, &step);
        self.module = Some(self.optimizer.step(RATE, module, gradients));
    }
}

fn gradients(module: &Classifier, rows: &[&[u32]], device: &Device) -> GradientsParams {
    let device = device.clone().autodiff();
    let labels: Vec<i64> = (0..).take(CLASSES).cycle().take(ROWS).collect();
    let targets = Tensor::<1, Int>::from_data(TensorData::new(labels, [ROWS]), &device);
    let batch = Batch::new(rows, 0, &device).with_seed(1);
    let loss = CrossEntropyLossConfig::new()
        .init(&device)
        .forward(module.forward(&batch), targets);
    GradientsParams::from_grads(loss.backward(), module)
}

/// A function that measures, each time it is called, the rate in GFLOP/s of the plain products that the dense
/// layers of one batch consist of.
fn products(config: &EncoderConfig, sequence: usize, device: &Device) -> impl Fn() -> f64 {
    let (width, inner) = (config.hidden_size, config.intermediate_size);
    let noise =
        |rows: usize, columns: usize| Tensor::<2>::random([rows, columns], Distribution::Default, device);
    let tokens = ROWS * sequence;
    let shapes = [(width, width), (width, inner), (inner, width)];
    let pairs = shapes.map(|(input, output)| (noise(tokens, input), noise(input, output)));
    let flops: f64 = shapes
        .iter()
        .map(|(input, output)| 2.0 * (tokens * input * output) as f64)
        .sum();
    move || {
        let started = Instant::now();
        for (input, weight) in &pairs {
            let _ = input.clone().matmul(weight.clone());
        }
        flops / started.elapsed().as_secs_f64() / 1e9
    }
}

/// Measures a work and the plain products by turns, and prints the medians.
fn report(
    name: &str,
    sequence: usize,
    flops: f64,
    config: &EncoderConfig,
    device: &Device,
    mut work: impl FnMut(),
) {
    let products = products(config, sequence, device);
    for _ in 0..WARM_UP {
        work();
        products();
    }
    let (mut rates, mut limits) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        limits.push(median((0..7).map(|_| products()).collect()));
        let started = Instant::now();
        work();
        rates.push(flops / started.elapsed().as_secs_f64() / 1e9);
    }
    let shares = rates
        .iter()
        .zip(&limits)
        .map(|(rate, limit)| rate / limit)
        .collect();
    let line = format!(
        "{{\"work\": \"{name}\", \"rows\": {ROWS}, \"tokens\": {sequence}, \"gflops\": {:.1}, \
         \"products\": {:.1}, \"share\": {:.3}}}",
        median(rates),
        median(limits),
        median(shares)
    );
    #[expect(clippy::print_stdout, reason = "this is what the program is for")]
    {
        println!("{line}");
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
