//! The arguments of `labelproof export`.

use std::path::PathBuf;

use clap::Args;

/// A bundle, and what is made of it.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  labelproof export --bundle artifacts/train/model --onnx model.onnx
  labelproof export --bundle my-finetuned-bert --onnx model.onnx --python venv/bin/python

The graph takes input_ids and attention_mask, [batch, sequence] of int64, and gives logits, [batch,
labels]. Cleaning and tokenising are not in it: clean texts as `clean` in labelproof.json says, and
tokenise them with tokenizer.json. Before the file is kept, ONNX Runtime computes the logits of sample
rows, which must be those of the bundle.")]
pub struct ExportArgs {
    /// Bundle of the model, or the folder of an AutoModelForSequenceClassification
    #[arg(long, value_name = "DIR")]
    pub bundle: PathBuf,
    /// File to write: the network as an ONNX graph in float32
    #[arg(long, value_name = "FILE")]
    pub onnx: PathBuf,
    /// Python with the package onnxruntime, which checks the file
    #[arg(long, value_name = "COMMAND", default_value = "python3")]
    pub python: PathBuf,
    /// Keep the file without a check
    #[arg(long)]
    pub unchecked: bool,
}
