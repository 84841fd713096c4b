//! Adapters that PEFT has written, against the hidden states that it computes with them.
//!
//! `tests/fixtures/adapters/` is made by `tests/fixtures/make_adapters.py`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use burn::optim::GradientsParams;
use labelproof_kernels::device;
use serde_json::Value;

use super::*;
use crate::batch::Batch;
use crate::encoder::Encoder;
use crate::pretrained::load_weights;
use crate::testing::{assert_close, tensors};
use crate::{DeviceChoice, EncoderConfig, Precision};

const ALL: [LoraTarget; 6] = [
    LoraTarget::Query,
    LoraTarget::Key,
    LoraTarget::Value,
    LoraTarget::AttentionOutput,
    LoraTarget::Intermediate,
    LoraTarget::Output,
];

/// A case of `make_adapters.py`: its family, its targets, and how many of the last layers are trained whole.
struct Case {
    name: &'static str,
    family: &'static str,
    targets: &'static [LoraTarget],
    trainable: usize,
}

const QUERY_AND_VALUE: &[LoraTarget] = &[LoraTarget::Query, LoraTarget::Value];

const CASES: [Case; 6] = [
    Case {
        name: "bert",
        family: "bert",
        targets: QUERY_AND_VALUE,
        trainable: 0,
    },
    Case {
        name: "bert-all",
        family: "bert",
        targets: &ALL,
        trainable: 0,
    },
    Case {
        name: "bert-whole-layer",
        family: "bert",
        targets: QUERY_AND_VALUE,
        trainable: 1,
    },
    Case {
        name: "distilbert",
        family: "distilbert",
        targets: QUERY_AND_VALUE,
        trainable: 0,
    },
    Case {
        name: "modernbert",
        family: "modernbert",
        targets: &ALL,
        trainable: 0,
    },
    Case {
        name: "deberta-v3",
        family: "deberta-v3",
        targets: &[LoraTarget::Query, LoraTarget::Key, LoraTarget::Value],
        trainable: 0,
    },
];

fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/fixtures")
        .join(path)
}

fn family(name: &str, device: &Device) -> Encoder {
    let folder = fixture("families").join(name);
    let config = EncoderConfig::read(&folder).unwrap();
    load_weights(&folder, None, &config, device).unwrap().0
}

/// The dense layer of a matrix as PyTorch has it, `[outputs, inputs]`.
fn of_pytorch((shape, values): &(Vec<usize>, Vec<f32>), device: &Device) -> Linear {
    let data = TensorData::new(values.clone(), shape.clone());
    Linear {
        weight: Param::from_tensor(Tensor::<2>::from_data(data, device).transpose()),
        bias: None,
    }
}

impl Case {
    fn lora(&self) -> Lora {
        Lora {
            rank: 2,
            alpha: 8.0,
            dropout: 0.0,
            targets: self.targets.iter().copied().collect(),
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        fixture("adapters").join(self.name).join(name)
    }

    /// The encoder with the adapters that PEFT has written.
    fn encoder(&self, device: &Device) -> Encoder {
        let adapter = tensors(&self.file(ADAPTER_WEIGHTS[0]));
        let matrix = |name: &str, part: &str| {
            of_pytorch(&adapter[&format!("{PEFT_PREFIX}{name}.{part}.weight")], device)
        };
        let encoder = family(self.family, device);
        let encoder = encoder.with_adapters(&self.lora(), self.trainable, 1).unwrap();
        encoder.map_dense(&mut |_, mut dense, _| {
            for product in dense.adapter.iter_mut().flat_map(|adapter| &mut adapter.products) {
                product.a = matrix(&product.name, "lora_A");
                product.b = matrix(&product.name, "lora_B");
            }
            dense
        })
    }

    /// The hidden states of the text whose hidden states PEFT computed.
    fn hidden(&self, encoder: &Encoder, device: &Device) -> Vec<f32> {
        let texts: Value = serde_json::from_slice(
            &fs::read(&fixture("families").join(self.family).join("ids.json")).unwrap(),
        )
        .unwrap();
        let ids: Vec<u32> = serde_json::from_value(texts["rows"][0].clone()).unwrap();
        let batch = Batch::new(&[&ids], 0, device);
        numbers(encoder.forward(&batch, Precision::Float32))
    }
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

#[test]
fn adapters_beside_the_weights_and_merged_give_the_hidden_states_of_peft() {
    for choice in [DeviceChoice::Cpu, DeviceChoice::Flex] {
        let device = device::open(choice).unwrap();
        // A layer that was trained whole is no adapter.
        for case in CASES.iter().filter(|case| case.trainable == 0) {
            let (_, expected) = &tensors(&case.file("expected.safetensors"))["hidden"];
            let encoder = case.encoder(&device);
            assert_close(&case.hidden(&encoder, &device), expected, case.name);
            let merged = encoder.merged();
            assert_close(
                &case.hidden(&merged, &device),
                expected,
                &format!("{}, merged", case.name),
            );
            let before = case.hidden(&family(case.family, &device), &device);
            let moved = before
                .iter()
                .zip(expected)
                .any(|(one, other)| (one - other).abs() > 0.01);
            assert!(moved, "{}: the adapter does something", case.name);
        }
    }
}

#[test]
fn the_files_are_those_that_peft_writes() {
    let device = device::open(DeviceChoice::Flex).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let base = HubModel {
        repository: "owner/name".to_owned(),
        commit: "0123456789".to_owned(),
    };
    let read = |path: &Path| -> Value { serde_json::from_slice(&fs::read(path).unwrap()).unwrap() };
    for case in CASES {
        let files = case.encoder(&device).adapter_files(case.trainable);
        files.write(folder.path(), &case.lora(), Some(&base)).unwrap();
        let found = tensors(&folder.path().join(ADAPTER_WEIGHTS[0]));
        let expected = tensors(&case.file(ADAPTER_WEIGHTS[0]));
        assert!(
            found.keys().eq(expected.keys()),
            "{}: {:?}",
            case.name,
            found.keys()
        );
        for (name, tensor) in expected.iter().filter(|(name, _)| name.contains("lora")) {
            assert_eq!(&found[name], tensor, "{}: {name}", case.name);
        }
        let (config, of_peft) = (
            read(&folder.path().join(ADAPTER_CONFIG_FILE)),
            read(&case.file(ADAPTER_CONFIG_FILE)),
        );
        for key in config.as_object().unwrap().keys() {
            assert!(of_peft.get(key).is_some(), "PEFT knows {key}");
        }
        for key in [
            "peft_type",
            "r",
            "bias",
            "fan_in_fan_out",
            "modules_to_save",
            "inference_mode",
        ] {
            assert_eq!(config[key], of_peft[key], "{}: {key}", case.name);
        }
        assert_eq!(config["lora_alpha"].as_f64(), of_peft["lora_alpha"].as_f64());
        assert_eq!(config["base_model_name_or_path"], "owner/name");
        let targets: BTreeSet<String> = serde_json::from_value(config["target_modules"].clone()).unwrap();
        let adapted = expected.keys().filter_map(|name| {
            let name = name.strip_suffix(".lora_A.weight")?;
            name.strip_prefix(PEFT_PREFIX)
        });
        assert!(adapted.eq(&targets), "{}: {targets:?}", case.name);
    }
}

/// The gradients of the sum of an encoder's hidden states, weighted by cos(0.1 n).
fn gradients(case: &Case, encoder: &Encoder, device: &Device) -> GradientsParams {
    let autodiff = device.clone().autodiff();
    let ids = [5, 9, 4, 11, 7, 6];
    let hidden = encoder.forward(&Batch::new(&[&ids], 0, &autodiff), Precision::Float32);
    let shape = hidden.dims();
    let weights: Vec<f32> = (0..shape.iter().product())
        .map(|n| (0.1 * n as f32).cos())
        .collect();
    let weights = Tensor::<3>::from_data(TensorData::new(weights, shape), &autodiff);
    assert_eq!(case.family, "bert");
    GradientsParams::from_grads((hidden * weights).sum().backward(), encoder)
}

/// The gradient of the weight of the first layer's projections, `[hidden, 3 * hidden]`.
fn of_projections(encoder: &Encoder, gradients: &GradientsParams) -> Vec<f32> {
    let mut found = Vec::new();
    encoder.clone().map_dense(&mut |layer, dense, parts| {
        if layer == 0 && parts.len() == 3 {
            found = numbers(gradients.get::<2>(dense.linear.weight.id).unwrap());
        }
        dense
    });
    found
}

#[test]
fn the_gradients_of_the_matrices_follow_from_that_of_the_weight_and_nothing_else_has_one() {
    let device = device::open(DeviceChoice::Cpu).unwrap();
    let case = &CASES[0];
    // The gradient of W = W₀ + s A B, in a training of the whole encoder.
    let whole = case.encoder(&device).merged().train();
    let whole = Module::unfreeze(whole);
    let of_weight = of_projections(&whole, &gradients(case, &whole, &device));
    let width = 8;
    let of_weight: Tensor<2> = Tensor::from_data(TensorData::new(of_weight, [width, 3 * width]), &device);

    let adapted = case.encoder(&device).train();
    let found = gradients(case, &adapted, &device);
    let mut adapters = 0;
    adapted.clone().map_dense(&mut |layer, dense, parts| {
        assert!(
            found.get::<2>(dense.linear.weight.id).is_none(),
            "the weight is frozen"
        );
        let adapter = dense.adapter.as_ref().filter(|_| layer == 0 && parts.len() == 3);
        for product in adapter.iter().flat_map(|adapter| &adapter.products) {
            adapters += 1;
            let of_part = of_weight.clone().narrow(1, product.first, width).mul_scalar(4.0);
            let [a, b] = [&product.a, &product.b].map(|linear| linear.weight.val().inner());
            let expected = [
                of_part.clone().matmul(b.transpose()),
                a.transpose().matmul(of_part),
            ];
            for (linear, expected) in [&product.a, &product.b].into_iter().zip(expected) {
                let gradient = numbers(found.get::<2>(linear.weight.id).unwrap());
                assert_close(&gradient, &numbers(expected), &product.name);
            }
        }
        dense
    });
    assert_eq!(adapters, 2, "query and value");
    assert_eq!(
        found.len(),
        2 * 2 * 2,
        "two matrices for query and value of two layers"
    );
}

#[test]
fn a_new_adapter_adds_nothing_and_drops_its_input_in_training_alone() {
    let device = device::open(DeviceChoice::Cpu).unwrap();
    let encoder = family("bert", &device);
    let before = CASES[1].hidden(&encoder, &device);
    let new = encoder.with_adapters(&CASES[1].lora(), 0, 1).unwrap();
    assert_eq!(CASES[1].hidden(&new, &device), before);

    let lora = Lora {
        dropout: 0.5,
        ..CASES[1].lora()
    };
    let linear = of_pytorch(&(vec![3, 4], (0..12).map(|n| n as f32).collect()), &device);
    let mut adapter = Adapter::new(&linear, vec![Some("layer".to_owned())], &lora, 1);
    adapter.products[0].b = of_pytorch(&(vec![3, 2], vec![1.0; 6]), &device);
    let forward = |adapter: &Adapter, device: &Device, seed: u64| {
        numbers(adapter.forward(Tensor::ones([1, 1, 4], device), seed))
    };
    let undropped = forward(&adapter, &device, 1);
    assert_eq!(undropped, forward(&adapter, &device, 2));
    let (training, autodiff) = (adapter.train(), device.clone().autodiff());
    let dropped: BTreeSet<Vec<u32>> = (0..20)
        .map(|seed| {
            forward(&training, &autodiff, seed)
                .into_iter()
                .map(f32::to_bits)
                .collect()
        })
        .collect();
    assert!(dropped.len() > 5, "each seed drops others: {dropped:?}");
}

#[test]
fn a_part_of_a_dense_layer_has_no_adapter() {
    let device = device::open(DeviceChoice::Flex).unwrap();
    let encoder = family("modernbert", &device);
    let lora = Lora {
        targets: QUERY_AND_VALUE.iter().copied().collect(),
        ..CASES[4].lora()
    };
    let error = encoder.with_adapters(&lora, 0, 1).unwrap_err();
    assert_eq!(
        error.to_string(),
        "this encoder has query, key and value in one dense layer, `layers.0.attn.Wqkv`, and `train.lora.targets` \
         names a part of them"
    );
}
