//! What bad input is answered with by the commands that run a network: each message as a whole, and the exit code.

use labelproof_artifact::fs;

use crate::harness::Project;

/// A small project that `spoil` changes, run with more arguments: the exit code and the whole message.
#[track_caller]
fn check(spoil: impl FnOnce(&Project), arguments: &[&str], code: i32, message: &str) {
    let project = Project::small("flex");
    spoil(&project);
    let run = project.run(&[&["run", "--quiet"], arguments].concat());
    assert_eq!(
        (run.code, run.stderr.trim_end(), run.stdout.as_str()),
        (code, message, "")
    );
}

/// One file of the encoder with other content.
fn encoder(project: &Project, file: &str, change: impl FnOnce(Vec<u8>) -> Vec<u8>) {
    let path = project.path("encoder").join(file);
    let bytes = fs::read(&path).unwrap();
    fs::write_atomic(&path, &change(bytes)).unwrap();
}

#[test]
fn weights() {
    const FETCH: &str = "\n\nhint: fetch the file again; it may have been cut short";
    check(
        |project| {
            encoder(project, "model.safetensors", |mut bytes| {
                bytes.truncate(bytes.len() / 2);
                bytes
            });
        },
        &[],
        6,
        &format!(
            "error: stage `train` failed\n  caused by: `encoder/model.safetensors` is no usable safetensors file: incomplete \
             metadata, file not fully covered{FETCH}"
        ),
    );
    check(
        |project| {
            encoder(project, "model.safetensors", |mut bytes| {
                bytes[..8].copy_from_slice(&(1_u64 << 60).to_le_bytes());
                bytes
            });
        },
        &[],
        6,
        &format!(
            "error: stage `train` failed\n  caused by: `encoder/model.safetensors` is no usable safetensors file: header too \
             large{FETCH}"
        ),
    );
    check(
        |project| {
            encoder(project, "config.json", |bytes| {
                let text = String::from_utf8(bytes).unwrap();
                let one_layer = text.replace("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1");
                assert_ne!(one_layer, text);
                one_layer.into_bytes()
            });
        },
        &[],
        6,
        "error: stage `train` failed\n  caused by: `encoder/model.safetensors` does not fit the model:\n      16 unused: \
         encoder.layer.1.attention.output.LayerNorm.bias, encoder.layer.1.attention.output.LayerNorm.weight, \
         encoder.layer.1.attention.output.dense.bias, encoder.layer.1.attention.output.dense.weight, \
         encoder.layer.1.attention.self.key.bias, encoder.layer.1.attention.self.key.weight, \
         encoder.layer.1.attention.self.query.bias, encoder.layer.1.attention.self.query.weight, \
         encoder.layer.1.attention.self.value.bias, encoder.layer.1.attention.self.value.weight, \
         encoder.layer.1.intermediate.dense.bias, encoder.layer.1.intermediate.dense.weight, \
         encoder.layer.1.output.LayerNorm.bias, encoder.layer.1.output.LayerNorm.weight, encoder.layer.1.output.dense.bias, \
         encoder.layer.1.output.dense.weight\n\n\
         hint: config.json and model.safetensors must come from the same model",
    );
}

#[test]
fn devices() {
    check(
        |_| (),
        &["--device", "cuda:77"],
        6,
        "error: device `cuda:77` is not available; available: cpu, flex\n\n\
         hint: set `device: auto` to take the best one there is",
    );
}

/// The rate drives the weights out of all bounds with the first step.
#[test]
fn a_loss_that_is_no_number() {
    check(
        |_| (),
        &[
            "--set",
            "train.learning_rate=1e38",
            "--set",
            "train.trainable=all",
        ],
        6,
        "error: stage `train` failed\n  caused by: the loss is NaN in epoch 1, on the rows row-055, row-025, row-018, row-020, \
         row-058, row-009, row-071, row-092\n\n\
         hint: lower `train.learning_rate`, or set `train.gradient_clipping: 1.0`",
    );
}

#[test]
fn locks() {
    let project = Project::small("flex");
    project.write("pipeline.lock", "{\"schema\": 1");
    let run = project.run(&["reproduce", "--quiet"]);
    assert_eq!(
        (run.code, run.stderr.as_str()),
        (
            4,
            "error: `pipeline.lock` is no lock of a pipeline: EOF while parsing an object at line 1 column 12\n\n\
             hint: write it anew: labelproof reproduce --write\n"
        )
    );
}
