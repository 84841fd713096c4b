//! The operations on LibTorch while it records for the way back.

#![expect(
    deprecated,
    reason = "as in `backend`: nothing of burn comes near LibTorch on a processor"
)]

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::libtorch::TchTensor;
use burn::backend::ops::{FloatTensorOps, ModuleOps};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, LibTorch};
use burn::tensor::FloatDType;

use super::libtorch::{
    Heads, bias_gradient, gains_by_half, in_numbers_of, input_gradient, is_in_memory, multiply,
    multiply_and_add, new_like, tensor_of, to_be_written, values, values_mut, values_of, weight_gradient,
};
use super::{Fused, composed_add_and_normalize, composed_attention, composed_gelu};
use crate::backend::{gelu, residual};
use crate::dropout::Dropped;

impl<C: CheckpointStrategy> Fused for Autodiff<LibTorch, C> {
    fn fused_add_and_normalize(
        output: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        input: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
        dropped: Dropped,
    ) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct AddAndNormalize;

        #[derive(Debug, Clone)]
        struct Kept {
            sum: TchTensor,
            /// Bias, gamma and beta.
            learnt: [TchTensor; 3],
            epsilon: f64,
            left: Vec<bool>,
            dropped: Dropped,
        }

        impl Backward<LibTorch, 5> for AddAndNormalize {
            type State = Kept;

            fn backward(
                self,
                ops: Ops<Self::State, 5>,
                gradients: &mut Gradients,
                _checkpointer: &mut Checkpointer,
            ) {
                let Kept {
                    sum,
                    learnt,
                    epsilon,
                    left,
                    dropped,
                } = ops.state;
                let gradient = gradients.consume::<LibTorch>(&ops.node).tensor.contiguous();
                let learnt = learnt.map(|part| part.tensor.contiguous());
                let [mut of_output, mut of_input] = [new_like(&sum), new_like(&sum)];
                let of_vectors = residual::backward(
                    values(&gradient),
                    values(&sum.tensor),
                    values_of(&learnt, epsilon),
                    (&left, dropped),
                    values_mut(&mut of_output),
                    values_mut(&mut of_input),
                );
                let [of_bias, of_gamma, of_beta] = of_vectors.map(|vector| tensor_of(&vector));
                let found = [of_output, of_bias, of_input, of_gamma, of_beta];
                for (parent, found) in ops.parents.into_iter().zip(found) {
                    if let Some(node) = parent {
                        gradients.register::<LibTorch>(node.id, found);
                    }
                }
            }
        }

        if !is_in_memory(output.primitive()) {
            let norm = (gamma, beta, epsilon);
            return composed_add_and_normalize::<Self>(output, bias, input, norm, dropped);
        }
        let (output, of_output) = output.into_parts();
        let (bias, of_bias) = bias.into_parts();
        let (input, of_input) = input.into_parts();
        let (gamma, of_gamma) = gamma.into_parts();
        let (beta, of_beta) = beta.into_parts();
        let nodes = [of_output, of_bias, of_input, of_gamma, of_beta];
        match AddAndNormalize.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let mut sum = to_be_written(output);
                let mut normalized = new_like(&sum);
                let learnt = [bias, gamma, beta];
                let left = residual::forward(
                    values_mut(&mut sum),
                    values(&input.tensor.contiguous()),
                    values_mut(&mut normalized),
                    values_of(&learnt.each_ref().map(|part| part.tensor.contiguous()), epsilon),
                    dropped,
                );
                let kept = Kept {
                    sum,
                    learnt,
                    epsilon,
                    left,
                    dropped,
                };
                prepared.finish(kept, normalized)
            }
            OpsKind::UnTracked(prepared) => {
                let output =
                    LibTorch::fused_add_and_normalize(output, bias, input, gamma, beta, epsilon, dropped);
                prepared.finish(output)
            }
        }
    }

    fn fused_product(input: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Product;

        impl Backward<LibTorch, 2> for Product {
            /// Input and weight, in the numbers of the input.
            type State = (TchTensor, TchTensor);

            fn backward(
                self,
                ops: Ops<Self::State, 2>,
                gradients: &mut Gradients,
                _checkpointer: &mut Checkpointer,
            ) {
                let (input, weight) = ops.state;
                let gradient = gradients.consume::<LibTorch>(&ops.node);
                let [of_input, of_weight] = ops.parents;
                if let Some(node) = of_input {
                    let found = input_gradient(&gradient, &input, &weight);
                    gradients.register::<LibTorch>(node.id, found);
                }
                if let Some(node) = of_weight {
                    gradients.register::<LibTorch>(node.id, weight_gradient(&gradient, &input));
                }
            }
        }

        let ((input, of_input), (weight, of_weight)) = (input.into_parts(), weight.into_parts());
        let weight = in_numbers_of(&input, weight);
        let output = TchTensor::new(multiply(&input.tensor, &weight.tensor));
        let nodes = [of_input, of_weight];
        match Product.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => prepared.finish((input, weight), output),
            OpsKind::UnTracked(prepared) => prepared.finish(output),
        }
    }

    fn fused_gelu(products: FloatTensor<Self>, bias: FloatTensor<Self>) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Activate;

        impl Backward<LibTorch, 2> for Activate {
            /// The sums with the bias.
            type State = TchTensor;

            fn backward(
                self,
                ops: Ops<Self::State, 2>,
                gradients: &mut Gradients,
                _checkpointer: &mut Checkpointer,
            ) {
                let gradient = gradients.consume::<LibTorch>(&ops.node);
                let [of_products, of_bias] = ops.parents;
                let found = TchTensor::new(ops.state.tensor.gelu_backward(&gradient.tensor, "none"));
                if let Some(node) = of_bias {
                    gradients.register::<LibTorch>(node.id, bias_gradient(&found));
                }
                if let Some(node) = of_products {
                    gradients.register::<LibTorch>(node.id, found);
                }
            }
        }

        if !is_in_memory(products.primitive()) {
            return composed_gelu::<Self>(products, bias);
        }
        let ((products, of_products), (bias, of_bias)) = (products.into_parts(), bias.into_parts());
        match Activate
            .prepare::<C>([of_products, of_bias])
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prepared) => {
                let mut sums = to_be_written(products);
                let mut activated = new_like(&sums);
                let bias = bias.tensor.contiguous();
                gelu::forward(values_mut(&mut sums), values(&bias), values_mut(&mut activated));
                prepared.finish(sums, activated)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(LibTorch::fused_gelu(products, bias)),
        }
    }

    fn fused_layer_norm(
        input: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Normalize;

        impl Backward<LibTorch, 3> for Normalize {
            type State = (TchTensor, TchTensor, TchTensor, f64);

            fn backward(
                self,
                ops: Ops<Self::State, 3>,
                gradients: &mut Gradients,
                _checkpointer: &mut Checkpointer,
            ) {
                let (input, gamma, beta, epsilon) = ops.state;
                let gradient = gradients.consume::<LibTorch>(&ops.node).tensor;
                // LibTorch's kernel for the way back is reached through its own autograd alone. Running the normalisation
                // again costs less than to have kept its result.
                let leaf = |tensor: &TchTensor| tensor.tensor.detach().set_requires_grad(true);
                let leaves = [leaf(&input), leaf(&gamma), leaf(&beta)];
                let width = gamma.tensor.size();
                let output = leaves[0].layer_norm(width, Some(&leaves[1]), Some(&leaves[2]), epsilon, false);
                let loss = output.reshape(-1).dot(&gradient.reshape(-1));
                let found = tch::Tensor::run_backward(&[loss], &leaves, false, false);
                for (parent, found) in ops.parents.into_iter().zip(found) {
                    if let Some(node) = parent {
                        gradients.register::<LibTorch>(node.id, TchTensor::new(found));
                    }
                }
            }
        }

        let ((input, of_input), (gamma, of_gamma), (beta, of_beta)) =
            (input.into_parts(), gamma.into_parts(), beta.into_parts());
        let nodes = [of_input, of_gamma, of_beta];
        let output = <LibTorch as ModuleOps<LibTorch>>::layer_norm(
            input.clone(),
            gamma.clone(),
            Some(beta.clone()),
            epsilon,
        );
        match Normalize.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => prepared.finish((input, gamma, beta, epsilon), output),
            OpsKind::UnTracked(prepared) => prepared.finish(output),
        }
    }

    fn fused_linear(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Product;

        impl Backward<LibTorch, 3> for Product {
            /// Input and weight, in the numbers of the input.
            type State = (TchTensor, TchTensor);

            fn backward(
                self,
                ops: Ops<Self::State, 3>,
                gradients: &mut Gradients,
                _checkpointer: &mut Checkpointer,
            ) {
                let (input, weight) = ops.state;
                let gradient = gradients.consume::<LibTorch>(&ops.node);
                let [of_input, of_weight, of_bias] = ops.parents;
                if let Some(node) = of_bias {
                    gradients.register::<LibTorch>(node.id, bias_gradient(&gradient));
                }
                if let Some(node) = of_input {
                    let found = input_gradient(&gradient, &input, &weight);
                    gradients.register::<LibTorch>(node.id, found);
                }
                if let Some(node) = of_weight {
                    gradients.register::<LibTorch>(node.id, weight_gradient(&gradient, &input));
                }
            }
        }

        let ((input, of_input), (weight, of_weight), (bias, of_bias)) =
            (input.into_parts(), weight.into_parts(), bias.into_parts());
        let nodes = [of_input, of_weight, of_bias];
        let [weight, bias] = [weight, bias].map(|part| in_numbers_of(&input, part));
        let output = TchTensor::new(multiply_and_add(&input.tensor, &weight.tensor, &bias.tensor));
        match Product.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => prepared.finish((input, weight), output),
            OpsKind::UnTracked(prepared) => prepared.finish(output),
        }
    }

    fn in_half(input: FloatTensor<Self>) -> FloatTensor<Self> {
        if gains_by_half(input.primitive()) {
            Self::float_cast(input, FloatDType::BF16)
        } else {
            input
        }
    }

    fn fused_attention(
        projections: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        heads: usize,
        dropped: Dropped,
    ) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Attend;

        #[derive(Debug, Clone)]
        struct Kept {
            projections: TchTensor,
            bias: TchTensor,
            heads: usize,
            dropped: Dropped,
            attended: TchTensor,
            log_sums: TchTensor,
        }

        impl Backward<LibTorch, 1> for Attend {
            type State = Kept;

            fn backward(
                self,
                ops: Ops<Self::State, 1>,
                gradients: &mut Gradients,
                _checkpointer: &mut Checkpointer,
            ) {
                let kept = ops.state;
                let gradient = gradients.consume::<LibTorch>(&ops.node).tensor;
                let [parent] = ops.parents;
                let Some(node) = parent else { return };
                // The mask is drawn again: it takes less time than memory to keep it.
                let heads = Heads::of(&kept.projections.tensor, kept.heads, kept.dropped);
                let found = heads.go_back(
                    &gradient,
                    &kept.attended.tensor,
                    &kept.log_sums.tensor,
                    &kept.bias.tensor,
                );
                gradients.register::<LibTorch>(node.id, TchTensor::new(found));
            }
        }

        if projections.primitive().tensor.device() != tch::Device::Cpu {
            return composed_attention::<Self>(&projections, bias, heads, dropped);
        }
        let (projections, of_projections) = projections.into_parts();
        let bias = bias.into_primitive();
        let (attended, log_sums) = Heads::of(&projections.tensor, heads, dropped).attend(&bias.tensor);
        let attended = TchTensor::new(attended);
        match Attend.prepare::<C>([of_projections]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let kept = Kept {
                    projections,
                    bias,
                    heads,
                    dropped,
                    attended: attended.clone(),
                    log_sums: TchTensor::new(log_sums),
                };
                prepared.finish(kept, attended)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(attended),
        }
    }
}
