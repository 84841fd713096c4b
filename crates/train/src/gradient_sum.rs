//! The sum of the gradients of a step's micro-batches, computed by one process or by several.
//!
//! Responsible for the order of the sum, which is that of the micro-batches whatever the number of processes: a
//! float sum depends on its order in the last bits, and W processes are to give the bytes of one. Each process
//! therefore receives its part (shard) of the gradient of every micro-batch, adds these up in order, and
//! gathers the sums of the others. That is the traffic of a ring, without the order of one.

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::{Device, Tensor};
use labelproof_kernels::workers::{Workers, WorkersError};

/// The number of elements that are exchanged at once, 25 MB as in PyTorch: enough to fill a network, few beside
/// the model.
const BUCKET_ELEMENTS: usize = 25 * 1024 * 1024 / size_of::<f32>();

/// The sum of the gradients of the micro-batches so far.
pub(crate) enum GradientSum<'a, M> {
    /// One process has all of it.
    Alone(GradientsAccumulator<M>),
    /// Each process has its shard of every bucket.
    Sharded {
        workers: &'a Workers,
        buckets: Vec<Bucket>,
        device: &'a Device,
    },
}

/// Parameters whose gradients travel together.
pub(crate) struct Bucket {
    parameters: Vec<Slot>,
    /// The number of elements of all of them.
    elements: usize,
    /// The sum of this process's shard.
    shard: Option<Tensor<1>>,
}

/// A parameter with the shape of its gradient.
struct Slot {
    id: ParamId,
    shape: Vec<usize>,
}

impl Slot {
    fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// Removes the gradient of the parameter, as a vector.
    fn take(&self, gradients: &mut GradientsParams) -> Tensor<1> {
        let flat = match self.shape.len() {
            1 => gradients.remove::<1>(self.id),
            _ => gradients
                .remove::<2>(self.id)
                .map(|gradient| gradient.reshape([self.elements()])),
        };
        flat.expect("every trained weight is part of the loss")
    }

    /// Registers the gradient of the parameter, given as a vector.
    fn register(&self, gradients: &mut GradientsParams, flat: Tensor<1>) {
        match *self.shape.as_slice() {
            [_] => gradients.register(self.id, flat),
            [rows, columns] => gradients.register(self.id, flat.reshape([rows, columns])),
            ref shape => unreachable!("a classifier has vectors and matrices, and no parameter of {shape:?}"),
        }
    }
}

impl<'a, M: Module> GradientSum<'a, M> {
    /// An empty sum of the gradients of a module, on a device without autodiff.
    pub(crate) fn new(workers: &'a Workers, module: &M, device: &'a Device) -> Self {
        if workers.count() == 1 {
            return Self::Alone(GradientsAccumulator::new());
        }
        Self::Sharded {
            workers,
            buckets: buckets(module),
            device,
        }
    }

    /// Adds the gradients of a round, in which each of the first `computed` processes computed those of one
    /// micro-batch. `gradients` are this process's, if it is one of them.
    pub(crate) fn add(
        &mut self,
        module: &M,
        gradients: Option<GradientsParams>,
        computed: usize,
    ) -> Result<(), WorkersError> {
        match self {
            Self::Alone(accumulator) => {
                accumulator.accumulate(module, gradients.expect("one process computes them all"));
                Ok(())
            }
            Self::Sharded {
                workers,
                buckets,
                device,
            } => {
                let mut gradients = gradients;
                for bucket in buckets {
                    let parts = bucket.fill(gradients.as_mut(), workers.count(), device);
                    bucket.add(&workers.exchange(parts)?, computed, workers.count());
                }
                Ok(())
            }
        }
    }

    /// The sum, the same in every process.
    pub(crate) fn into_gradients(self) -> Result<GradientsParams, WorkersError> {
        match self {
            Self::Alone(mut accumulator) => Ok(accumulator.grads()),
            Self::Sharded { workers, buckets, .. } => {
                let mut gradients = GradientsParams::new();
                for bucket in buckets {
                    bucket.gather(workers, &mut gradients)?;
                }
                Ok(gradients)
            }
        }
    }
}

impl Bucket {
    /// The gradients of the parameters, one after the other, and as many zeros as make equal shards; zeros
    /// alone where this process has none to give.
    fn fill(&self, gradients: Option<&mut GradientsParams>, count: usize, device: &Device) -> Tensor<1> {
        let padded = self.elements.next_multiple_of(count);
        let Some(gradients) = gradients else {
            return Tensor::zeros([padded], device);
        };
        let mut parts: Vec<Tensor<1>> = self.parameters.iter().map(|slot| slot.take(gradients)).collect();
        if padded > self.elements {
            parts.push(Tensor::zeros([padded - self.elements], device));
        }
        Tensor::cat(parts, 0)
    }

    /// Adds this process's shard of the gradients of each micro-batch of a round, in their order.
    fn add(&mut self, received: &Tensor<1>, computed: usize, count: usize) {
        let length = received.dims()[0] / count;
        for number in 0..computed {
            let part = received.clone().narrow(0, number * length, length);
            self.shard = Some(match self.shard.take() {
                Some(sum) => sum.add(part),
                None => part,
            });
        }
    }

    /// Gathers the shards, and registers the gradient of each parameter.
    fn gather(self, workers: &Workers, gradients: &mut GradientsParams) -> Result<(), WorkersError> {
        let shard = self.shard.expect("a step has a micro-batch");
        let sum = workers.gather(shard)?;
        let mut start = 0;
        for slot in self.parameters {
            let length = slot.elements();
            slot.register(gradients, sum.clone().narrow(0, start, length));
            start += length;
        }
        Ok(())
    }
}

/// The trained parameters of a module, in its own order, in buckets.
fn buckets<M: Module>(module: &M) -> Vec<Bucket> {
    struct Trained(Vec<Slot>);
    impl ModuleVisitor for Trained {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if param.is_require_grad() {
                self.0.push(Slot {
                    id: param.id,
                    shape: param.shape().to_vec(),
                });
            }
        }
    }
    let mut trained = Trained(Vec::new());
    module.visit(&mut trained);
    let mut buckets: Vec<Bucket> = Vec::new();
    for slot in trained.0 {
        let elements = slot.elements();
        match buckets.last_mut() {
            Some(bucket) if bucket.elements + elements <= BUCKET_ELEMENTS => {
                bucket.elements += elements;
                bucket.parameters.push(slot);
            }
            _ => buckets.push(Bucket {
                parameters: vec![slot],
                elements,
                shard: None,
            }),
        }
    }
    buckets
}
