//! Several processes that share the work of one run: the first process's side.
//!
//! Responsible for starting the others, or meeting those that a launcher started, and for telling them what to
//! do. The others' side is `serving`. Which files there are and what is printed is the first process's alone.

mod serving;

use std::cell::RefCell;
use std::fmt::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use labelproof_artifact::fs::FsError;
use labelproof_artifact::{Advice, Diagnostic, Digest, Fault};
use labelproof_driver::launch::CHILD;
use labelproof_driver::{ExitCode, Failure, Launch, printer};
use labelproof_kernels::workers::{MeetingPoint, Rendezvous, Workers};
use labelproof_kernels::{device, share_processors};
use labelproof_settings::encoder_name::EncoderSource;
use labelproof_settings::{DeviceChoice, Devices};
use serde::{Deserialize, Serialize};

pub(crate) use serving::serve;

/// How long to wait for processes that this one starts: they load LibTorch.
const PATIENCE_WITH_CHILDREN: Duration = Duration::from_mins(2);
/// How long to wait for processes that a launcher starts: machines come up one after the other.
const PATIENCE_WITH_LAUNCHER: Duration = Duration::from_mins(10);
/// How long to wait before saying so.
const SILENCE: Duration = Duration::from_secs(10);
/// How long a process that was told to end may take.
const PATIENCE_AT_END: Duration = Duration::from_secs(5);

/// What the other processes are to do. Folders are relative to the one in which every process was started.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Job {
    /// Share the work of the stage train.
    Train {
        params: Box<labelproof_settings::train::Params>,
        artifacts: PathBuf,
        encoder: EncoderSource,
    },
    /// Share the work of the stage evaluate.
    Evaluate {
        params: labelproof_settings::evaluate::Params,
        artifacts: PathBuf,
    },
    /// End.
    End,
}

/// A job cannot be told: a folder's name is no text.
#[derive(Debug, thiserror::Error)]
#[error("the workers cannot be told what to do")]
struct JobError {
    source: serde_json::Error,
}

impl Diagnostic for JobError {
    fn advice(&self) -> Advice {
        Fault::Environment.hint("give the folders of artifacts and encoder names in UTF-8")
    }
}

/// A worker cannot be started.
#[derive(Debug, thiserror::Error)]
#[error("cannot start worker {rank}")]
struct StartError {
    rank: usize,
    source: FsError,
}

impl Diagnostic for StartError {
    fn advice(&self) -> Advice {
        self.source.advice()
    }
}

/// The launcher and the command line contradict each other.
#[derive(Debug, thiserror::Error)]
#[error("the launcher started {count} workers, and `--workers` asks for {asked}")]
struct CountError {
    count: usize,
    asked: usize,
}

impl Diagnostic for CountError {
    fn advice(&self) -> Advice {
        Fault::Configuration.hint("leave `--workers` to the launcher")
    }
}

/// The processes of a run, started when the first stage needs them.
pub(crate) struct WorkerGroup {
    devices: Devices,
    count: usize,
    launch: Option<Launch>,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    workers: Option<&'static Workers>,
    children: Vec<(usize, Child)>,
    jobs: usize,
}

impl WorkerGroup {
    /// The processes that a configuration asks for, or that a launcher started.
    pub(crate) fn new(devices: &Devices, asked: usize) -> Result<Self, Failure> {
        let launch = Launch::from_environment()?;
        let count = match &launch {
            Some(launch) if asked > 1 && asked != launch.count => {
                let count = launch.count;
                return Err(CountError { count, asked }.into());
            }
            Some(launch) => launch.count,
            None => asked,
        };
        let group = Self {
            devices: devices.clone(),
            count,
            launch,
            state: RefCell::default(),
        };
        if group.launch.is_some() {
            // The others wait from their start on.
            group.workers()?;
        }
        Ok(group)
    }

    /// The device of this process.
    pub(crate) fn device(&self) -> DeviceChoice {
        own_device(
            &self.devices,
            self.launch.as_ref().map_or(0, |launch| launch.local_rank),
        )
    }

    /// All processes, after they have met, and the device of this one: for a command that each of them executes
    /// by itself.
    pub(crate) fn own(&self) -> Result<(&'static Workers, DeviceChoice), Failure> {
        Ok((self.workers()?, self.device()))
    }

    /// The result of such a command in this process.
    pub(crate) fn conclude(&self, result: Result<ExitCode, Failure>) -> Result<ExitCode, Failure> {
        let workers = self.state.borrow().workers;
        let (Some(launch), Some(workers)) = (&self.launch, workers.filter(|workers| !workers.is_first()))
        else {
            return result;
        };
        let result = result.or_else(|failure| conclude_failure(launch, workers, failure));
        // Where the first process is gone, nobody waits for this.
        let _ = workers.tell(&done_name(workers.rank()), "");
        result
    }

    /// All processes, after they have met.
    fn workers(&self) -> Result<&'static Workers, Failure> {
        if let Some(workers) = self.state.borrow().workers {
            return Ok(workers);
        }
        let workers = match &self.launch {
            _ if self.count == 1 => Workers::alone(),
            Some(launch) => meet(launch, Some(&self.devices))?.0,
            None => self.start_children()?,
        };
        // One small value for the life of the process, which every stage borrows.
        let workers: &'static Workers = Box::leak(Box::new(workers));
        self.state.borrow_mut().workers = Some(workers);
        Ok(workers)
    }

    /// Has the other processes share the work of a job with this one.
    pub(crate) fn start(&self, job: &Job) -> Result<&'static Workers, Failure> {
        let workers = self.workers()?;
        let text = serde_json::to_string(job).map_err(|source| JobError { source })?;
        let mut state = self.state.borrow_mut();
        state.jobs += 1;
        workers.tell(&job_name(state.jobs), &text)?;
        Ok(workers)
    }

    /// Starts the other processes on this machine, with the arguments of this one.
    fn start_children(&self) -> Result<Workers, Failure> {
        share_processors(self.count);
        let rendezvous = Rendezvous {
            rank: 0,
            count: self.count,
            host: "127.0.0.1".to_owned(),
            port: 0,
            serves: true,
            prefix: prefix(0),
            patience: PATIENCE_WITH_CHILDREN,
        };
        let place = MeetingPoint::open(rendezvous)?;
        place.tell(DEVICES, &self.devices.to_string())?;
        for rank in 1..self.count {
            let child = self.start_child(rank, place.port())?;
            self.state.borrow_mut().children.push((rank, child));
        }
        let workers = place.meet(self.device(), || self.ended_child())?;
        workers.agree("meeting", "build", &build())?;
        Ok(workers)
    }

    fn start_child(&self, rank: usize, port: u16) -> Result<Child, Failure> {
        use std::os::unix::process::CommandExt;
        let start = || {
            let mut command = Command::new(std::env::current_exe()?);
            command
                .args(std::env::args_os().skip(1))
                .env("RANK", rank.to_string())
                .env("LOCAL_RANK", rank.to_string())
                .env("WORLD_SIZE", self.count.to_string())
                .env("MASTER_ADDR", "127.0.0.1")
                .env("MASTER_PORT", port.to_string())
                .env(CHILD, "1")
                .envs(of_share("RAYON_NUM_THREADS", self.count))
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                // Ctrl-C reaches this process alone, which tells the others.
                .process_group(0);
            command.spawn()
        };
        start().map_err(|error| {
            let source = FsError::new("start", std::path::Path::new("labelproof-torch"), error);
            StartError { rank, source }.into()
        })
    }

    /// What became of a child that has ended.
    fn ended_child(&self) -> Option<(usize, String)> {
        let mut state = self.state.borrow_mut();
        state.children.iter_mut().find_map(|(rank, child)| {
            let status = child.try_wait().ok()??;
            Some((*rank, format!("it ended with {status}")))
        })
    }
}

/// Ends the other processes.
impl Drop for WorkerGroup {
    fn drop(&mut self) {
        let workers = self.state.borrow().workers;
        let start = Instant::now();
        if let Some(workers) = workers.filter(|workers| workers.is_first() && !workers.is_broken()) {
            // Whom that does not reach is gone. The store ends with this process: the others read it first.
            let _ = self.start(&Job::End);
            for rank in 1..workers.count() {
                workers.hear_within(&done_name(rank), PATIENCE_AT_END.saturating_sub(start.elapsed()));
            }
        }
        for (_, child) in &mut self.state.borrow_mut().children {
            while matches!(child.try_wait(), Ok(None)) {
                if start.elapsed() > PATIENCE_AT_END {
                    // It waits for an exchange that will not come.
                    let _ = child.kill();
                    let _ = child.wait();
                    break;
                }
                thread::sleep(Duration::from_millis(10));
            }
        }
    }
}

/// The variable that gives a child its share of the processors, unless the user set it.
fn of_share(name: &'static str, count: usize) -> Option<(&'static str, String)> {
    let all = thread::available_parallelism().map_or(1, usize::from);
    std::env::var_os(name)
        .is_none()
        .then(|| (name, (all / count).max(1).to_string()))
}

/// The key under which the first process says which devices were asked for.
const DEVICES: &str = "devices";

/// The key under which a process says that it ends.
fn done_name(rank: usize) -> String {
    format!("done/{rank}")
}

fn job_name(number: usize) -> String {
    format!("job/{number}")
}

fn prefix(restarts: usize) -> String {
    format!("labelproof/{restarts}")
}

/// The device of a process, by its number among those of its machine.
fn own_device(devices: &Devices, local_rank: usize) -> DeviceChoice {
    let wanted = devices.of_worker(local_rank);
    match (wanted, device::resolve(wanted)) {
        // Of several GPUs each process takes one.
        (DeviceChoice::Auto, Ok(DeviceChoice::Cuda(first))) => DeviceChoice::Cuda(first + local_rank),
        _ => wanted,
    }
}

/// Meets the others at the place that the environment names. The first process brings the devices that were
/// asked for; the others learn them there. Returns the own device, too.
fn meet(launch: &Launch, devices: Option<&Devices>) -> Result<(Workers, DeviceChoice), Failure> {
    let Launch {
        rank,
        count,
        host,
        port,
        ..
    } = launch;
    let note = format!("worker {rank} of {count} is waiting for the others at {host}:{port}");
    with_note(&note, || meet_at_place(launch, devices))
}

/// Prints a note if some work takes long.
fn with_note<T>(note: &str, work: impl FnOnce() -> T) -> T {
    let (done, is_done) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            if is_done.recv_timeout(SILENCE) == Err(RecvTimeoutError::Timeout) {
                printer::note(note);
            }
        });
        let result = work();
        drop(done);
        result
    })
}

fn meet_at_place(launch: &Launch, devices: Option<&Devices>) -> Result<(Workers, DeviceChoice), Failure> {
    let place = MeetingPoint::open(Rendezvous {
        rank: launch.rank,
        count: launch.count,
        host: launch.host.clone(),
        port: launch.port,
        serves: launch.rank == 0 && !launch.is_served,
        prefix: prefix(launch.restarts),
        patience: if launch.is_child {
            PATIENCE_WITH_CHILDREN
        } else {
            PATIENCE_WITH_LAUNCHER
        },
    })?;
    let devices = match devices {
        Some(devices) => {
            place.tell(DEVICES, &devices.to_string())?;
            devices.clone()
        }
        None => {
            // The words of another build are refused by the comparison of builds below.
            place
                .hear(DEVICES)?
                .parse()
                .unwrap_or_else(|_| DeviceChoice::Auto.into())
        }
    };
    if launch.is_child {
        share_processors(launch.count);
    }
    let device = own_device(&devices, launch.local_rank);
    let workers = place.meet(device, || None)?;
    workers.agree("meeting", "build", &build())?;
    Ok((workers, device))
}

/// Leaves word of why a process fails that is not the first, which prints it; who only lost the others has
/// nothing to say.
fn conclude_failure(launch: &Launch, workers: &Workers, failure: Failure) -> Result<ExitCode, Failure> {
    if !workers.is_broken() {
        workers.leave_word(failure.render().trim_start_matches("error: "));
    }
    if launch.is_child {
        return Ok(failure.fault().into());
    }
    Err(failure)
}

/// What tells one build from another: the digest of the program.
fn build() -> String {
    let mut text = env!("CARGO_PKG_VERSION").to_owned();
    let program = std::env::current_exe().map(|path| Digest::of_file(&path));
    if let Ok(Ok(digest)) = program {
        let _ = write!(text, " {}", digest.short());
    }
    text
}
