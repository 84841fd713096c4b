//! A dense layer of the encoder, in every precision.

use std::f64::consts::PI;
use std::sync::Arc;

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::activation::{gelu, relu, sigmoid};
use burn::tensor::{DType, Tensor};
use labelproof_kernels::fused::{
    bias_gelu, bias_of, int8_linear, linear, linear_without_bias, to_float32, to_precision,
};
use labelproof_kernels::int8::Int8Weight;
use labelproof_settings::Precision;
use labelproof_settings::encoder::Activation;
use labelproof_settings::train::Lora;

use crate::adapter::Adapter;

/// A dense layer, from `[batch, sequence, inputs]` to `[batch, sequence, outputs]`.
#[derive(Module, Debug)]
pub(crate) struct Dense {
    /// The weight and bias that are trained and saved.
    pub(crate) linear: Linear,
    /// What is trained of the weight where its adapters are.
    pub(crate) adapter: Option<Adapter>,
    /// The quantised weight for [`Precision::Int8`]; a layer without it computes in float32.
    #[module(skip)]
    int8: Option<Arc<Int8Weight>>,
}

impl Dense {
    /// A layer without a quantised weight.
    pub(crate) fn new(linear: Linear) -> Self {
        Self {
            linear,
            adapter: None,
            int8: None,
        }
    }

    /// The same layer with a quantised weight.
    pub(crate) fn with_int8(self) -> Self {
        let [_, outputs] = self.linear.weight.dims();
        let weight: Vec<f32> = self.linear.weight.val().into_data().iter().collect();
        Self {
            int8: Some(Arc::new(Int8Weight::quantize(&weight, outputs))),
            ..self
        }
    }

    /// The same layer with adapters for those of its parts that have a name.
    pub(crate) fn with_adapter(self, parts: Vec<Option<String>>, lora: &Lora, seed: u64) -> Self {
        Self {
            adapter: Some(Adapter::new(&self.linear, parts, lora, seed)),
            ..self
        }
    }

    /// The same layer with its adapters added to its weight.
    pub(crate) fn merged(self) -> Self {
        match self.adapter {
            Some(adapter) => Self::new(adapter.merge(self.linear)),
            None => self,
        }
    }

    fn int8(&self, precision: Precision) -> Option<&Arc<Int8Weight>> {
        self.int8.as_ref().filter(|_| precision == Precision::Int8)
    }

    /// The forward pass. `seed` is the seed of dropout before the adapters.
    pub(crate) fn forward(&self, input: Tensor<3>, seed: u64, precision: Precision) -> Tensor<3> {
        if self.linear.bias.is_none() {
            return self.forward_without_bias(input, seed, precision);
        }
        self.adapted(input, seed, |input| match self.int8(precision) {
            Some(weight) => int8_linear(weight, bias_of(&self.linear), input),
            None => linear(&self.linear, input),
        })
    }

    /// The forward pass of an input of any dtype, whose output is float32.
    pub(crate) fn forward_to_float32(&self, input: Tensor<3>, seed: u64, precision: Precision) -> Tensor<3> {
        to_float32(self.forward(to_precision(input, precision), seed, precision))
    }

    /// The forward pass without the bias.
    pub(crate) fn forward_without_bias(
        &self,
        input: Tensor<3>,
        seed: u64,
        precision: Precision,
    ) -> Tensor<3> {
        self.adapted(input, seed, |input| match self.int8(precision) {
            Some(weight) => {
                let [_, outputs] = self.linear.weight.dims();
                int8_linear(weight, Tensor::zeros([outputs], &input.device()), input)
            }
            None => linear_without_bias(&self.linear, input),
        })
    }

    /// Adds what the adapters make of the input to what the layer makes of it.
    fn adapted(&self, input: Tensor<3>, seed: u64, layer: impl FnOnce(Tensor<3>) -> Tensor<3>) -> Tensor<3> {
        match &self.adapter {
            Some(adapter) => layer(input.clone()) + adapter.forward(input, seed),
            None => layer(input),
        }
    }

    /// The forward pass of a layer with a bias, and the activation of its output.
    pub(crate) fn forward_and_activate(
        &self,
        input: Tensor<3>,
        activation: Activation,
        seed: u64,
        precision: Precision,
    ) -> Tensor<3> {
        // In bfloat16 the matrix product adds the bias at no cost.
        if input.dtype() != DType::F32 || activation != Activation::Gelu {
            return activate(self.forward(input, seed, precision), activation);
        }
        bias_gelu(&self.linear, self.forward_without_bias(input, seed, precision))
    }
}

/// Applies an activation.
///
/// tanh(x) is written as 2 σ(2x) - 1: LibTorch has tanh from MKL's vector library, which rounds otherwise where it
/// cuts a tensor among threads, and how many it takes depends on what else the machine does.
pub(crate) fn activate<const D: usize>(input: Tensor<D>, activation: Activation) -> Tensor<D> {
    match activation {
        Activation::Gelu => gelu(input),
        // x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³)))
        Activation::GeluNew => {
            let cube = input.clone() * input.clone() * input.clone();
            let inner = (input.clone() + cube.mul_scalar(0.044_715)).mul_scalar((8.0 / PI).sqrt());
            input * sigmoid(inner)
        }
        Activation::Relu => relu(input),
        Activation::Tanh => sigmoid(input.mul_scalar(2.0)).mul_scalar(2.0).sub_scalar(1.0),
    }
}

#[cfg(test)]
mod tests {
    use burn::module::Param;
    use burn::tensor::{Device, TensorData};

    use labelproof_kernels::{device, random};
    use labelproof_settings::DeviceChoice;

    use super::*;

    /// The width of the input, no multiple of anything that a kernel takes at a time.
    const INPUTS: usize = 83;
    const OUTPUTS: usize = 37;

    fn draw(purpose: &str, count: usize) -> Vec<f32> {
        let mut stream = random::stream(purpose, 1);
        (0..count)
            .map(|_| random::uniform(&mut stream) * 8.0 - 4.0)
            .collect()
    }

    fn layer(device: &Device) -> Dense {
        let weight = TensorData::new(draw("weight", INPUTS * OUTPUTS), [INPUTS, OUTPUTS]);
        let bias = TensorData::new(draw("bias", OUTPUTS), [OUTPUTS]);
        Dense::new(Linear {
            weight: Param::from_tensor(Tensor::from_data(weight, device)),
            bias: Some(Param::from_tensor(Tensor::from_data(bias, device))),
        })
        .with_int8()
    }

    fn forward(device: &Device, input: &[f32], precision: Precision) -> [Vec<f32>; 3] {
        let layer = layer(device);
        let input = TensorData::new(input.to_vec(), [1, input.len() / INPUTS, INPUTS]);
        let input = Tensor::from_data(input, device);
        [
            layer.forward(input.clone(), 0, precision),
            layer.forward_without_bias(input.clone(), 0, precision),
            layer.forward_and_activate(input, Activation::Gelu, 0, precision),
        ]
        .map(|output| output.into_data().iter::<f32>().collect())
    }

    #[test]
    fn a_layer_in_int8_is_the_same_on_both_backends_and_near_the_one_in_float32() {
        // More rows than go through one integer product.
        let input = draw("input", 300 * INPUTS);
        let [libtorch, flex] = [DeviceChoice::Cpu, DeviceChoice::Flex]
            .map(|choice| forward(&device::open(choice).unwrap(), &input, Precision::Int8));
        let full = forward(
            &device::open(DeviceChoice::Flex).unwrap(),
            &input,
            Precision::Float32,
        );
        for ((libtorch, flex), full) in libtorch.iter().zip(&flex).zip(&full) {
            assert_eq!(libtorch.len(), 300 * OUTPUTS);
            let (mut far, mut worst) = (0, 0.0_f32);
            for ((libtorch, flex), full) in libtorch.iter().zip(flex).zip(full) {
                // A value that is rounded the other way moves the output by a step of the input times a
                // weight of up to 4.
                assert!(
                    (libtorch - flex).abs() < 4.0 / 127.0 * 4.0 + 1e-3,
                    "{libtorch}, {flex}"
                );
                far += usize::from((libtorch - flex).abs() > 1e-3);
                worst = worst.max((libtorch - full).abs());
            }
            assert!(far * 100 < libtorch.len(), "{far}");
            // Both factors are off by up to half a step of 4/127, independently in 83 products of up to 16.
            assert!(worst > 0.01 && worst < 1.5, "{worst}");
        }
    }

    #[test]
    #[expect(clippy::print_stderr, reason = "tests have no other way to say it")]
    fn the_output_of_a_row_in_int8_does_not_depend_on_its_batch() {
        if !device::accelerates_int8(DeviceChoice::Cpu) {
            eprintln!("skipped: without instructions for int8 the layer is composed of float32 operations");
            return;
        }
        let device = device::open(DeviceChoice::Cpu).unwrap();
        let input = draw("input", 300 * INPUTS);
        let [together, ..] = forward(&device, &input, Precision::Int8);
        for row in [0, 7, 255, 256, 299] {
            let [alone, ..] = forward(&device, &input[row * INPUTS..(row + 1) * INPUTS], Precision::Int8);
            assert_eq!(alone, &together[row * OUTPUTS..(row + 1) * OUTPUTS], "row {row}");
        }
    }

    #[test]
    fn a_layer_without_a_quantised_weight_computes_in_float32() {
        let device = device::open(DeviceChoice::Cpu).unwrap();
        let layer = Dense::new(layer(&device).linear);
        let input = TensorData::new(draw("input", 5 * INPUTS), [1, 5, INPUTS]);
        let input = Tensor::<3>::from_data(input, &device);
        let [one, other] = [Precision::Int8, Precision::Float32]
            .map(|precision| layer.forward(input.clone(), 0, precision).into_data());
        assert_eq!(one, other);
    }
}
