//! The digests of all that training reads, by which caches are named.

use labelproof_artifact::{Artifacts, Digest, Row, SplitRow, TokenRow};
use labelproof_model::{DeviceChoice, pretrained};
use labelproof_settings::encoder_name::EncoderSource;
use labelproof_text::Preparation;

use crate::error::Error;
use crate::params::{Params, STAGE};

/// The digests of all that training reads.
pub(crate) struct Inputs {
    pub(crate) encoder: Digest,
    pub(crate) tokens: Digest,
    pub(crate) split: Digest,
}

impl Inputs {
    pub(crate) fn digest(artifacts: Artifacts<'_>, encoder: &EncoderSource) -> Result<Self, Error> {
        Ok(Self {
            encoder: pretrained::encoder_digest(encoder)?,
            tokens: Digest::of_file(&artifacts.path(TokenRow::KIND))?,
            split: Digest::of_file(&artifacts.path(SplitRow::KIND))?,
        })
    }

    /// The key of the checkpoints that this training may resume from. The kind of device is part of it, for its
    /// last bits.
    pub(crate) fn training_key(
        &self,
        params: &Params,
        preparation: &Preparation,
        device: DeviceChoice,
    ) -> String {
        let Self {
            encoder,
            tokens,
            split,
        } = self;
        let device = device.kind();
        let params = serde_json::to_string(params).expect("parameters have string keys only");
        // Windows leave the tokens as they are.
        let windows = serde_json::to_string(&preparation.windows).expect("windows have string keys only");
        let key = format!(
            "{} {encoder} {tokens} {split} {device} {params} {windows}",
            STAGE.revision
        );
        Digest::of_bytes(key.as_bytes()).short().to_owned()
    }
}
