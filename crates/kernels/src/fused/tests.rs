//! The operations of accelerators, on the processor, against LibTorch's own autograd in float64.

use burn::backend::libtorch::TchTensor;
use burn::nn::DropoutConfig;
use burn::tensor::{Device, TensorData};
use labelproof_settings::DeviceChoice;
use tch::Kind;

use super::*;
use crate::adamw::{self, ParameterState};
use crate::gradients::GradientList;
use crate::{device, operators, random};

const BATCH: usize = 3;
const SEQUENCE: usize = 11;
const HEADS: usize = 4;
const WIDTH: usize = 40;
const EPSILON: f64 = 1e-3;

/// A size as LibTorch has it.
fn signed(size: usize) -> i64 {
    i64::try_from(size).unwrap()
}

/// Random numbers within ±½ of some shape, from a stream of their own.
fn draw<const D: usize>(name: &str, shape: [usize; D]) -> TensorData {
    let mut stream = random::stream(name, 1);
    let count = shape.iter().product();
    let values: Vec<f32> = (0..count).map(|_| random::uniform(&mut stream) - 0.5).collect();
    TensorData::new(values, shape)
}

fn training_device() -> Device {
    device::open(DeviceChoice::Cpu).unwrap().autodiff()
}

fn keep_mask(probability: f64) -> KeepMask {
    KeepMask::new(&DropoutConfig::new(probability).init(), &training_device(), 7)
}

/// A tensor of the network that gets a gradient.
fn tracked<const D: usize>(data: &TensorData) -> Tensor<D> {
    Tensor::from_data(data.clone(), &training_device()).require_grad()
}

/// The same in float64, for LibTorch.
fn leaf(data: &TensorData) -> tch::Tensor {
    constant(data).set_requires_grad(true)
}

fn constant(data: &TensorData) -> tch::Tensor {
    let shape: Vec<i64> = data.shape().iter().map(|&size| signed(size)).collect();
    let values: Vec<f32> = data.iter::<f32>().collect();
    tch::Tensor::from_slice(&values)
        .reshape(shape)
        .to_kind(Kind::Double)
}

fn numbers(tensor: &tch::Tensor) -> Vec<f64> {
    Vec::try_from(tensor.to_kind(Kind::Double).reshape(-1)).unwrap()
}

fn assert_close(what: &str, found: &TensorData, expected: &tch::Tensor, tolerance: f64) {
    let (found, expected): (Vec<f64>, _) = (found.iter::<f64>().collect(), numbers(expected));
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        let difference = (found - expected).abs();
        assert!(
            difference <= tolerance * (1.0 + expected.abs()),
            "{what}: {found}, {expected}"
        );
    }
}

/// The factors of a mask, as a tensor of some shape.
fn factors(keep_mask: KeepMask, rows: usize, width: usize, shape: &[usize]) -> tch::Tensor {
    constant(&TensorData::new(keep_mask.factors(rows, width), shape.to_vec()))
}

/// The gradients of the sum of an output times some weights.
fn expected_gradients(
    output: &tch::Tensor,
    weights: &TensorData,
    leaves: &[tch::Tensor],
) -> Vec<tch::Tensor> {
    let loss = (output * constant(weights)).sum(Kind::Double);
    tch::Tensor::run_backward(&[loss], leaves, false, false)
}

fn check_residual(probability: f64) {
    let shape = [BATCH, SEQUENCE, WIDTH];
    let [output, residual, weights] = ["output", "residual", "weights"].map(|name| draw(name, shape));
    let [bias, gamma, beta] = ["bias", "gamma", "beta"].map(|name| draw(name, [WIDTH]));
    let keep_mask = keep_mask(probability);

    let leaves = [&output, &bias, &residual, &gamma, &beta].map(leaf);
    let [of_output, of_bias, of_residual, of_gamma, of_beta] = &leaves;
    let mask = factors(keep_mask, BATCH * SEQUENCE, WIDTH, &shape);
    let sum = (of_output + of_bias) * mask + of_residual;
    let expected = sum.layer_norm([signed(WIDTH)], Some(of_gamma), Some(of_beta), EPSILON, false);
    let expected_gradients = expected_gradients(&expected, &weights, &leaves);

    let tensors = [tracked::<3>(&output), tracked(&residual)];
    let vectors = [tracked::<1>(&bias), tracked(&gamma), tracked(&beta)];
    let dispatch = |number: usize| vectors[number].clone().into_dispatch();
    let found = Tensor::<3>::from_dispatch(<Dispatch as FusedOperations>::fused_bias_dropout_add_layer_norm(
        tensors[0].clone().into_dispatch(),
        dispatch(0),
        tensors[1].clone().into_dispatch(),
        dispatch(1),
        dispatch(2),
        EPSILON,
        keep_mask,
    ));
    assert_close("output", &found.clone().into_data(), &expected, 1e-5);
    let weights = Tensor::from_data(weights, &training_device());
    let gradients = (found * weights).sum().backward();
    let of_tensor = |number: usize| tensors[number].grad(&gradients).unwrap().into_data();
    let of_vector = |number: usize| vectors[number].grad(&gradients).unwrap().into_data();
    let found = [
        of_tensor(0),
        of_vector(0),
        of_tensor(1),
        of_vector(1),
        of_vector(2),
    ];
    for (found, expected) in found.into_iter().zip(&expected_gradients) {
        assert_close("gradient", &found, expected, 1e-5);
    }
}

#[test]
fn the_end_of_a_sub_layer_is_the_normalised_sum_of_what_was_kept() {
    for probability in [0.0, 0.3] {
        device::as_accelerator(|| check_residual(probability));
    }
}

#[test]
fn a_layer_normalisation_has_the_gradients_of_libtorch_on_every_device() {
    let shape = [BATCH, SEQUENCE, WIDTH];
    let [input, weights] = ["input", "weights"].map(|name| draw(name, shape));
    let [gamma, beta] = ["gamma", "beta"].map(|name| draw(name, [WIDTH]));
    let leaves = [&input, &gamma, &beta].map(leaf);
    let [of_input, of_gamma, of_beta] = &leaves;
    let expected = of_input.layer_norm([signed(WIDTH)], Some(of_gamma), Some(of_beta), EPSILON, false);
    let expected_gradients = expected_gradients(&expected, &weights, &leaves);
    let (tensor, vectors) = (tracked::<3>(&input), [tracked::<1>(&gamma), tracked(&beta)]);
    let found = Tensor::<3>::from_dispatch(<Dispatch as FusedOperations>::fused_layer_norm(
        tensor.clone().into_dispatch(),
        vectors[0].clone().into_dispatch(),
        vectors[1].clone().into_dispatch(),
        EPSILON,
    ));
    assert_close("output", &found.clone().into_data(), &expected, 1e-5);
    let gradients = (found * Tensor::from_data(weights, &training_device()))
        .sum()
        .backward();
    let of_vector = |number: usize| vectors[number].grad(&gradients).unwrap().into_data();
    let found = [
        tensor.grad(&gradients).unwrap().into_data(),
        of_vector(0),
        of_vector(1),
    ];
    for (found, expected) in found.into_iter().zip(&expected_gradients) {
        assert_close("gradient", &found, expected, 1e-5);
    }
}

/// LibTorch's own graph and ours call the same two kernels: no bit differs.
#[test]
fn a_layer_normalisation_gives_the_bits_of_libtorch() {
    let shape = [BATCH, SEQUENCE, WIDTH];
    let [input, weights] = ["input", "weights"].map(|name| draw(name, shape));
    let [gamma, beta] = ["gamma", "beta"].map(|name| draw(name, [WIDTH]));
    let single = |data: &TensorData| constant(data).to_kind(Kind::Float);
    let leaves = [&input, &gamma, &beta].map(|data| single(data).set_requires_grad(true));
    let [of_input, of_gamma, of_beta] = &leaves;
    let expected = of_input.layer_norm([signed(WIDTH)], Some(of_gamma), Some(of_beta), EPSILON, false);
    let loss = expected.reshape(-1).dot(&single(&weights).reshape(-1));
    let expected_gradients = tch::Tensor::run_backward(&[loss], &leaves, false, false);
    let [input, gamma, beta] = [&input, &gamma, &beta].map(|data| TchTensor::new(single(data)));
    let (output, saved) = accelerator::Normalization::forward(input, gamma, beta, EPSILON);
    assert_eq!(numbers(&output.tensor), numbers(&expected));
    let found = saved.backward(&TchTensor::new(single(&weights)));
    for (found, expected) in found.iter().zip(&expected_gradients) {
        assert_eq!(numbers(&found.tensor), numbers(expected));
    }
}

#[test]
fn bias_and_gelu_are_those_of_libtorch() {
    let (input, bias) = (draw("input", [BATCH, SEQUENCE, WIDTH]), draw("bias", [WIDTH]));
    let weights = draw("weights", [BATCH, SEQUENCE, WIDTH]);
    let leaves = [&input, &bias].map(leaf);
    let expected = (&leaves[0] + &leaves[1]).gelu("none");
    let expected_gradients = expected_gradients(&expected, &weights, &leaves);
    device::as_accelerator(|| {
        let (tensor, vector) = (tracked::<3>(&input), tracked::<1>(&bias));
        let found = Tensor::<3>::from_dispatch(<Dispatch as FusedOperations>::fused_bias_gelu(
            tensor.clone().into_dispatch(),
            vector.clone().into_dispatch(),
        ));
        assert_close("output", &found.clone().into_data(), &expected, 1e-6);
        let gradients = (found * Tensor::from_data(weights, &training_device()))
            .sum()
            .backward();
        assert_close(
            "input",
            &tensor.grad(&gradients).unwrap().into_data(),
            &expected_gradients[0],
            1e-6,
        );
        assert_close(
            "bias",
            &vector.grad(&gradients).unwrap().into_data(),
            &expected_gradients[1],
            1e-5,
        );
    });
}

#[test]
fn dropout_multiplies_with_its_mask_in_both_directions() {
    let shape = [BATCH, SEQUENCE, WIDTH];
    let (input, weights) = (draw("input", shape), draw("weights", shape));
    let mask = factors(keep_mask(0.3), BATCH * SEQUENCE, WIDTH, &shape);
    let leaves = [leaf(&input)];
    let expected = &leaves[0] * mask;
    let expected_gradients = expected_gradients(&expected, &weights, &leaves);
    let check = || {
        let tensor = tracked::<3>(&input);
        let found = crate::dropout::dropout(&DropoutConfig::new(0.3).init(), tensor.clone(), 7);
        assert_close("output", &found.clone().into_data(), &expected, 1e-6);
        let weights = Tensor::from_data(weights.clone(), &training_device());
        let gradients = (found * weights).sum().backward();
        assert_close(
            "gradient",
            &tensor.grad(&gradients).unwrap().into_data(),
            &expected_gradients[0],
            1e-6,
        );
    };
    check();
    device::as_accelerator(check);
}

/// The attention bias of rows of which some are padded, `[batch, sequence]`.
fn padding() -> TensorData {
    let lengths = [SEQUENCE, SEQUENCE - 3, 1];
    let rows = lengths
        .iter()
        .flat_map(|&length| (0..SEQUENCE).map(move |place| if place < length { 0.0_f32 } else { -1e9 }));
    TensorData::new(rows.collect::<Vec<f32>>(), [BATCH, SEQUENCE])
}

/// A part of the bias that has a gradient, which broadcasts to `[batch, heads, sequence, sequence]`.
fn relative_bias(shape: [usize; 3]) -> TensorData {
    let [batch, heads, queries] = shape;
    draw("relative bias", [batch, heads, queries, SEQUENCE])
}

/// The output and the gradients of projections and bias, from the definition in float64.
fn expected_attention(
    projections: &TensorData,
    bias: &TensorData,
    weights: &TensorData,
    mask: &tch::Tensor,
) -> [tch::Tensor; 3] {
    let leaves = [leaf(projections), leaf(bias)];
    let [query, key, value] = attention::split_heads(&leaves[0], HEADS);
    let scale = ((WIDTH / HEADS) as f64).sqrt();
    let scores = query.matmul(&key.transpose(2, 3)) / scale
        + constant(&padding()).reshape([signed(BATCH), 1, 1, -1])
        + &leaves[1];
    let attended = scores.softmax(3, Kind::Double).matmul(&(value * mask));
    let expected = attended
        .transpose(1, 2)
        .reshape([signed(BATCH), signed(SEQUENCE), signed(WIDTH)]);
    let mut gradients = expected_gradients(&expected, weights, &leaves);
    let of_bias = gradients.remove(1);
    [expected, gradients.remove(0), of_bias]
}

fn check_attention(probability: f64, bias_shape: [usize; 3], dtype: DType, tolerance: f64) {
    let projections = draw("projections", [BATCH, SEQUENCE, 3 * WIDTH]);
    let relative = relative_bias(bias_shape);
    let weights = draw("weights", [BATCH, SEQUENCE, WIDTH]);
    let keep_mask = keep_mask(probability);
    let shape = [BATCH, SEQUENCE, HEADS, 1];
    let mask = factors(keep_mask, BATCH * SEQUENCE, HEADS, &shape).transpose(1, 2);
    let [expected, of_projections, of_bias] = expected_attention(&projections, &relative, &weights, &mask);
    let (tensor, tracked_bias) = (tracked::<3>(&projections), tracked::<4>(&relative));
    let precision = match dtype {
        DType::BF16 => Precision::Bfloat16,
        _ => Precision::Float32,
    };
    let padding = || attention_bias(Tensor::from_data(padding(), &training_device()), precision);
    let bias = padding().cast(DType::F32) + tracked_bias.clone();
    let found = attention(tensor.clone().cast(dtype), bias, HEADS, keep_mask).cast(DType::F32);
    assert_close("output", &found.clone().into_data(), &expected, tolerance);
    let gradients = (found * Tensor::from_data(weights, &training_device()))
        .sum()
        .backward();
    let of_tensor = tensor.grad(&gradients).unwrap().into_data();
    assert_close("gradient", &of_tensor, &of_projections, tolerance);
    let of_tracked = tracked_bias.grad(&gradients).unwrap().into_data();
    assert_close("gradient of the bias", &of_tracked, &of_bias, tolerance);
    let untracked = Tensor::<3>::from_data(projections, &training_device());
    let bias = padding().cast(DType::F32) + Tensor::from_data(relative, &training_device());
    let inferred = attention(untracked.cast(dtype), bias, HEADS, keep_mask).cast(DType::F32);
    assert_close("inferred", &inferred.into_data(), &expected, tolerance);
}

#[test]
fn attention_is_its_definition_with_the_values_that_were_kept() {
    let shapes = [
        [1, 1, 1],
        [1, HEADS, SEQUENCE],
        [BATCH, HEADS, SEQUENCE],
        [1, 1, SEQUENCE],
    ];
    for (probability, shape) in [0.0, 0.3]
        .into_iter()
        .flat_map(|p| shapes.map(|shape| (p, shape)))
    {
        check_attention(probability, shape, DType::F32, 1e-5);
        device::as_accelerator(|| check_attention(probability, shape, DType::F32, 1e-5));
        // A bfloat16 has 8 bits.
        device::as_accelerator(|| check_attention(probability, shape, DType::BF16, 1e-2));
    }
}

/// Takes some steps over two parameters of different decay; returns their numbers and moments.
fn adamw_steps(accelerator: bool) -> Vec<f32> {
    let device = device::open(DeviceChoice::Cpu).unwrap();
    let draw = |name: &str| Tensor::<2>::from_data(draw(name, [SEQUENCE, WIDTH]), &device);
    let mut states = [draw("one"), draw("other")].map(ParameterState::new);
    for number in 1..=5 {
        let step = |weight_decay: f64| AdamwStep {
            learning_rate: 1e-3 * number as f64,
            beta_1: 0.9,
            beta_2: 0.999,
            epsilon: 1e-8,
            weight_decay,
            number,
        };
        let take = || {
            let decays = [0.1, 0.0].into_iter();
            let mut states =
                states.clone().into_iter().zip(decays).map(|(state, decay)| {
                    state.step(draw(&format!("gradient {number}")) * 0.01, step(decay))
                });
            [(); 2].map(|()| states.next().unwrap())
        };
        states = if accelerator {
            let (stepped, calls) = operators::recorded(|| device::as_accelerator(|| adamw::together(take)));
            let fused = calls
                .iter()
                .filter(|call| call.name == "aten::_fused_adamw_")
                .count();
            assert_eq!(
                fused, 2,
                "one call for all parameters that decay, and one for the others"
            );
            stepped
        } else {
            take()
        };
    }
    let tensors = states.map(|state| [state.parameter, state.first_moment, state.second_moment]);
    let data = tensors.into_iter().flatten().map(Tensor::into_data);
    data.flat_map(|data| data.iter::<f32>().collect::<Vec<_>>())
        .collect()
}

#[test]
fn many_parameters_step_together_as_each_does_alone() {
    let (alone, together) = (adamw_steps(false), adamw_steps(true));
    assert_eq!(alone.len(), together.len());
    for (alone, together) in alone.iter().zip(together) {
        assert!((alone - together).abs() < 1e-6, "{alone}, {together}");
    }
}

#[test]
fn parameters_that_somebody_keeps_stay_as_they_were() {
    let device = device::open(DeviceChoice::Cpu).unwrap();
    let start = draw("start", [SEQUENCE, WIDTH]);
    let state = ParameterState::new(Tensor::<2>::from_data(start.clone(), &device));
    let kept = state.clone();
    let step = AdamwStep {
        learning_rate: 0.1,
        beta_1: 0.9,
        beta_2: 0.999,
        epsilon: 1e-8,
        weight_decay: 0.1,
        number: 1,
    };
    let gradient = Tensor::ones([SEQUENCE, WIDTH], &device);
    let stepped = device::as_accelerator(|| adamw::together(|| state.step(gradient, step)));
    assert_eq!(kept.parameter.into_data(), start);
    assert_ne!(stepped.parameter.into_data(), start);
    assert!(
        kept.first_moment
            .into_data()
            .iter::<f32>()
            .all(|moment| moment == 0.0)
    );
}

#[test]
fn gradients_are_clipped_by_the_norm_of_all_without_reading_it() {
    let device = device::open(DeviceChoice::Cpu).unwrap();
    let clipped = |largest: f64| {
        let mut list = GradientList::default();
        list.push(Tensor::<2>::from_data([[3.0, 3.0], [4.0, 4.0]], &device));
        list.push(Tensor::<1>::from_data([1.0, 1.0], &device));
        let ((), calls) = operators::recorded(|| list.clip_norm(largest));
        assert!(calls.iter().all(|call| call.name != "aten::item"), "{calls:?}");
        let [matrix, vector] = [list.pop::<2>().into_data(), list.pop::<1>().into_data()];
        matrix.iter::<f32>().chain(vector.iter()).collect::<Vec<f32>>()
    };
    // The norm is sqrt(52).
    assert_eq!(clipped(100.0), [3.0, 3.0, 4.0, 4.0, 1.0, 1.0]);
    let factor = 2.0 / 52.0_f32.sqrt();
    for (found, before) in clipped(2.0).iter().zip([3.0, 3.0, 4.0, 4.0, 1.0, 1.0]) {
        assert!((found - before * factor).abs() < 1e-6, "{found}");
    }
}
