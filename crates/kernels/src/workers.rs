//! The processes that run a network together, each on a device of its own, and what they exchange.
//!
//! Responsible for meeting, for the collectives on tensors, and for saying which process is missing or gone. How
//! processes are started is the caller's business, and what a training deals out among them is
//! `labelproof-train`'s. Everything is arranged so that the result has the same bits with any number of
//! processes: sums are taken by the callers in an order that does not depend on that number, where the
//! reductions of Gloo and NCCL add in the order of a ring.

#![expect(
    deprecated,
    reason = "as in `device`: nothing of burn comes near LibTorch on a processor"
)]

mod c10d;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use burn::backend::LibTorch;
use burn::backend::libtorch::TchTensor;
use burn::tensor::Tensor;
use labelproof_artifact::{Advice, Diagnostic, Fault};
use labelproof_settings::DeviceChoice;

/// The processes cannot work together, or no longer can.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant names its fields")]
pub enum WorkersError {
    /// The meeting point cannot be opened.
    #[error("the workers cannot meet at {host}:{port}: {problem}")]
    Serve {
        host: String,
        port: u16,
        problem: String,
    },
    /// The meeting point does not answer.
    #[error("the first worker does not answer at {host}:{port}: {problem}")]
    Unreachable {
        host: String,
        port: u16,
        problem: String,
    },
    /// Some processes did not come in time.
    #[error("{} did not come within {seconds} seconds", ranks(missing))]
    Missing { missing: Vec<usize>, seconds: u64 },
    /// A worker failed, and said why.
    #[error("worker {rank} failed: {problem}")]
    Failed { rank: usize, problem: String },
    /// A worker is gone without a word, or the network is.
    #[error("a worker is gone: {problem}")]
    Gone { problem: String },
    /// A worker has something else than the first.
    #[error("worker {rank} has another {subject} than the first one: {found} instead of {expected}")]
    Differs {
        rank: usize,
        subject: &'static str,
        found: String,
        expected: String,
    },
    /// The device cannot exchange tensors.
    #[error("tensors on the device `{device}` cannot be exchanged between workers")]
    Device { device: DeviceChoice },
}

fn ranks(ranks: &[usize]) -> String {
    let names: Vec<String> = ranks.iter().map(ToString::to_string).collect();
    let word = if ranks.len() == 1 { "worker" } else { "workers" };
    format!("{word} {}", names.join(", "))
}

impl Diagnostic for WorkersError {
    fn advice(&self) -> Advice {
        match self {
            Self::Serve { .. } => Fault::Environment.hint(
                "another program has the port, or the address is not this machine's: set MASTER_ADDR and MASTER_PORT \
                 to others",
            ),
            Self::Unreachable { .. } => Fault::Environment.hint(
                "start every worker with the same MASTER_ADDR and MASTER_PORT, and let the network pass that port",
            ),
            Self::Missing { .. } => Fault::Environment.hint(
                "start as many workers as WORLD_SIZE says, each with its own RANK; their own messages say why one \
                 ended",
            ),
            Self::Failed { .. } => Fault::Environment.into(),
            Self::Gone { .. } => Fault::Environment.hint(
                "its own messages say why it ended; the system ends a process where memory is short. Run the same \
                 command again: training goes on from its last checkpoint",
            ),
            Self::Differs { .. } => Fault::Configuration.hint(
                "give every worker the same build, configuration and folders, such as by a shared file system",
            ),
            Self::Device { device: DeviceChoice::Cuda(_) } => Fault::Model.hint(
                "use one device, or build with the headers of CUDA and NCCL: in CUDA_HOME and NCCL_HOME, or of pip's packages \
                 nvidia-nccl and nvidia-cuda-crt beside torch",
            ),
            Self::Device { .. } => Fault::Model.hint("use one device, or `device: cpu`"),
        }
    }
}

/// Where and as what a process meets the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendezvous {
    /// The number of this process, from 0.
    pub rank: usize,
    /// The number of processes.
    pub count: usize,
    /// The host of the meeting point.
    pub host: String,
    /// Its port; 0 lets the process that serves it take a free one.
    pub port: u16,
    /// Whether this process serves the meeting point.
    pub serves: bool,
    /// What the keys of this run begin with, where several runs share a meeting point.
    pub prefix: String,
    /// How long to wait for the others.
    pub patience: Duration,
}

/// How long a process waits for the others in the middle of the work: longer than a checkpoint takes on a slow
/// disk. A process that ends is noticed at once.
const PATIENCE_AT_WORK: Duration = Duration::from_mins(30);
/// The time between two looks at who has come.
const GLANCE: Duration = Duration::from_millis(20);
/// How long to look for the words of a worker that is gone.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// The network interface that Gloo is to use, as in PyTorch.
const INTERFACE: &str = "GLOO_SOCKET_IFNAME";

/// A meeting point that is open, before the others have come.
#[derive(Debug)]
pub struct MeetingPoint {
    store: c10d::Store,
    rendezvous: Rendezvous,
}

impl MeetingPoint {
    /// Opens the meeting point, or connects to it.
    pub fn open(rendezvous: Rendezvous) -> Result<Self, WorkersError> {
        let Rendezvous { host, port, .. } = &rendezvous;
        match c10d::Store::open(host, *port, rendezvous.serves, rendezvous.patience) {
            Ok((store, port)) => Ok(Self {
                store,
                rendezvous: Rendezvous { port, ..rendezvous },
            }),
            Err(problem) => {
                let (host, port, problem) = (host.clone(), *port, first_line(&problem));
                Err(if rendezvous.serves {
                    WorkersError::Serve { host, port, problem }
                } else {
                    WorkersError::Unreachable { host, port, problem }
                })
            }
        }
    }

    /// The port of the meeting point.
    pub fn port(&self) -> u16 {
        self.rendezvous.port
    }

    /// Tells the other processes something before they meet.
    pub fn tell(&self, name: &str, text: &str) -> Result<(), WorkersError> {
        let key = format!("{}/{name}", self.rendezvous.prefix);
        self.store.set(&key, text).map_err(|problem| gone(&problem))
    }

    /// Waits for what another process tells before they meet.
    pub fn hear(&self, name: &str) -> Result<String, WorkersError> {
        let key = format!("{}/{name}", self.rendezvous.prefix);
        let told = self.store.get(&key, self.rendezvous.patience);
        told.map_err(|problem| gone(&problem))
    }

    /// Waits for all processes, and connects them for tensors on a device. `ended` returns what became of a
    /// process that has ended instead of coming.
    pub fn meet(
        self,
        device: DeviceChoice,
        ended: impl Fn() -> Option<(usize, String)>,
    ) -> Result<Workers, WorkersError> {
        let Self { store, rendezvous } = self;
        let Rendezvous { rank, count, .. } = rendezvous;
        let on_cuda = matches!(device, DeviceChoice::Cuda(_));
        let on_processor = matches!(device, DeviceChoice::Cpu | DeviceChoice::Auto);
        if !on_processor && (!on_cuda || !c10d::has_nccl()) {
            return Err(WorkersError::Device { device });
        }
        let mut workers = Workers {
            rank,
            count,
            connection: None,
        };
        let prefix = rendezvous.prefix.clone();
        let connection = Connection {
            store,
            prefix,
            group: None,
            device: match device {
                DeviceChoice::Cuda(index) => tch::Device::Cuda(index),
                _ => tch::Device::Cpu,
            },
            is_broken: AtomicBool::new(false),
        };
        connection.announce(rank)?;
        connection.wait_for_all(&rendezvous, ended)?;
        let interface = std::env::var(INTERFACE).unwrap_or_default();
        let is_here = ["localhost", "127.0.0.1", "::1"].contains(&rendezvous.host.as_str());
        let host = if interface.is_empty() && is_here {
            "127.0.0.1"
        } else {
            ""
        };
        let group = c10d::Group::open(
            &connection.store,
            &connection.key("group"),
            [rank, count],
            on_cuda,
            [&interface, host],
            PATIENCE_AT_WORK,
        )
        .map_err(|problem| connection.lost(rank, count, &problem))?;
        workers.connection = Some(Connection {
            group: Some(group),
            ..connection
        });
        Ok(workers)
    }
}

/// What joins a process to the others.
#[derive(Debug)]
struct Connection {
    store: c10d::Store,
    prefix: String,
    group: Option<c10d::Group>,
    /// The device of the tensors that travel.
    device: tch::Device,
    is_broken: AtomicBool,
}

impl Connection {
    fn key(&self, name: &str) -> String {
        format!("{}/{name}", self.prefix)
    }

    fn announce(&self, rank: usize) -> Result<(), WorkersError> {
        let key = self.key(&format!("here/{rank}"));
        self.store.set(&key, "").map_err(|problem| gone(&problem))
    }

    fn wait_for_all(
        &self,
        rendezvous: &Rendezvous,
        ended: impl Fn() -> Option<(usize, String)>,
    ) -> Result<(), WorkersError> {
        let start = Instant::now();
        let mut missing: Vec<usize> = (0..rendezvous.count).collect();
        loop {
            let mut waiting = Vec::new();
            for rank in missing {
                let key = self.key(&format!("here/{rank}"));
                if !self.store.has(&key).map_err(|problem| gone(&problem))? {
                    waiting.push(rank);
                }
            }
            missing = waiting;
            if missing.is_empty() {
                return Ok(());
            }
            if let Some((rank, problem)) = ended() {
                return Err(self
                    .last_words(rank)
                    .unwrap_or(WorkersError::Failed { rank, problem }));
            }
            if start.elapsed() >= rendezvous.patience {
                let seconds = rendezvous.patience.as_secs();
                return Err(WorkersError::Missing { missing, seconds });
            }
            std::thread::sleep(GLANCE);
        }
    }

    /// What a worker said before it ended.
    fn last_words(&self, rank: usize) -> Option<WorkersError> {
        let key = self.key(&format!("failed/{rank}"));
        if !self.store.has(&key).ok()? {
            return None;
        }
        let problem = self.store.get(&key, LAST_WORDS).ok()?;
        Some(WorkersError::Failed { rank, problem })
    }

    /// The error of a call that failed: what a worker said before it ended, if one did.
    fn lost(&self, rank: usize, count: usize, problem: &str) -> WorkersError {
        self.is_broken.store(true, Ordering::Relaxed);
        let start = Instant::now();
        loop {
            let mut others = (0..count).filter(|&other| other != rank);
            if let Some(error) = others.find_map(|other| self.last_words(other)) {
                return error;
            }
            if start.elapsed() >= LAST_WORDS {
                return gone(problem);
            }
            std::thread::sleep(GLANCE);
        }
    }
}

fn gone(problem: &str) -> WorkersError {
    WorkersError::Gone {
        problem: first_line(problem),
    }
}

/// The first line of a message of c10d, without the place in its source that it begins with.
fn first_line(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    match line.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
        Some((place, rest)) if place.contains(".cc:") || place.contains(".cpp:") => rest.to_owned(),
        _ => line.to_owned(),
    }
}

/// The processes that work together, of which this is one; often it is the only one.
#[derive(Debug)]
pub struct Workers {
    rank: usize,
    count: usize,
    connection: Option<Connection>,
}

impl Workers {
    /// One process that works alone.
    pub fn alone() -> Self {
        Self {
            rank: 0,
            count: 1,
            connection: None,
        }
    }

    /// The number of processes.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The number of this process, from 0.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// Whether this process is the first, which writes the files.
    pub fn is_first(&self) -> bool {
        self.rank == 0
    }

    /// Whether a piece of work is this process's: pieces are dealt out in turn.
    pub fn takes(&self, piece: usize) -> bool {
        piece % self.count == self.rank
    }

    /// Sends the n-th of as many equal parts of a tensor as there are processes to process n, and returns what
    /// this process received, a part from each in the order of the processes.
    pub fn exchange(&self, parts: Tensor<1>) -> Result<Tensor<1>, WorkersError> {
        let Some((connection, group)) = self.connected() else {
            return Ok(parts);
        };
        let input = to_libtorch(parts);
        let mut output = input.tensor.empty_like();
        group
            .all_to_all(&mut output, &input.tensor)
            .map_err(|problem| connection.lost(self.rank, self.count, &problem))?;
        Ok(from_libtorch(output))
    }

    /// Returns the tensors of all processes, which have one length, in the order of the processes.
    pub fn gather(&self, part: Tensor<1>) -> Result<Tensor<1>, WorkersError> {
        if self.connection.is_none() {
            return Ok(part);
        }
        Ok(from_libtorch(self.gather_tensor(&to_libtorch(part).tensor)?))
    }

    /// Returns the numbers of all processes, of which each has equally many, in the order of the processes.
    pub fn gather_numbers(&self, numbers: Vec<f32>) -> Result<Vec<f32>, WorkersError> {
        let Some(connection) = &self.connection else {
            return Ok(numbers);
        };
        let part = tch::Tensor::from_slice(&numbers).to_device(connection.device);
        let all = self.gather_tensor(&part)?;
        Ok(Vec::try_from(all).expect("it is a vector of float32"))
    }

    fn gather_tensor(&self, part: &tch::Tensor) -> Result<tch::Tensor, WorkersError> {
        let (connection, group) = self.connected().expect("the callers work with others");
        let count = i64::try_from(self.count).expect("there are few workers");
        let mut output = tch::Tensor::empty([part.size()[0] * count], (part.kind(), part.device()));
        group
            .all_gather(&mut output, part)
            .map_err(|problem| connection.lost(self.rank, self.count, &problem))?;
        Ok(output)
    }

    /// Whether something is so in any process.
    pub fn any(&self, is_so: bool) -> Result<bool, WorkersError> {
        let all = self.gather_numbers(vec![f32::from(u8::from(is_so))])?;
        Ok(all.iter().any(|&number| number != 0.0))
    }

    /// Makes sure that every process has the same as the first. `round` tells one such comparison from another.
    pub fn agree(&self, round: &str, subject: &'static str, value: &str) -> Result<(), WorkersError> {
        let Some(connection) = &self.connection else {
            return Ok(());
        };
        let key = |rank: usize| connection.key(&format!("{round}/{subject}/{rank}"));
        let lost = |problem: String| connection.lost(self.rank, self.count, &problem);
        connection.store.set(&key(self.rank), value).map_err(lost)?;
        // Digests travel between the processes, because only these connections notice one that is gone.
        let digest = blake3::hash(value.as_bytes());
        let all = self.gather_numbers(digest.as_bytes().iter().copied().map(f32::from).collect())?;
        let digests: Vec<&[f32]> = all.chunks_exact(digest.as_bytes().len()).collect();
        let Some(rank) = digests.iter().position(|found| *found != digests[0]) else {
            return Ok(());
        };
        let hear = |rank| connection.store.get(&key(rank), PATIENCE_AT_WORK).map_err(lost);
        Err(WorkersError::Differs {
            rank,
            subject,
            found: hear(rank)?,
            expected: hear(0)?,
        })
    }

    /// Tells the other processes something under a name that is used once.
    pub fn tell(&self, name: &str, text: &str) -> Result<(), WorkersError> {
        match &self.connection {
            Some(connection) => {
                let key = connection.key(name);
                connection.store.set(&key, text).map_err(|problem| gone(&problem))
            }
            None => Ok(()),
        }
    }

    /// Waits, however long it takes, for what another process tells.
    pub fn hear(&self, name: &str) -> Result<String, WorkersError> {
        let connection = self
            .connection
            .as_ref()
            .expect("nobody else is there to tell anything");
        let key = connection.key(name);
        while !connection.store.has(&key).map_err(|problem| gone(&problem))? {
            std::thread::sleep(GLANCE);
        }
        let told = connection.store.get(&key, PATIENCE_AT_WORK);
        told.map_err(|problem| gone(&problem))
    }

    /// Waits for a while for what another process tells.
    pub fn hear_within(&self, name: &str, patience: Duration) -> Option<String> {
        let connection = self.connection.as_ref()?;
        connection.store.get(&connection.key(name), patience).ok()
    }

    /// Whether an exchange failed: then another process is gone, or the network.
    pub fn is_broken(&self) -> bool {
        let connection = self.connection.as_ref();
        connection.is_some_and(|connection| connection.is_broken.load(Ordering::Relaxed))
    }

    /// Leaves word of why this process ends, for the message of the first.
    pub fn leave_word(&self, problem: &str) {
        // Where the first process is gone itself, nobody is left to read it.
        let _ = self.tell(&format!("failed/{}", self.rank), problem);
    }

    fn connected(&self) -> Option<(&Connection, &c10d::Group)> {
        let connection = self.connection.as_ref()?;
        Some((connection, connection.group.as_ref()?))
    }
}

fn to_libtorch(tensor: Tensor<1>) -> TchTensor {
    let found = tensor
        .try_into_primitive::<LibTorch>()
        .expect("processes meet on devices of LibTorch alone");
    TchTensor::new(found.tensor.contiguous())
}

fn from_libtorch(tensor: tch::Tensor) -> Tensor<1> {
    Tensor::from_primitive::<LibTorch>(TchTensor::new(tensor))
}

#[cfg(test)]
mod tests;
