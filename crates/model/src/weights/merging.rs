//! Adapters that PEFT has saved, merged into the weights of an encoder while these are read.
//!
//! LoRA adds to the weight of a dense layer, `[outputs, inputs]` in the file, the product of `lora_B`,
//! `[outputs, rank]`, and `lora_A`, `[rank, inputs]`, scaled. What was trained whole (`modules_to_save`) takes the place
//! of the encoder's tensor. Which configurations mean this is the business of `labelproof_settings::peft`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::tensor::TensorData;
use labelproof_artifact::encoder_files::adapter_files;
use labelproof_settings::encoder::{EncoderError, require};
use labelproof_settings::peft::PeftConfig;
use rayon::prelude::*;

use super::files::{Stored, WeightFiles};
use super::{TensorSource, floats, modern_name, to_f32};
use crate::error::Error;

/// The opened files of an adapter.
pub(crate) struct AdapterWeights {
    path: PathBuf,
    config: PeftConfig,
    files: WeightFiles,
}

/// The tensors of an adapter that nobody has asked for yet.
pub(super) struct Adapted<'a> {
    pub(super) path: &'a Path,
    config: &'a PeftConfig,
    /// By the name of the dense layer.
    products: BTreeMap<String, Product<'a>>,
    /// Tensors that take the place of the encoder's, by their names.
    pub(super) whole: BTreeMap<String, Stored<'a>>,
}

/// The two matrices of a dense layer.
#[derive(Default)]
struct Product<'a> {
    a: Option<Stored<'a>>,
    b: Option<Stored<'a>>,
    /// The name of the dense layer as the adapter has it.
    name: String,
}

/// What stands before every name in PEFT's files.
pub(crate) const PEFT_PREFIX: &str = "base_model.model.";

/// The beginnings of the names of heads, for which an encoder has no use.
const HEADS: [&str; 4] = ["classifier.", "pre_classifier.", "score.", "head."];

impl AdapterWeights {
    /// Opens the adapter in a folder.
    pub(crate) fn open(folder: &Path) -> Result<Self, Error> {
        let config = PeftConfig::read(folder)?;
        let [_, file] = adapter_files(folder);
        let path = require(folder, file)?;
        Ok(Self {
            files: WeightFiles::open_one(&path)?,
            path,
            config,
        })
    }

    /// Has a source hand out the tensors that come of the encoder's and the adapter's.
    pub(crate) fn adapt<'a>(&'a self, source: &mut TensorSource<'a>) -> Result<(), Error> {
        let mut adapted = Adapted {
            path: &self.path,
            config: &self.config,
            products: BTreeMap::new(),
            whole: BTreeMap::new(),
        };
        for (name, tensor) in self.files.tensors()? {
            let own = name.strip_prefix(PEFT_PREFIX).unwrap_or(&name);
            adapted.add(own, tensor).ok_or_else(|| EncoderError::Adapter {
                path: self.path.clone(),
                problem: format!("`{own}` belongs to another method than LoRA"),
            })?;
        }
        source.adapted = Some(adapted);
        Ok(())
    }
}

impl<'a> Adapted<'a> {
    /// Adds a tensor; `None` where it is one of another method than LoRA.
    fn add(&mut self, name: &str, tensor: Stored<'a>) -> Option<()> {
        let Some((layer, matrix)) = name.split_once(".lora_") else {
            self.whole.insert(modern_name(name), tensor);
            return Some(());
        };
        let product = self.products.entry(layer.to_owned()).or_default();
        layer.clone_into(&mut product.name);
        match matrix {
            "A.weight" => product.a = Some(tensor),
            "B.weight" => product.b = Some(tensor),
            _ => return None,
        }
        Some(())
    }

    /// Takes the prefix of a family off all names that have it.
    pub(super) fn strip(&mut self, prefix: &str) {
        fn stripped<T>(entries: &mut BTreeMap<String, T>, prefix: &str) {
            *entries = std::mem::take(entries)
                .into_iter()
                .map(|(name, value)| match name.strip_prefix(prefix) {
                    Some(own) => (own.to_owned(), value),
                    None => (name, value),
                })
                .collect();
        }
        stripped(&mut self.products, prefix);
        stripped(&mut self.whole, prefix);
    }

    /// Adds the product of a dense layer to its weight, `[outputs, inputs]`, if it has one. The error is what is
    /// wrong with it.
    pub(super) fn merge(
        &mut self,
        name: &str,
        shape: &[usize],
        weight: TensorData,
    ) -> Result<TensorData, String> {
        let product = name
            .strip_suffix(".weight")
            .and_then(|layer| self.products.remove(layer));
        let Some(product) = product else {
            return Ok(weight);
        };
        let &[outputs, inputs] = shape else {
            return Err(format!("`{}` is no dense layer of the encoder", product.name));
        };
        let (a, b) = product.matrices(outputs, inputs)?;
        let rank = a.len() / inputs;
        let scale = narrow(self.config.scale(&product.name, rank));
        let mut merged = floats(&weight);
        let rows = merged.par_chunks_exact_mut(inputs).zip(b.par_chunks_exact(rank));
        rows.for_each(|(row, factors)| {
            let mut added = vec![0.0; inputs];
            for (factor, a) in factors.iter().zip(a.chunks_exact(inputs)) {
                for (sum, value) in added.iter_mut().zip(a) {
                    *sum += factor * value;
                }
            }
            for (weight, added) in row.iter_mut().zip(added) {
                *weight += scale * added;
            }
        });
        Ok(TensorData::new(merged, shape.to_vec()))
    }

    /// The names that nobody has asked for, but those of which an encoder has no use.
    pub(super) fn left(&self, unused: &[&str]) -> Vec<String> {
        let products = self.products.keys().map(|name| format!("{name}.lora_A.weight"));
        let all = products.chain(self.whole.keys().cloned());
        let is_needless = |name: &String| HEADS.iter().chain(unused).any(|start| name.starts_with(start));
        all.filter(|name| !is_needless(name)).collect()
    }
}

#[expect(clippy::cast_possible_truncation, reason = "weights are float32")]
fn narrow(scale: f64) -> f32 {
    scale as f32
}

impl Product<'_> {
    /// Both matrices, row-major; the error is what is wrong with them.
    fn matrices(&self, outputs: usize, inputs: usize) -> Result<(Vec<f32>, Vec<f32>), String> {
        let shape =
            |matrix: Option<&Stored<'_>>| matrix.map_or_else(Vec::new, |matrix| matrix.shape().to_vec());
        let (of_a, of_b) = (shape(self.a.as_ref()), shape(self.b.as_ref()));
        let fits = match (of_a.as_slice(), of_b.as_slice()) {
            (&[rank, columns], &[rows, inner]) => {
                (rows, columns, inner) == (outputs, inputs, rank) && rank > 0
            }
            _ => false,
        };
        let read = |matrix: Option<&Stored<'_>>| to_f32(matrix?).ok()?.map(|data| floats(&data));
        match (read(self.a.as_ref()), read(self.b.as_ref())) {
            (Some(a), Some(b)) if fits => Ok((a, b)),
            _ => Err(format!(
                "{} [{outputs}, {inputs}] with adapter matrices {of_b:?} and {of_a:?}",
                self.name
            )),
        }
    }
}

#[cfg(test)]
mod tests;
