//! Tensors from and to files, with every tensor accounted for. Which files there are, and how their bytes are
//! read, is in `files`.
//!
//! Names are those of Hugging Face's encoders. Checkpoints differ in two ways, which are undone on reading: a
//! prefix such as `bert.` before every name where the encoder was a part of a larger model, and `gamma`/`beta`
//! for a layer normalisation's `weight`/`bias` in old ones. The weight of a dense layer is stored
//! `[output, input]` there and `[input, output]` in burn; it is transposed on reading and on writing.

mod files;
mod merging;
mod pickle;

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};

use burn::module::Param;
use burn::nn::{Embedding, LayerNorm, LayerNormConfig, Linear};
use burn::tensor::{DType, Device, Tensor, TensorData};
use labelproof_artifact::{Digest, fs};
use rayon::prelude::*;
use safetensors::Dtype;
use safetensors::tensor::TensorView;

use self::files::Stored;
pub use self::files::WeightFiles;
use self::merging::Adapted;
pub(crate) use self::merging::{AdapterWeights, PEFT_PREFIX};
use crate::error::Error;

/// The tensors of a file, handed out by name. It records which were asked for and missing, and which nobody
/// asked for.
pub struct TensorSource<'a> {
    path: PathBuf,
    device: &'a Device,
    tensors: BTreeMap<String, Stored<'a>>,
    /// The adapter that is merged into them.
    adapted: Option<Adapted<'a>>,
    /// The beginnings of the names that nobody has to ask for.
    unused: Vec<&'static str>,
    missing: Vec<String>,
    misshaped: Vec<String>,
    /// Why the first tensor that could not be read could not.
    unreadable: Option<String>,
}

impl<'a> TensorSource<'a> {
    /// Reads the header of a safetensors file that is in memory.
    pub fn new(path: &Path, bytes: &'a [u8], device: &'a Device) -> Result<Self, Error> {
        let tensors = files::parse(path, bytes)?.tensors().into_iter();
        let stored = tensors.map(|(name, view)| (name, Stored::Safetensors(view)));
        Ok(Self::of(path, stored, device))
    }

    /// The tensors of a file, or of several that `path` is the index of.
    fn of(path: &Path, tensors: impl IntoIterator<Item = (String, Stored<'a>)>, device: &'a Device) -> Self {
        let tensors = tensors.into_iter();
        let tensors = tensors
            .map(|(name, tensor)| (modern_name(&name), tensor))
            .collect();
        Self {
            path: path.to_path_buf(),
            device,
            tensors,
            adapted: None,
            unreadable: None,
            unused: Vec::new(),
            missing: Vec::new(),
            misshaped: Vec::new(),
        }
    }

    /// Expects the names of a model that may be a part of a larger one: `prefix` is taken off those that have it,
    /// and tensors whose names begin with one of `unused` are left aside.
    pub fn expect_names(&mut self, prefix: &str, unused: &'static [&'static str]) {
        let tensors = std::mem::take(&mut self.tensors);
        self.tensors = tensors
            .into_iter()
            .map(|(name, stored)| match name.strip_prefix(prefix) {
                Some(own) => (own.to_owned(), stored),
                None => (name, stored),
            })
            .collect();
        if let Some(adapted) = &mut self.adapted {
            adapted.strip(prefix);
        }
        self.unused.extend(unused);
    }

    /// Leaves aside tensors whose names begin with one of `names`.
    pub fn leave_aside(&mut self, names: &[&'static str]) {
        self.unused.extend(names);
    }

    /// Those of some names that no tensor has.
    pub(crate) fn lacking(&self, names: Vec<String>) -> Vec<String> {
        let lacks = |name: &String| self.stored(name).is_none();
        names.into_iter().filter(lacks).collect()
    }

    /// The number of outputs of a dense layer, or 0.
    pub(crate) fn outputs(&self, name: &str) -> usize {
        let weight = self.stored(&format!("{name}.weight"));
        weight
            .and_then(|weight| weight.shape().first().copied())
            .unwrap_or(0)
    }

    /// The tensor of a name: the adapter's, or else that of the files.
    fn stored(&self, name: &str) -> Option<&Stored<'a>> {
        let whole = self.adapted.as_ref().and_then(|adapted| adapted.whole.get(name));
        whole.or_else(|| self.tensors.get(name))
    }

    /// Takes a tensor. If it is missing or of another shape, zeros stand in, and [`Self::finish`] will fail.
    fn take<const D: usize>(&mut self, name: &str, shape: [usize; D]) -> Tensor<D> {
        match self.take_data(name, shape) {
            Some(data) => Tensor::from_data(data, self.device),
            None => Tensor::zeros(shape, self.device),
        }
    }

    /// Takes the elements of a tensor as float32. If it is missing or of another shape, that is recorded.
    fn take_data<const D: usize>(&mut self, name: &str, shape: [usize; D]) -> Option<TensorData> {
        let own = self.tensors.remove(name);
        let whole = self
            .adapted
            .as_mut()
            .and_then(|adapted| adapted.whole.remove(name));
        let Some(stored) = whole.or(own) else {
            self.missing.push(name.to_owned());
            return None;
        };
        if stored.shape() != shape {
            self.misshaped
                .push(format!("{name} {:?}, expected {shape:?}", stored.shape()));
            return None;
        }
        match to_f32(&stored) {
            Ok(Some(data)) => return self.merge(name, &shape, data),
            Ok(None) => {
                self.misshaped
                    .push(format!("{name} of type {:?}, expected a float", stored.dtype()));
            }
            Err(error) => _ = self.unreadable.get_or_insert_with(|| error.to_string()),
        }
        None
    }

    /// Adds what an adapter has for a tensor. If that does not fit, it is recorded.
    fn merge(&mut self, name: &str, shape: &[usize], data: TensorData) -> Option<TensorData> {
        let Some(adapted) = &mut self.adapted else {
            return Some(data);
        };
        let merged = adapted.merge(name, shape, data);
        merged.map_err(|problem| self.misshaped.push(problem)).ok()
    }

    /// Takes a dense layer, stored as `{name}.weight` `[output, input]` and, where it has one, `{name}.bias`
    /// `[output]`.
    ///
    /// The weight is transposed in memory and not as a view: a trained layer and the same layer loaded again
    /// then have the same layout, and give the same bits.
    pub fn linear(&mut self, name: &str, input: usize, output: usize, has_bias: bool) -> Linear {
        let weight = match self.take_data(&format!("{name}.weight"), [output, input]) {
            Some(stored) => {
                let transposed = transpose(&floats(&stored), output, input);
                Tensor::from_data(TensorData::new(transposed, [input, output]), self.device)
            }
            None => Tensor::zeros([input, output], self.device),
        };
        Linear {
            weight: Param::from_tensor(weight),
            bias: has_bias.then(|| self.vector(&format!("{name}.bias"), output)),
        }
    }

    /// Takes an embedding table, stored as `{name}.weight` `[entries, width]`.
    pub fn embedding(&mut self, name: &str, entries: usize, width: usize) -> Embedding {
        Embedding {
            weight: Param::from_tensor(self.take(&format!("{name}.weight"), [entries, width])),
        }
    }

    /// Takes a layer normalisation, stored as `{name}.weight` and, where it has one, `{name}.bias`, both
    /// `[width]`.
    pub fn layer_norm(&mut self, name: &str, width: usize, epsilon: f64, has_bias: bool) -> LayerNorm {
        let mut norm = LayerNormConfig::new(width)
            .with_epsilon(epsilon)
            .init(self.device);
        norm.gamma = self.vector(&format!("{name}.weight"), width);
        norm.beta = has_bias.then(|| self.vector(&format!("{name}.bias"), width));
        norm
    }

    /// Takes a vector, `[width]`.
    pub fn vector(&mut self, name: &str, width: usize) -> Param<Tensor<1>> {
        Param::from_tensor(self.take(name, [width]))
    }

    /// Fails unless every tensor was found with its shape, and none is left but those that may be left aside.
    /// Returns those, so that they can be written back.
    pub fn finish(self) -> Result<NamedTensors, Error> {
        let unreadable = |problem: String| Error::TorchFile {
            path: self.path.clone(),
            problem,
        };
        if let Some(problem) = self.unreadable {
            return Err(unreadable(problem));
        }
        if let Some(adapted) = &self.adapted {
            let unused = adapted.left(&self.unused);
            if !unused.is_empty() {
                return Err(Error::Mismatch {
                    path: adapted.path.to_path_buf(),
                    missing: Vec::new(),
                    misshaped: Vec::new(),
                    unused,
                });
            }
        }
        let (ignored, unused): (Vec<_>, Vec<_>) = self
            .tensors
            .into_iter()
            .partition(|(name, _)| self.unused.iter().any(|part| name.starts_with(part)));
        if self.missing.is_empty() && self.misshaped.is_empty() && unused.is_empty() {
            let mut kept = NamedTensors::default();
            for (name, stored) in ignored {
                if let Some(data) = to_f32(&stored).map_err(|error| unreadable(error.to_string()))? {
                    kept.push_data(name, data);
                }
            }
            return Ok(kept);
        }
        let unused = unused.into_iter().map(|(name, _)| name).collect();
        Err(Error::Mismatch {
            path: self.path,
            missing: self.missing,
            misshaped: self.misshaped,
            unused,
        })
    }
}

/// The elements of float32 data. `TensorData::iter` would check the dtype of each.
fn floats(data: &TensorData) -> Vec<f32> {
    let (values, _) = data.as_bytes().as_chunks();
    values.iter().map(|&bytes| f32::from_ne_bytes(bytes)).collect()
}

/// Transposes a matrix, `[rows, columns]`, row-major.
pub(crate) fn transpose(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    // In strips that fit into the processor's cache: column by column, every read would miss it.
    const COLUMNS: usize = 32;
    let mut transposed = vec![0.0; values.len()];
    let strips = transposed.par_chunks_mut((COLUMNS * rows).max(1)).enumerate();
    strips.for_each(|(number, strip)| {
        for row in 0..rows {
            let places = strip.iter_mut().skip(row).step_by(rows);
            let values = &values[row * columns + number * COLUMNS..(row + 1) * columns];
            for (place, value) in places.zip(values) {
                *place = *value;
            }
        }
    });
    transposed
}

/// The name of a tensor in today's checkpoints.
fn modern_name(name: &str) -> String {
    match name.strip_suffix("LayerNorm.gamma") {
        Some(start) => format!("{start}LayerNorm.weight"),
        None => match name.strip_suffix("LayerNorm.beta") {
            Some(start) => format!("{start}LayerNorm.bias"),
            None => name.to_owned(),
        },
    }
}

/// The elements of a tensor as float32, or `None` where they are no floats.
fn to_f32(stored: &Stored<'_>) -> io::Result<Option<TensorData>> {
    let dtype = match stored.dtype() {
        Dtype::F32 => DType::F32,
        Dtype::F16 => DType::F16,
        Dtype::BF16 => DType::BF16,
        Dtype::F64 => DType::F64,
        _ => return Ok(None),
    };
    let bytes = stored.read()?.into_owned();
    let data = TensorData::from_bytes_vec(bytes, stored.shape().to_vec(), dtype);
    Ok(Some(data.convert::<f32>()))
}

/// Named tensors that will be written to a file.
#[derive(Debug, Default)]
pub struct NamedTensors {
    tensors: Vec<(String, TensorData)>,
}

impl NamedTensors {
    /// Adds a tensor.
    pub fn push<const D: usize>(&mut self, name: &str, tensor: Tensor<D>) {
        self.push_data(name.to_owned(), tensor.into_data().convert::<f32>());
    }

    fn push_data(&mut self, name: String, data: TensorData) {
        self.tensors.push((name, data));
    }

    /// Adds a dense layer in Hugging Face's layout.
    pub fn push_linear(&mut self, name: &str, linear: &Linear) {
        self.push(&format!("{name}.weight"), linear.weight.val().transpose());
        if let Some(bias) = &linear.bias {
            self.push(&format!("{name}.bias"), bias.val());
        }
    }

    /// Adds a layer normalisation.
    pub fn push_layer_norm(&mut self, name: &str, norm: &LayerNorm) {
        self.push(&format!("{name}.weight"), norm.gamma.val());
        if let Some(beta) = &norm.beta {
            self.push(&format!("{name}.bias"), beta.val());
        }
    }

    /// Adds those tensors of another list whose names begin with `start`, under their names behind `prefix`.
    pub(crate) fn push_below(&mut self, start: &str, prefix: &str, other: &Self) {
        let below = other.tensors.iter().filter(|(name, _)| name.starts_with(start));
        self.tensors
            .extend(below.map(|(name, data)| (format!("{prefix}{name}"), data.clone())));
    }

    /// A dense layer of the list, which is in Hugging Face's layout.
    pub(crate) fn linear(&self, name: &str, device: &Device) -> Option<Linear> {
        let find = |name: String| Some(&self.tensors.iter().find(|(found, _)| *found == name)?.1);
        let weight = find(format!("{name}.weight"))?;
        let [output, input] = *weight.shape().as_slice() else {
            return None;
        };
        let transposed = transpose(&floats(weight), output, input);
        let bias = find(format!("{name}.bias"))
            .map(|bias| Param::from_tensor(Tensor::from_data(bias.clone(), device)));
        Some(Linear {
            weight: Param::from_data(TensorData::new(transposed, [input, output]), device),
            bias,
        })
    }

    /// The list with something before every name.
    pub(crate) fn prefixed(mut self, prefix: &str) -> Self {
        for (name, _) in &mut self.tensors {
            name.insert_str(0, prefix);
        }
        self
    }

    /// The tensors by their names.
    pub(crate) fn into_map(self) -> BTreeMap<String, TensorData> {
        self.tensors.into_iter().collect()
    }

    /// The digest of all names and elements.
    pub(crate) fn digest(&self) -> Digest {
        let of_one = |(name, data): &(String, TensorData)| {
            format!(
                "{name} {:?} {}\n",
                data.shape(),
                Digest::of_bytes(data.as_bytes())
            )
        };
        let digests: String = self.tensors.iter().map(of_one).collect();
        Digest::of_bytes(digests.as_bytes())
    }

    /// Adds the tensors of another list.
    pub fn extend(&mut self, other: Self) {
        self.tensors.extend(other.tensors);
    }

    /// Writes the file; equal tensors give equal bytes. The one metadata entry is the one that transformers
    /// asks for.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let problem = |problem: String| Error::TensorFile {
            path: path.to_path_buf(),
            problem,
        };
        let mut views = Vec::with_capacity(self.tensors.len());
        for (name, data) in &self.tensors {
            let view = TensorView::new(Dtype::F32, data.shape().to_vec(), data.as_bytes())
                .map_err(|error| problem(error.to_string()))?;
            views.push((name, view));
        }
        let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
        let bytes =
            safetensors::serialize(views, Some(metadata)).map_err(|error| problem(error.to_string()))?;
        Ok(fs::write_atomic(path, &bytes)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transposed_matrix_has_rows_for_columns() {
        let (rows, columns) = (70, 41);
        let values: Vec<f32> = (0..rows * columns).map(|value| value as f32).collect();
        let transposed = transpose(&values, rows, columns);
        for row in 0..rows {
            for column in 0..columns {
                assert!(
                    (transposed[column * rows + row] - values[row * columns + column]).abs() < f32::EPSILON
                );
            }
        }
    }

    #[test]
    fn old_names_become_modern_ones() {
        assert_eq!(
            modern_name("bert.embeddings.LayerNorm.gamma"),
            "bert.embeddings.LayerNorm.weight"
        );
        assert_eq!(
            modern_name("embeddings.LayerNorm.beta"),
            "embeddings.LayerNorm.bias"
        );
        assert_eq!(
            modern_name("encoder.layer.0.output.dense.weight"),
            "encoder.layer.0.output.dense.weight"
        );
    }

    #[test]
    fn a_file_that_does_not_fit_lists_everything_that_is_wrong_with_it() {
        let device = Device::flex();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        let mut tensors = NamedTensors::default();
        tensors.push::<2>("dense.weight", Tensor::ones([2, 3], &device));
        tensors.push::<1>("dense.bias", Tensor::ones([5], &device));
        tensors.push::<1>("extra", Tensor::ones([1], &device));
        tensors.push::<1>("bert.pooler.dense.bias", Tensor::ones([1], &device));
        tensors.write(&path).unwrap();
        let bytes = fs::read(&path).unwrap();
        let mut source = TensorSource::new(&path, &bytes, &device).unwrap();
        source.expect_names("bert.", &["pooler."]);
        let _ = source.linear("dense", 3, 2, true);
        let _ = source.vector("norm", 3);
        let error = source.finish().unwrap_err().to_string();
        let message = error.split_once("does not fit the model:").unwrap().1;
        assert_eq!(
            message,
            "\n  1 missing: norm\n  1 of another shape: dense.bias [5], expected [2]\n  1 unused: extra"
        );
        let mut source = TensorSource::new(&path, &bytes, &device).unwrap();
        source.expect_names("bert.", &["pooler."]);
        let _ = (
            source.take("dense.weight", [2, 3]),
            source.take("dense.bias", [5]),
            source.take("extra", [1]),
        );
        assert_eq!(
            source.finish().unwrap().tensors.len(),
            1,
            "the pooler is kept to be written back"
        );
    }

    #[test]
    fn a_cut_file_is_an_error_that_names_it() {
        let device = Device::flex();
        let path = Path::new("model.safetensors");
        for bytes in [
            &b""[..],
            &b"\xff\xff\xff\xff\xff\xff\xff\x7f{}"[..],
            &b"\x02\0\0\0\0\0\0\0{"[..],
        ] {
            let error = TensorSource::new(path, bytes, &device).err().unwrap().to_string();
            assert!(
                error.starts_with("`model.safetensors` is no usable safetensors file: "),
                "{error}"
            );
        }
    }
}
