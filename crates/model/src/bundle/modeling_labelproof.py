"""The network of a Labelproof bundle for transformers: an encoder, pooling, and one dense layer.

    AutoModelForSequenceClassification.from_pretrained(folder, trust_remote_code=True)

Texts have to be cleaned as `labelproof.json` says before they are tokenised; `labelproof predict` does that.
"""

import torch
from torch import nn
from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput


class LabelproofConfig(PretrainedConfig):
    model_type = "labelproof"

    def __init__(
        self, encoder=None, pooling="mean", batch_normalization="none", classifier_dropout=0.0, **kwargs
    ):
        super().__init__(**kwargs)
        self.encoder = encoder or {"model_type": "bert"}
        self.pooling = pooling
        self.batch_normalization = batch_normalization
        self.classifier_dropout = classifier_dropout

    def encoder_config(self):
        return AutoConfig.for_model(**self.encoder)


class LabelproofPreTrainedModel(PreTrainedModel):
    config_class = LabelproofConfig
    _supports_sdpa = True

    def add_encoder(self, config):
        """The encoder under the name that its own class has in checkpoints, such as `bert`."""
        encoder = AutoModel.from_config(config.encoder_config())
        if getattr(encoder, "pooler", None) is not None:
            # The dense layer of pre-training over the first token, which nothing here reads.
            encoder.pooler = None
        self.encoder_name = encoder.base_model_prefix
        setattr(self, self.encoder_name, encoder)

    def encode(self, input_ids, attention_mask):
        encoder = getattr(self, self.encoder_name)
        return encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state

    def _init_weights(self, module):
        if isinstance(module, nn.Linear):
            module.weight.data.normal_(mean=0.0, std=0.02)
            if module.bias is not None:
                module.bias.data.zero_()


class LabelproofModel(LabelproofPreTrainedModel):
    """The encoder and pooling: `pooler_output` is the vector that the dense layer reads."""

    _keys_to_ignore_on_load_unexpected = [r"classifier\.", r"batch_normalization\."]

    def __init__(self, config):
        super().__init__(config)
        self.add_encoder(config)
        self.post_init()

    def forward(self, input_ids, attention_mask=None, **kwargs):
        from transformers.modeling_outputs import BaseModelOutputWithPooling

        hidden = self.encode(input_ids, attention_mask)
        return BaseModelOutputWithPooling(
            last_hidden_state=hidden, pooler_output=pool(hidden, attention_mask, self.config.pooling)
        )


class LabelproofForSequenceClassification(LabelproofPreTrainedModel):
    def __init__(self, config):
        super().__init__(config)
        self.num_labels = config.num_labels
        self.add_encoder(config)
        width = config.encoder_config().hidden_size
        self.dropout = nn.Dropout(config.classifier_dropout)
        self.classifier = nn.Linear(width, config.num_labels)
        if config.batch_normalization != "none":
            self.batch_normalization = nn.BatchNorm1d(config.num_labels, eps=1e-3)
            self.batch_normalization.num_batches_tracked = None
        self.post_init()

    def forward(self, input_ids, attention_mask=None, labels=None, **kwargs):
        hidden = self.encode(input_ids, attention_mask)
        pooled = pool(hidden, attention_mask, self.config.pooling)
        logits = self.classifier(self.dropout(pooled))
        if self.config.batch_normalization != "none":
            logits = self.batch_normalization(logits)
        loss = None if labels is None else nn.functional.cross_entropy(logits, labels)
        return SequenceClassifierOutput(loss=loss, logits=logits)


def pool(hidden, attention_mask, pooling):
    """`[batch, sequence, hidden]` to `[batch, hidden]`, without padding."""
    if pooling == "cls":
        return hidden[:, 0]
    if attention_mask is None:
        attention_mask = torch.ones(hidden.shape[:2], device=hidden.device)
    mask = attention_mask.unsqueeze(2).to(hidden.dtype)
    if pooling == "max":
        return (hidden + (mask - 1) * 1e9).max(dim=1).values
    return (hidden * mask).sum(dim=1) / mask.sum(dim=1)
