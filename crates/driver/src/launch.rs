//! Whether this process was started together with others, to share the work of one run: by torchrun, by
//! another launcher with torchrun's variables (Ray Train, Kubeflow, MPI's wrappers), by Slurm, or by the first
//! process of a run with `--workers`.
//!
//! Responsible for the environment variables alone. How processes meet is `labelproof-kernels`' business.

use labelproof_artifact::{Advice, Diagnostic, Fault};

/// The place of this process among those that were started together, and where they meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    /// The number of this process, from 0.
    pub rank: usize,
    /// The number of processes, at least 2.
    pub count: usize,
    /// The number of this process among those of its machine.
    pub local_rank: usize,
    /// The host on which the first process runs.
    pub host: String,
    /// The port by which they meet.
    pub port: u16,
    /// Whether the launcher itself serves the meeting point, as torchrun does.
    pub is_served: bool,
    /// How often the launcher has started the processes again.
    pub restarts: usize,
    /// Whether the first process of a run started this one, and prints its messages.
    pub is_child: bool,
}

/// The environment describes no place among the processes.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant names its fields")]
pub enum LaunchError {
    /// A variable is missing.
    #[error("`{given}` is set, and `{missing}` is not")]
    Missing {
        given: &'static str,
        missing: &'static str,
    },
    /// A variable is no number, or too large a one.
    #[error("`{name}` is `{value}`: {problem}")]
    Invalid {
        name: &'static str,
        value: String,
        problem: String,
    },
}

impl Diagnostic for LaunchError {
    fn advice(&self) -> Advice {
        Fault::Configuration.hint(
            "a launcher of several processes sets RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT; to run one process \
             alone, unset RANK and WORLD_SIZE",
        )
    }
}

/// The variable that marks a process which the first one started itself.
pub const CHILD: &str = "LABELPROOF_WORKER";

/// The lowest port that a Slurm job gets where `MASTER_PORT` is not set, and how many there are.
const SLURM_PORTS: (u16, u16) = (15_000, 10_000);

impl Launch {
    /// The place that the environment describes; `None` for a process that works alone.
    pub fn from_environment() -> Result<Option<Self>, LaunchError> {
        Self::from_variables(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    }

    fn from_variables(get: impl Fn(&'static str) -> Option<String>) -> Result<Option<Self>, LaunchError> {
        let variables = Variables(get);
        if let Some(count) = variables.number("WORLD_SIZE")? {
            return variables.torchrun(count);
        }
        // srun sets this one for each of the processes that it starts; a script around it does not have it.
        match variables.number("SLURM_STEP_NUM_TASKS")? {
            Some(count) => variables.slurm(count),
            None => Ok(None),
        }
    }
}

fn needed<T>(value: Option<T>, given: &'static str, missing: &'static str) -> Result<T, LaunchError> {
    value.ok_or(LaunchError::Missing { given, missing })
}

struct Variables<G>(G);

impl<G: Fn(&'static str) -> Option<String>> Variables<G> {
    fn number(&self, name: &'static str) -> Result<Option<usize>, LaunchError> {
        let Some(value) = (self.0)(name) else {
            return Ok(None);
        };
        match value.parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(LaunchError::Invalid {
                name,
                value,
                problem: "it must be a whole number".to_owned(),
            }),
        }
    }

    fn port(&self) -> Result<Option<u16>, LaunchError> {
        let Some(number) = self.number("MASTER_PORT")? else {
            return Ok(None);
        };
        match u16::try_from(number) {
            Ok(port) => Ok(Some(port)),
            Err(_) => Err(LaunchError::Invalid {
                name: "MASTER_PORT",
                value: number.to_string(),
                problem: "a port is at most 65535".to_owned(),
            }),
        }
    }

    fn rank(&self, name: &'static str, count: usize, given: &'static str) -> Result<usize, LaunchError> {
        let rank = needed(self.number(name)?, given, name)?;
        if rank < count {
            return Ok(rank);
        }
        Err(LaunchError::Invalid {
            name,
            value: rank.to_string(),
            problem: format!(
                "of {count} processes the last one has the number {}",
                count.saturating_sub(1)
            ),
        })
    }

    fn torchrun(&self, count: usize) -> Result<Option<Launch>, LaunchError> {
        let given = "WORLD_SIZE";
        if count < 2 {
            return Ok(None);
        }
        Ok(Some(Launch {
            rank: self.rank("RANK", count, given)?,
            count,
            local_rank: self.number("LOCAL_RANK")?.unwrap_or(0),
            host: needed((self.0)("MASTER_ADDR"), given, "MASTER_ADDR")?,
            port: needed(self.port()?, given, "MASTER_PORT")?,
            is_served: (self.0)("TORCHELASTIC_USE_AGENT_STORE").is_some_and(|value| value == "True"),
            restarts: self.number("TORCHELASTIC_RESTART_COUNT")?.unwrap_or(0),
            is_child: (self.0)(CHILD).is_some(),
        }))
    }

    fn slurm(&self, count: usize) -> Result<Option<Launch>, LaunchError> {
        let given = "SLURM_STEP_NUM_TASKS";
        if count < 2 {
            return Ok(None);
        }
        let host = (self.0)("MASTER_ADDR").or_else(|| (self.0)("SLURM_LAUNCH_NODE_IPADDR"));
        let (first, ports) = SLURM_PORTS;
        let job = self.number("SLURM_JOB_ID")?.unwrap_or(0) % usize::from(ports);
        let of_job = first + u16::try_from(job).unwrap_or(0);
        Ok(Some(Launch {
            rank: self.rank("SLURM_PROCID", count, given)?,
            count,
            local_rank: self.number("SLURM_LOCALID")?.unwrap_or(0),
            host: needed(host, given, "MASTER_ADDR")?,
            port: self.port()?.unwrap_or(of_job),
            is_served: false,
            restarts: self.number("SLURM_RESTART_COUNT")?.unwrap_or(0),
            is_child: false,
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn launch(variables: &[(&'static str, &str)]) -> Result<Option<Launch>, String> {
        let variables: BTreeMap<&str, String> = variables
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect();
        Launch::from_variables(|name| variables.get(name).cloned()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_process_without_launcher_is_alone() {
        assert_eq!(launch(&[]), Ok(None));
        assert_eq!(launch(&[("WORLD_SIZE", "1"), ("RANK", "0")]), Ok(None));
        // A script of Slurm's, or a shell in an allocation, which srun did not start.
        assert_eq!(
            launch(&[
                ("SLURM_JOB_ID", "7"),
                ("SLURM_NTASKS", "4"),
                ("SLURM_PROCID", "0")
            ]),
            Ok(None)
        );
    }

    /// What torchrun 2.9 sets with `--nproc-per-node 4`.
    #[test]
    fn the_variables_of_torchrun_are_understood() {
        let variables = [
            ("LOCAL_RANK", "1"),
            ("RANK", "3"),
            ("WORLD_SIZE", "4"),
            ("MASTER_ADDR", "10.0.0.1"),
            ("MASTER_PORT", "29500"),
            ("TORCHELASTIC_USE_AGENT_STORE", "True"),
            ("TORCHELASTIC_RESTART_COUNT", "2"),
        ];
        let expected = Launch {
            rank: 3,
            count: 4,
            local_rank: 1,
            host: "10.0.0.1".to_owned(),
            port: 29500,
            is_served: true,
            restarts: 2,
            is_child: false,
        };
        assert_eq!(launch(&variables), Ok(Some(expected)));
    }

    #[test]
    fn the_variables_of_srun_are_understood() {
        let variables = [
            ("SLURM_STEP_NUM_TASKS", "2"),
            ("SLURM_PROCID", "1"),
            ("SLURM_LOCALID", "0"),
            ("SLURM_JOB_ID", "123456"),
            ("SLURM_LAUNCH_NODE_IPADDR", "10.0.0.2"),
        ];
        let found = launch(&variables).unwrap().unwrap();
        assert_eq!((found.rank, found.count, found.local_rank), (1, 2, 0));
        assert_eq!((found.host.as_str(), found.port), ("10.0.0.2", 18456));
        assert!(!found.is_served);
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let problem = |variables: &[(&'static str, &str)]| launch(variables).unwrap_err();
        assert_eq!(
            problem(&[("WORLD_SIZE", "2")]),
            "`WORLD_SIZE` is set, and `RANK` is not"
        );
        assert_eq!(
            problem(&[("WORLD_SIZE", "two")]),
            "`WORLD_SIZE` is `two`: it must be a whole number"
        );
        let place = [
            ("WORLD_SIZE", "2"),
            ("RANK", "2"),
            ("MASTER_ADDR", "a"),
            ("MASTER_PORT", "1"),
        ];
        assert_eq!(
            problem(&place),
            "`RANK` is `2`: of 2 processes the last one has the number 1"
        );
        let port = [
            ("WORLD_SIZE", "2"),
            ("RANK", "1"),
            ("MASTER_ADDR", "a"),
            ("MASTER_PORT", "70000"),
        ];
        assert_eq!(
            problem(&port),
            "`MASTER_PORT` is `70000`: a port is at most 65535"
        );
    }
}
