//! What bad input is answered with by the commands that run a network: each message as a whole, and the exit
//! code.

use insta::assert_snapshot;
use labelproof_artifact::fs;

use crate::harness::Project;

/// The message about a small project that `spoil` changes, run with more arguments.
#[track_caller]
fn answer(spoil: impl FnOnce(&Project), arguments: &[&str]) -> String {
    let project = Project::small("flex");
    spoil(&project);
    project
        .run(&[&["run", "--quiet"], arguments].concat())
        .expect_message()
}

/// One file of the encoder with other content.
fn encoder(project: &Project, file: &str, change: impl FnOnce(Vec<u8>) -> Vec<u8>) {
    let path = project.path("encoder").join(file);
    let bytes = fs::read(&path).unwrap();
    fs::write_atomic(&path, &change(bytes)).unwrap();
}

#[test]
fn weights() {
    assert_snapshot!(answer(|project| {
            encoder(project, "model.safetensors", |mut bytes| {
                bytes.truncate(bytes.len() / 2);
                bytes
            });
        }, &[]), @r#"
        exit code 6
        error: stage `train` failed
          caused by: `encoder/model.safetensors` is no usable safetensors file: incomplete metadata, file not fully covered

        hint: fetch the file again; it may have been cut short
    "#);
    assert_snapshot!(answer(|project| {
            encoder(project, "model.safetensors", |mut bytes| {
                bytes[..8].copy_from_slice(&(1_u64 << 60).to_le_bytes());
                bytes
            });
        }, &[]), @r#"
        exit code 6
        error: stage `train` failed
          caused by: `encoder/model.safetensors` is no usable safetensors file: header too large

        hint: fetch the file again; it may have been cut short
    "#);
    assert_snapshot!(answer(|project| {
            encoder(project, "config.json", |bytes| {
                let text = String::from_utf8(bytes).unwrap();
                let one_layer = text.replace("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1");
                assert_ne!(one_layer, text);
                one_layer.into_bytes()
            });
        }, &[]), @r#"
        exit code 6
        error: stage `train` failed
          caused by: `encoder/model.safetensors` does not fit the model:
              16 unused: encoder.layer.1.attention.output.LayerNorm.bias, encoder.layer.1.attention.output.LayerNorm.weight, encoder.layer.1.attention.output.dense.bias, encoder.layer.1.attention.output.dense.weight, encoder.layer.1.attention.self.key.bias, encoder.layer.1.attention.self.key.weight, encoder.layer.1.attention.self.query.bias, encoder.layer.1.attention.self.query.weight, encoder.layer.1.attention.self.value.bias, encoder.layer.1.attention.self.value.weight, encoder.layer.1.intermediate.dense.bias, encoder.layer.1.intermediate.dense.weight, encoder.layer.1.output.LayerNorm.bias, encoder.layer.1.output.LayerNorm.weight, encoder.layer.1.output.dense.bias, encoder.layer.1.output.dense.weight

        hint: config.json and the weights must come from the same model
    "#);
}

#[test]
fn devices() {
    assert_snapshot!(answer(|_| (), &["--device", "cuda:77"]), @r#"
        exit code 6
        error: device `cuda:77` is not available; available: cpu, flex

        hint: set `device: auto` to take the best one there is
    "#);
}

/// The rate drives the weights out of all bounds with the first step.
#[test]
fn a_loss_that_is_no_number() {
    assert_snapshot!(answer(|_| (), &[
            "--set",
            "train.learning_rate=1e38",
            "--set",
            "train.trainable=all",
        ]), @r#"
        exit code 6
        error: stage `train` failed
          caused by: the loss is NaN in epoch 1, on the rows row-055, row-025, row-018, row-020, row-058, row-009, row-071, row-092

        hint: lower `train.learning_rate`, or set `train.gradient_clipping: 1.0`
    "#);
}

#[test]
fn locks() {
    let project = Project::small("flex");
    project.write("pipeline.lock", "{\"schema\": 1");
    assert_snapshot!(project.run(&["reproduce", "--quiet"]).expect_message(), @r#"
        exit code 4
        error: `pipeline.lock` is not the lock of a pipeline: EOF while parsing an object at line 1 column 12

        hint: write it anew: labelproof reproduce --write
    "#);
}
