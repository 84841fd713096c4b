//! What `encoder` in `pipeline.yaml` names: a folder, or a model of the Hugging Face Hub, which becomes a folder
//! when it is asked for first. Where that holds an adapter, what the adapter names is the encoder.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use labelproof_artifact::Reporter;
use labelproof_artifact::encoder_files::{ADAPTER_CONFIG_FILE, is_adapter};
use labelproof_remote::{ModelRequest, Snapshot, cached_model, model};
use labelproof_settings::encoder::EncoderError;
use labelproof_settings::encoder_name::{EncoderSource, HubModel, ModelFolder, ModelName, model_files};
use labelproof_settings::peft::PeftConfig;

use crate::failure::Failure;

/// The encoder of a pipeline. A run sees one state of it: what a revision means is looked up once.
#[derive(Debug, Clone)]
pub struct Encoder {
    place: Place,
    /// The folder that relative paths of an adapter's encoder are looked for in too.
    base: PathBuf,
    found: OnceLock<EncoderSource>,
}

/// Where files are to be found.
#[derive(Debug, Clone)]
enum Place {
    Folder(PathBuf),
    Hub(ModelName),
}

/// Finds the files of a model of the Hub: in the cache alone, which may not have them, or in the network too.
type FindModel<'a> = &'a dyn Fn(&ModelName) -> Result<Option<Snapshot>, Failure>;

impl Encoder {
    /// The encoder that `value` names, which as a path is `path`. What is there under that path is meant, whatever
    /// models there are. `base` is the folder of the configuration.
    pub(crate) fn new(value: &Path, path: PathBuf, base: &Path) -> Self {
        let name = value.to_str().and_then(ModelName::parse);
        Self {
            place: match name {
                Some(name) if !path.exists() => Place::Hub(name),
                _ => Place::Folder(path),
            },
            base: base.to_path_buf(),
            found: OnceLock::new(),
        }
    }

    /// The model in a folder, or the one that the adapter in it belongs to.
    pub fn in_folder(folder: &Path) -> Self {
        Self {
            place: Place::Folder(folder.to_path_buf()),
            base: PathBuf::from("."),
            found: OnceLock::new(),
        }
    }

    /// Where the encoder is, if this machine has it: nothing is fetched.
    pub fn at_hand(&self) -> Option<&EncoderSource> {
        if self.found.get().is_none() {
            let source = self.find(&|name| Ok(cached_model(&request(name)))).ok()??;
            return Some(self.found.get_or_init(|| source));
        }
        self.found.get()
    }

    /// Where the encoder is, fetched if need be.
    pub fn source(&self, reporter: &dyn Reporter) -> Result<&EncoderSource, Failure> {
        if let Some(found) = self.found.get() {
            return Ok(found);
        }
        let source = self.find(&|name| Ok(Some(model(&request(name), reporter)?)))?;
        let source = source.expect("a model that is not there is an error");
        Ok(self.found.get_or_init(|| source))
    }

    fn find(&self, find_model: FindModel<'_>) -> Result<Option<EncoderSource>, Failure> {
        let Some(found) = self.place.find(find_model)? else {
            return Ok(None);
        };
        if !is_adapter(&found.folder) {
            return Ok(Some(EncoderSource {
                files: found,
                adapter: None,
            }));
        }
        let files = self.place_of_base(&found.folder)?.find(find_model)?;
        Ok(files.map(|files| EncoderSource {
            files,
            adapter: Some(found),
        }))
    }

    /// Where the encoder is that an adapter belongs to: its folder, as a path from anywhere, from the adapter's
    /// folder or from that of the configuration, or else a model of the Hub.
    fn place_of_base(&self, adapter: &Path) -> Result<Place, Failure> {
        let problem = |problem: String| EncoderError::AdapterBase {
            path: adapter.join(ADAPTER_CONFIG_FILE),
            problem,
        };
        let config = PeftConfig::read(adapter)?;
        let Some(value) = config.base.filter(|base| !base.is_empty()) else {
            return Err(problem("that does not say which encoder it belongs to".to_owned()).into());
        };
        let folder = [adapter, &self.base]
            .map(|folder| folder.join(&value))
            .into_iter()
            .find(|path| path.exists());
        match (folder, ModelName::parse(&value)) {
            (Some(folder), _) => Ok(Place::Folder(folder)),
            (None, Some(name)) => Ok(Place::Hub(ModelName {
                revision: name.revision.or(config.revision),
                ..name
            })),
            (None, None) => Err(problem(format!("whose encoder, `{value}`, is not there")).into()),
        }
    }
}

impl Place {
    fn find(&self, find_model: FindModel<'_>) -> Result<Option<ModelFolder>, Failure> {
        match self {
            Self::Folder(folder) => Ok(Some(ModelFolder {
                folder: folder.clone(),
                model: None,
            })),
            Self::Hub(name) => Ok(find_model(name)?.map(|Snapshot { folder, commit }| ModelFolder {
                folder,
                model: Some(HubModel {
                    repository: name.repository.clone(),
                    commit,
                }),
            })),
        }
    }
}

fn request(name: &ModelName) -> ModelRequest<'_> {
    ModelRequest {
        repository: &name.repository,
        revision: name.revision.as_deref(),
        wanted: &model_files,
    }
}
