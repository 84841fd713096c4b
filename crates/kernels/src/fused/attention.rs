//! Scaled dot-product attention on LibTorch's flash attention kernel for processors, with its backward pass.
//!
//! LibTorch's kernel applies no dropout. Dropping an attention weight is the same as dropping the value that
//! it is multiplied with, so the values are dropped instead. One draw serves every query that attends to a
//! value: each weight is dropped as often as if all were drawn independently, and the weights are never
//! written to memory.

use crate::dropout::KeepMask;

/// Queries, keys and values, views into projections, `[batch, sequence, 3 * heads * width]`:
/// `[batch, heads, sequence, width]` each.
pub(super) fn split_heads(projections: &tch::Tensor, heads: usize) -> [tch::Tensor; 3] {
    let size = projections.size();
    let heads = i64::try_from(heads).expect("there are few heads");
    let parts = projections.reshape([size[0], size[1], 3, heads, -1]);
    [0, 1, 2].map(|number| parts.select(2, number).transpose(1, 2))
}

/// The inputs of the kernel, views into the projections: `[batch, heads, sequence, width]` each.
#[derive(Debug)]
pub(super) struct Heads {
    query: tch::Tensor,
    key: tch::Tensor,
    /// The values after dropout.
    value: tch::Tensor,
    /// The factors of dropout, `[batch, heads, sequence, 1]`, one for each value vector of a head.
    factors: Option<tch::Tensor>,
}

impl Heads {
    /// Splits projections, `[batch, sequence, 3 * heads * width]`, into heads, and applies dropout to the
    /// values.
    pub(super) fn split(projections: &tch::Tensor, heads: usize, keep_mask: KeepMask) -> Self {
        let [query, key, value] = split_heads(projections, heads);
        let size = query.size();
        let (batch, heads, sequence) = (size[0], size[1], size[2]);
        let factors = keep_mask.drops().then(|| {
            let [rows, width] = [batch * sequence, heads]
                .map(|size| usize::try_from(size).expect("a tensor has no negative sizes"));
            let factors = tch::Tensor::from_slice(&keep_mask.factors(rows, width));
            factors.reshape([batch, sequence, heads, 1]).transpose(1, 2)
        });
        let value = match &factors {
            Some(factors) => scaled(&value, factors),
            None => value,
        };
        Self {
            query,
            key,
            value,
            factors,
        }
    }

    /// The output, `[batch, sequence, heads * width]`, and the log-sum-exp of the scores of each query, from
    /// which the backward pass computes the attention weights again.
    pub(super) fn attend(&self, bias: &tch::Tensor) -> (tch::Tensor, tch::Tensor) {
        let (attended, log_sum_exp) = tch::Tensor::internal_scaled_dot_product_flash_attention_for_cpu(
            &self.query,
            &self.key,
            &self.value,
            0.0,
            false,
            Some(bias),
            None,
        );
        let size = attended.size();
        let joined = attended.transpose(1, 2).reshape([size[0], size[2], -1]);
        (joined, log_sum_exp)
    }

    /// The gradient of the bias from that of the output; `attended` is what [`Self::attend`] returned.
    pub(super) fn bias_gradient(
        &self,
        gradient: &tch::Tensor,
        attended: &tch::Tensor,
        bias: &tch::Tensor,
    ) -> tch::Tensor {
        let inputs = [&self.query, &self.key, &self.value];
        bias_gradient(
            inputs,
            bias,
            &self.split_joined(attended),
            &self.split_joined(gradient),
        )
    }

    /// Undoes what joined the heads of an output.
    fn split_joined(&self, joined: &tch::Tensor) -> tch::Tensor {
        let size = self.query.size();
        joined.reshape([size[0], size[2], size[1], -1]).transpose(1, 2)
    }

    /// The gradient of the projections, `[batch, sequence, 3 * heads * width]`, from that of the output;
    /// `attended` and `log_sum_exp` are what [`Self::attend`] returned.
    pub(super) fn backward(
        &self,
        gradient: &tch::Tensor,
        attended: &tch::Tensor,
        log_sum_exp: &tch::Tensor,
        bias: &tch::Tensor,
    ) -> tch::Tensor {
        let dtype = self.query.kind();
        let size = self.query.size();
        let split = |joined: &tch::Tensor| self.split_joined(joined);
        // In float32: in bfloat16 the kernel hands the small products of each head to a library that prepares
        // for longer than it multiplies.
        let [gradient, query, key, value, attended] = [
            &split(gradient),
            &self.query,
            &self.key,
            &self.value,
            &split(attended),
        ]
        .map(|tensor| tensor.to_kind(tch::Kind::Float));
        let (query, key, value) = tch::Tensor::internal_scaled_dot_product_flash_attention_for_cpu_backward(
            &gradient,
            &query,
            &key,
            &value,
            &attended,
            log_sum_exp,
            0.0,
            false,
            Some(bias),
            None,
        );
        let value = match &self.factors {
            Some(factors) => scaled(&value, factors),
            None => value,
        };
        let parts = [query, key, value].map(|part| part.transpose(1, 2));
        tch::Tensor::stack(&parts, 2)
            .to_kind(dtype)
            .reshape([size[0], size[2], -1])
    }
}

/// The gradient of a bias, which broadcasts to `[batch, heads, sequence, sequence]`, from the inputs of
/// attention, its output and the gradient of that, `[batch, heads, sequence, width]` each.
///
/// The attention weights are computed again, one text at a time, so that they need not be written to memory
/// for a whole batch.
pub(super) fn bias_gradient(
    inputs: [&tch::Tensor; 3],
    bias: &tch::Tensor,
    attended: &tch::Tensor,
    gradient: &tch::Tensor,
) -> tch::Tensor {
    let [query, key, value] = inputs;
    let width = query.size()[3] as f64;
    let shared = bias.size()[0] == 1;
    let of_text = |tensor: &tch::Tensor, text: i64| tensor.select(0, text).to_kind(tch::Kind::Float);
    let of_texts = (0..query.size()[0]).map(|text| {
        let bias = of_text(bias, if shared { 0 } else { text });
        let scores = of_text(query, text).matmul(&of_text(key, text).transpose(1, 2)) / width.sqrt() + &bias;
        let weights = scores.softmax(-1, tch::Kind::Float);
        let gradient = of_text(gradient, text);
        let of_weights = gradient.matmul(&of_text(value, text).transpose(1, 2));
        let of_all = (gradient * of_text(attended, text)).sum_dim_intlist(-1, true, tch::Kind::Float);
        let of_scores = weights * (of_weights - of_all);
        let broadcast: Vec<i64> = (0..)
            .zip(bias.size())
            .filter_map(|(place, size)| (size == 1).then_some(place))
            .collect();
        if broadcast.is_empty() {
            of_scores
        } else {
            of_scores.sum_dim_intlist(broadcast, true, tch::Kind::Float)
        }
    });
    if shared {
        let sum = of_texts.reduce(|sum, of_text| sum + of_text);
        sum.map_or_else(|| bias.zeros_like(), |sum| sum.unsqueeze(0))
    } else {
        tch::Tensor::stack(&of_texts.collect::<Vec<_>>(), 0)
    }
    .to_kind(bias.kind())
}

/// Multiplies values with the factors of dropout in float32: bfloat16 would round the scale, and with it the
/// mean.
fn scaled(values: &tch::Tensor, factors: &tch::Tensor) -> tch::Tensor {
    (values.to_kind(tch::Kind::Float) * factors).to_kind(values.kind())
}
