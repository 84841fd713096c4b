//! The files that an encoder's weights are in: safetensors or what `torch.save` wrote, one or several.
//!
//! Safetensors files are mapped into memory, and of the others a tensor is read when it is asked for, so that
//! no more than one tensor is in memory twice.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use labelproof_artifact::encoder_files::{WeightsForm, shards};
use labelproof_artifact::{contained, fs};
use labelproof_settings::encoder::require;
use labelproof_settings::encoder_files::weights_form;
use pytorch_reader::{DType as TorchDtype, PytorchError, PytorchReader};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::{TensorSource, pickle};
use crate::error::Error;

/// A tensor in a file.
pub(super) enum Stored<'a> {
    Safetensors(TensorView<'a>),
    PyTorch(&'a pytorch_reader::Tensor),
}

impl<'a> Stored<'a> {
    pub(super) fn shape(&self) -> &[usize] {
        match self {
            Self::Safetensors(view) => view.shape(),
            Self::PyTorch(tensor) => tensor.shape(),
        }
    }

    pub(super) fn dtype(&self) -> Dtype {
        let dtype = match self {
            Self::Safetensors(view) => return view.dtype(),
            Self::PyTorch(tensor) => tensor.dtype(),
        };
        match dtype {
            TorchDtype::F64 => Dtype::F64,
            TorchDtype::F32 => Dtype::F32,
            TorchDtype::F16 => Dtype::F16,
            TorchDtype::BF16 => Dtype::BF16,
            TorchDtype::I64 => Dtype::I64,
            TorchDtype::I32 => Dtype::I32,
            TorchDtype::I16 => Dtype::I16,
            TorchDtype::I8 => Dtype::I8,
            TorchDtype::U64 => Dtype::U64,
            TorchDtype::U32 => Dtype::U32,
            TorchDtype::U16 => Dtype::U16,
            TorchDtype::U8 => Dtype::U8,
            TorchDtype::Bool => Dtype::BOOL,
        }
    }

    /// The elements, contiguous and row-major.
    pub(super) fn read(&self) -> io::Result<Cow<'a, [u8]>> {
        match self {
            Self::Safetensors(view) => Ok(Cow::Borrowed(view.data())),
            Self::PyTorch(tensor) => contained(|| tensor.read())
                .unwrap_or_else(|panicked| Err(io::Error::other(panicked)))
                .map(Cow::Owned),
        }
    }
}

/// The opened files of an encoder's weights.
pub struct WeightFiles {
    /// The weights' file, or the index of their files.
    path: PathBuf,
    files: Vec<Content>,
}

enum Content {
    Safetensors(PathBuf, Box<dyn AsRef<[u8]> + Send + Sync>),
    PyTorch(Vec<pytorch_reader::Tensor>),
}

impl WeightFiles {
    /// Opens the weights of an encoder's folder, in the first form of [`WeightsForm`] that it has.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let form = weights_form(folder)?;
        let path = folder.join(form.file());
        let paths = if form.is_index() {
            let required = shards(&path)?.into_iter().map(|file| require(folder, &file));
            required.collect::<Result<Vec<_>, _>>()?
        } else {
            vec![path.clone()]
        };
        let open = |path: PathBuf| match form {
            WeightsForm::Safetensors | WeightsForm::SafetensorsShards => {
                let map = fs::map(&path)?;
                Ok(Content::Safetensors(path, Box::new(map)))
            }
            WeightsForm::PyTorch | WeightsForm::PyTorchShards => open_torch(&path).map(Content::PyTorch),
        };
        Ok(Self {
            path,
            files: paths.into_iter().map(open).collect::<Result<_, Error>>()?,
        })
    }

    /// Opens one file of weights, which `torch.save` has written unless it is called `….safetensors`.
    pub(crate) fn open_one(path: &Path) -> Result<Self, Error> {
        let content = if path.extension().is_some_and(|end| end == "safetensors") {
            Content::Safetensors(path.to_path_buf(), Box::new(fs::map(path)?))
        } else {
            Content::PyTorch(open_torch(path)?)
        };
        Ok(Self {
            path: path.to_path_buf(),
            files: vec![content],
        })
    }

    /// The tensors, to be handed out by name.
    pub fn source<'a>(&'a self, device: &'a Device) -> Result<TensorSource<'a>, Error> {
        Ok(TensorSource::of(&self.path, self.tensors()?, device))
    }

    pub(super) fn tensors(&self) -> Result<BTreeMap<String, Stored<'_>>, Error> {
        let mut tensors = BTreeMap::new();
        let mut add = |name: String, tensor| match tensors.insert(name.clone(), tensor) {
            None => Ok(()),
            Some(_) => Err(Error::TensorTwice {
                path: self.path.clone(),
                name,
            }),
        };
        for file in &self.files {
            match file {
                Content::Safetensors(path, bytes) => {
                    for (name, view) in parse(path, (**bytes).as_ref())?.tensors() {
                        add(name, Stored::Safetensors(view))?;
                    }
                }
                Content::PyTorch(all) => {
                    for tensor in all {
                        add(tensor.name.clone(), Stored::PyTorch(tensor))?;
                    }
                }
            }
        }
        Ok(tensors)
    }
}

/// Reads the header of a safetensors file.
pub(super) fn parse<'a>(path: &Path, bytes: &'a [u8]) -> Result<SafeTensors<'a>, Error> {
    SafeTensors::deserialize(bytes).map_err(|error| Error::TensorFile {
        path: path.to_path_buf(),
        problem: error.to_string(),
    })
}

/// Reads what a file of `torch.save` says of its tensors, in the order of their names.
fn open_torch(path: &Path) -> Result<Vec<pytorch_reader::Tensor>, Error> {
    let unusable = |problem: String| Error::TorchFile {
        path: path.to_path_buf(),
        problem,
    };
    let bytes = fs::map(path)?;
    let foreign = contained(|| pickle::foreign_name(&bytes))
        .unwrap_or_else(|panicked| Err(panicked.to_string()))
        .map_err(unusable)?;
    if let Some(name) = foreign {
        return Err(Error::Pickle {
            path: path.to_path_buf(),
            name,
        });
    }
    let opened = contained(|| PytorchReader::new(path));
    let reader = match opened.map_err(|panicked| unusable(panicked.to_string()))? {
        Ok(reader) => reader,
        Err(PytorchError::Io(source)) if source.raw_os_error().is_some() => {
            return Err(fs::FsError::new("read", path, source).into());
        }
        Err(error) => return Err(unusable(error.to_string())),
    };
    let mut tensors: Vec<_> = reader.into_tensors().into_values().collect();
    // A view may repeat the elements of a few bytes any number of times.
    if let Some(large) = tensors.iter().find(|tensor| tensor.byte_len() > bytes.len()) {
        return Err(unusable(format!(
            "`{}` is said to be larger than the file",
            large.name
        )));
    }
    tensors.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(tensors)
}

#[cfg(test)]
mod tests;
