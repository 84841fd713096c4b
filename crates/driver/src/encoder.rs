//! What `encoder` in `pipeline.yaml` names: a folder, or a model of the Hugging Face Hub, which becomes a folder
//! when it is asked for first.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use labelproof_artifact::Reporter;
use labelproof_remote::{ModelError, ModelRequest, Snapshot, cached_model, model};
use labelproof_settings::encoder_name::{EncoderSource, HubModel, ModelName, model_files};

/// The encoder of a pipeline. A run sees one state of it: what a revision means is looked up once.
#[derive(Debug, Clone)]
pub struct Encoder {
    name: Option<ModelName>,
    found: OnceLock<EncoderSource>,
}

impl Encoder {
    /// The encoder that `value` names, which as a path is `path`. What is there under that path is meant, whatever
    /// models there are.
    pub(crate) fn new(value: &Path, path: PathBuf) -> Self {
        let name = value
            .to_str()
            .filter(|_| !path.exists())
            .and_then(ModelName::parse);
        let found = OnceLock::new();
        if name.is_none() {
            let folder = path;
            found.get_or_init(|| EncoderSource { folder, model: None });
        }
        Self { name, found }
    }

    /// Where the encoder is, if this machine has it: nothing is fetched.
    pub fn at_hand(&self) -> Option<&EncoderSource> {
        if self.found.get().is_none() {
            let name = self.name.as_ref()?;
            let snapshot = cached_model(&request(name))?;
            return Some(self.found.get_or_init(|| of_model(name, snapshot)));
        }
        self.found.get()
    }

    /// Where the encoder is, fetched if need be.
    pub fn source(&self, reporter: &dyn Reporter) -> Result<&EncoderSource, ModelError> {
        match (self.found.get(), &self.name) {
            (None, Some(name)) => {
                let snapshot = model(&request(name), reporter)?;
                Ok(self.found.get_or_init(|| of_model(name, snapshot)))
            }
            (found, _) => Ok(found.expect("a folder is found from the beginning")),
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

fn of_model(name: &ModelName, snapshot: Snapshot) -> EncoderSource {
    EncoderSource {
        folder: snapshot.folder,
        model: Some(HubModel {
            repository: name.repository.clone(),
            commit: snapshot.commit,
        }),
    }
}
