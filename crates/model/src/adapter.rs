//! Low-rank adapters (LoRA; Hu et al. 2021, arXiv:2106.09685) of an encoder's dense layers, and their files in the
//! layout of the Python library PEFT.
//!
//! To a dense layer with the weight `W`, `[inputs, outputs]`, the product of `A`, `[inputs, rank]`, and `B`,
//! `[rank, outputs]`, is added, scaled by `alpha / rank`. The query, key and value projections are one dense layer in
//! memory; each has an adapter of its own, as in PEFT. burn's own LoRA gives a parameter one adapter, and computes the
//! gradient of the whole weight on the way to that of the two matrices.

use std::path::Path;

use burn::module::{Module, Param};
use burn::nn::{Dropout, DropoutConfig, Linear};
use burn::tensor::{Device, Tensor, TensorData};
use labelproof_artifact::encoder_files::{ADAPTER_CONFIG_FILE, ADAPTER_WEIGHTS};
use labelproof_artifact::fs;
use labelproof_kernels::dropout::dropout;
use labelproof_kernels::fused::{linear_without_bias, to_float32};
use labelproof_kernels::random;
use labelproof_settings::encoder_name::HubModel;
use labelproof_settings::train::{Lora, LoraTarget};
use serde::Serialize;

use crate::error::Error;
use crate::weights::{NamedTensors, PEFT_PREFIX};

/// What lies in a dense layer: the whole of it, or one of several layers side by side.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    /// What it is called in `pipeline.yaml`; where it is several in one, all of them.
    pub(crate) targets: &'static [LoraTarget],
    /// Its name in the encoder's files, without `.weight`.
    pub(crate) name: String,
}

impl Part {
    /// Whether it is to have an adapter. It cannot have one for a part of itself.
    pub(crate) fn is_wanted(&self, lora: &Lora) -> Result<bool, Error> {
        let wanted = self.targets.iter().filter(|target| lora.targets.contains(target));
        match wanted.count() {
            0 => Ok(false),
            count if count == self.targets.len() => Ok(true),
            _ => Err(Error::LoraTargets {
                layer: self.name.clone(),
                targets: self.targets.iter().map(|target| target.name()).collect(),
            }),
        }
    }
}

/// The adapters of a dense layer.
#[derive(Module, Debug)]
pub(crate) struct Adapter {
    products: Vec<LowRank>,
    dropout: Dropout,
    #[module(skip)]
    scale: f64,
    /// The number of outputs of the dense layer.
    #[module(skip)]
    outputs: usize,
}

/// The product of two narrow matrices, which is added to a part of a dense layer.
#[derive(Module, Debug)]
struct LowRank {
    /// `[inputs, rank]`.
    a: Linear,
    /// `[rank, outputs of the part]`.
    b: Linear,
    #[module(skip)]
    name: String,
    /// The column of the dense layer with which the part begins.
    #[module(skip)]
    first: usize,
}

impl Adapter {
    /// New adapters for those parts of a dense layer that `wanted` says, all of which are equally wide. `A` is uniform
    /// within ±1/√inputs, as PEFT draws it, and `B` is zero, so that nothing is added at first.
    pub(crate) fn new(linear: &Linear, wanted: Vec<Option<String>>, lora: &Lora, seed: u64) -> Self {
        let ([inputs, outputs], device) = (linear.weight.dims(), linear.weight.val().device());
        let width = outputs / wanted.len();
        let names = wanted.into_iter().enumerate();
        let products = names.filter_map(|(number, name)| {
            Some(LowRank {
                a: matrix(
                    draw(inputs * lora.rank, inputs, random::derive(seed, number as u64)),
                    lora.rank,
                    &device,
                ),
                b: matrix(vec![0.0; lora.rank * width], width, &device),
                name: name?,
                first: number * width,
            })
        });
        Self {
            products: products.collect(),
            dropout: DropoutConfig::new(lora.dropout).init(),
            scale: lora.alpha / lora.rank as f64,
            outputs,
        }
    }

    /// What is added to the output of the dense layer, `[batch, sequence, outputs]`, from its input.
    pub(crate) fn forward(&self, input: Tensor<3>, seed: u64) -> Tensor<3> {
        let dtype = input.dtype();
        let input = dropout(&self.dropout, to_float32(input), seed).cast(dtype);
        let products = self.products.iter().map(|product| {
            let inner = linear_without_bias(&product.a, input.clone()).mul_scalar(self.scale);
            (product.first, linear_without_bias(&product.b, inner))
        });
        side_by_side(products.collect(), self.outputs)
    }

    /// The dense layer with the products added to its weight.
    pub(crate) fn merge(&self, linear: Linear) -> Linear {
        let products = self.products.iter().map(|product| {
            let (a, b) = (product.a.weight.val(), product.b.weight.val());
            (product.first, a.matmul(b).mul_scalar(self.scale))
        });
        let added = side_by_side(products.collect(), self.outputs);
        Linear {
            weight: Param::from_tensor(linear.weight.val() + added),
            ..linear
        }
    }
}

/// The dense layer of a matrix, row-major.
fn matrix(values: Vec<f32>, columns: usize, device: &Device) -> Linear {
    let shape = [values.len() / columns, columns];
    Linear {
        weight: Param::from_data(TensorData::new(values, shape), device),
        bias: None,
    }
}

/// Numbers that are uniform within ±1/√inputs.
fn draw(count: usize, inputs: usize, seed: u64) -> Vec<f32> {
    let bound = 1.0 / (inputs as f32).sqrt();
    let mut stream = random::stream("lora", seed);
    (0..count)
        .map(|_| (2.0 * random::uniform(&mut stream) - 1.0) * bound)
        .collect()
}

/// Lays tensors side by side along their last dimension, each from the column on that is given with it, with zeros
/// between them up to `width`.
fn side_by_side<const D: usize>(pieces: Vec<(usize, Tensor<D>)>, width: usize) -> Tensor<D> {
    let mut parts = Vec::with_capacity(2 * pieces.len() + 1);
    let mut filled = 0;
    let zeros = |like: &Tensor<D>, columns: usize| {
        let mut shape = like.dims();
        shape[D - 1] = columns;
        Tensor::zeros(shape, (&like.device(), like.dtype()))
    };
    for (first, piece) in pieces {
        if first > filled {
            parts.push(zeros(&piece, first - filled));
        }
        filled = first + piece.dims()[D - 1];
        parts.push(piece);
    }
    if let Some(last) = parts.last().filter(|_| filled < width) {
        parts.push(zeros(last, width - filled));
    }
    if parts.len() == 1 {
        return parts.remove(0);
    }
    Tensor::cat(parts, D - 1)
}

/// The files of an adapter, from which PEFT makes the encoder that was trained of the one that training started from.
#[derive(Debug, Default)]
pub struct AdapterFiles {
    tensors: NamedTensors,
    targets: Vec<String>,
    /// The layers that were trained whole.
    saved: Vec<String>,
}

impl AdapterFiles {
    /// Adds the adapters of a dense layer.
    pub(crate) fn push(&mut self, adapter: &Adapter) {
        for product in &adapter.products {
            let name = &product.name;
            self.tensors
                .push_linear(&format!("{PEFT_PREFIX}{name}.lora_A"), &product.a);
            self.tensors
                .push_linear(&format!("{PEFT_PREFIX}{name}.lora_B"), &product.b);
            self.targets.push(name.clone());
        }
    }

    /// Adds a layer that was trained whole, from the tensors of the encoder.
    pub(crate) fn push_layer(&mut self, layer: String, encoder: &NamedTensors) {
        self.tensors
            .push_below(&format!("{layer}."), PEFT_PREFIX, encoder);
        self.saved.push(layer);
    }

    /// Writes `adapter_config.json` and `adapter_model.safetensors`. `base` is the encoder in the Hugging Face Hub,
    /// where it is there.
    pub fn write(&self, folder: &Path, lora: &Lora, base: Option<&HubModel>) -> Result<(), Error> {
        let config = AdapterConfig {
            peft_type: "LORA",
            task_type: "FEATURE_EXTRACTION",
            base_model_name_or_path: base.map(|model| model.repository.as_str()),
            revision: base.map(|model| model.commit.as_str()),
            r: lora.rank,
            lora_alpha: lora.alpha,
            lora_dropout: lora.dropout,
            target_modules: &self.targets,
            modules_to_save: (!self.saved.is_empty()).then_some(&self.saved),
            bias: "none",
            fan_in_fan_out: false,
            inference_mode: true,
        };
        let mut text = serde_json::to_string_pretty(&config).expect("a configuration has string keys only");
        text.push('\n');
        fs::create_dir_all(folder)?;
        fs::write_atomic(&folder.join(ADAPTER_CONFIG_FILE), text.as_bytes())?;
        self.tensors.write(&folder.join(ADAPTER_WEIGHTS[0]))
    }
}

/// `adapter_config.json`, in PEFT's names.
#[derive(Serialize)]
struct AdapterConfig<'a> {
    peft_type: &'a str,
    task_type: &'a str,
    base_model_name_or_path: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<&'a str>,
    r: usize,
    lora_alpha: f64,
    lora_dropout: f64,
    target_modules: &'a [String],
    modules_to_save: Option<&'a Vec<String>>,
    bias: &'a str,
    fan_in_fan_out: bool,
    inference_mode: bool,
}

#[cfg(test)]
mod tests;
